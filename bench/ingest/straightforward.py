"""The API as it would be without group commit: each call a transaction of its own."""

from api.__main__ import main
from api.ingest import Ingest

Ingest.takes = staticmethod(lambda *_: False)  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
