"""`python -m tests.integration.worker.probe QUEUE`: a worker with a task that tells that it ran."""

import sys
import time

from worker import database
from worker.__main__ import main
from worker.app import app


@app.task(name="probe")
def probe(note: str, seconds: float = 0) -> None:
    time.sleep(seconds)
    _tell(note)


@database.patient
def _tell(note: str) -> None:
    with database._pool().connection() as connection:
        connection.execute("insert into probes (note) values (%s)", [note])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
