"""What a server shows of itself by TLS, and whom it trusts."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """Files in PEM that the server's user can read."""

    authority: Path
    """The certificate of whoever certifies the others."""
    certificate: Path
    key: Path
