"""A client that knows all PostgreSQL servers and follows the primary by itself, with libpq's host
list: `python -m bench.ha.host_list FOLDER` writes rows, one after another, until SIGTERM.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from common.settings import REPOSITORY
from tests.ha import history
from tests.ha.history import ACKNOWLEDGED, UNKNOWN, History
from tests.ha.scene import Scene

KIND = "host list"
_PAUSE_S = 0.05
_TRY_S = 3.0
# A host that died does not say so: libpq goes on to the next after 2 s, its least.
_IMPATIENT = " connect_timeout=2 tcp_user_timeout=2000"
_CONNINFO = "BENCH_CONNINFO"


@contextmanager
def writing(scene: Scene, folder: Path) -> Iterator[None]:
    """Let it write meanwhile; `read` has what it saw."""
    conninfo = scene.conninfo().replace(" connect_timeout=3", _IMPATIENT)
    with subprocess.Popen(
        [sys.executable, "-m", "bench.ha.host_list", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, _CONNINFO: conninfo},
        start_new_session=True,
    ) as process:
        try:
            while not read(folder).acknowledged(KIND):
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def read(folder: Path) -> History:
    """What it has seen."""
    return history.read(folder)


async def main(folder: Path) -> None:
    """Write: each commit waits for a standby."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    journal = history.journal(folder, "host-list")
    connection: psycopg.AsyncConnection[Any] | None = None
    while not over.is_set():
        key = str(uuid.uuid4())
        number = journal.began(KIND, key)
        try:
            async with asyncio.timeout(_TRY_S):
                connection = connection or await psycopg.AsyncConnection.connect(
                    os.environ[_CONNINFO], autocommit=True
                )
                await connection.execute("insert into faults.direct_writes values (%s)", [key])
            journal.ended(number, ACKNOWLEDGED)
        except (psycopg.Error, TimeoutError) as error:
            journal.ended(number, UNKNOWN, code=type(error).__name__)
            if connection is not None:
                with contextlib.suppress(psycopg.Error, TimeoutError):
                    async with asyncio.timeout(1):
                        await connection.close()
            connection = None
        await asyncio.sleep(_PAUSE_S)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
