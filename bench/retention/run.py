"""What retiring a day of points does to inserts and to the API's replica: `saferoute partitions
maintain` against pg_partman's own retention, in equal windows, by turns.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psycopg

from bench.report import Result, write_result
from bench.retention.load import Window, load, long_transaction
from bench.retention.servers import Trio, trio

COMMAND = "from ops.command import main; main()"
ROUNDS = 4
WINDOW = 12.0
READER = 4.0
REPLICA_READER = 8.0  # longer, so that a lock it holds is waited for on the replica
ANALYST = 60.0
NOTHING, MAINTAIN, PARTMAN = "no maintenance", "saferoute partitions maintain", "pg_partman's drop"
# With the day as a value: with now() it would be planned, and so locked, with every period.
ANOTHER_DAY = (
    "select count(*) from core.journey_points"
    f" where recorded_at >= '{datetime.now(UTC):%Y-%m-%d} 00:00+00'"
)
WHOLE_SET = "select count(*) from core.journey_points"


class Bench:
    """The servers, and how many days have been made due so far."""

    def __init__(self, servers: Trio, archive: str) -> None:
        self.servers = servers
        self.environment = servers.environment() | {"SAFEROUTE_ARCHIVE_DIRECTORY": archive}
        self.age = 31

    def settle_in(self) -> None:
        """Let the writers' region get its leaf: the first maintenance moves its rows there."""
        with load(*(self.servers.conninfo(name) for name in ("primary", "replica"))):
            time.sleep(2)
        self.maintain()

    def window(self, action: Callable[[], None], on_replica: str) -> Window:
        """WINDOW seconds with writers, readers and, from its first second, `action`.

        A reader of another day is on the primary for READER seconds, one with the query
        `on_replica` on the API's replica for REPLICA_READER.
        """
        self.age += 1
        self.servers.add_day(self.age)
        self.wait_for_replica()
        primary, replica = (self.servers.conninfo(name) for name in ("primary", "replica"))
        with load(primary, replica) as seen:
            end = time.monotonic() + WINDOW
            with (
                long_transaction(primary, ANOTHER_DAY, READER),
                long_transaction(replica, on_replica, REPLICA_READER),
            ):
                action()
            time.sleep(max(0.0, end - time.monotonic()))
        self.maintain()  # what this window has left, outside any
        return seen

    def wait_for_replica(self) -> None:
        """Return once the replica has replayed everything."""
        with (
            psycopg.connect(self.servers.conninfo("primary"), autocommit=True) as primary,
            psycopg.connect(self.servers.conninfo("replica"), autocommit=True) as replica,
        ):
            lsn = primary.execute("select pg_current_wal_flush_lsn()").fetchone()
            query = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
            while replica.execute(query, lsn).fetchone() != (True,):
                time.sleep(0.05)

    def maintain(self) -> None:
        """The command, as a timer runs it."""
        subprocess.run(
            [sys.executable, "-c", COMMAND, "partitions", "maintain"],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "SAFEROUTE_ENV_FILE": os.devnull, **self.environment},
        )

    def partman(self) -> None:
        """pg_partman's maintenance, with the setting that lets it drop."""
        owner = self.servers.primary.conninfo("saferoute_owner")
        with psycopg.connect(owner, autocommit=True) as session:
            keep = "update partman.part_config set retention_keep_table = %s"
            session.execute(keep, [False])
            session.execute(
                "select partman.run_maintenance("
                "p_parent_table := 'core.journey_points', p_analyze := false)"
            )
            session.execute(keep, [True])

    def beside_an_analyst(self, server: str) -> tuple[Window, bool]:
        """Maintenance during an analyst's transaction of ANALYST seconds on a standby; whether
        the analyst was cancelled.
        """
        self.age += 1
        self.servers.add_day(self.age)
        self.wait_for_replica()
        with (
            load(self.servers.conninfo("primary"), self.servers.conninfo("replica")) as seen,
            long_transaction(self.servers.conninfo(server), WHOLE_SET, ANALYST) as is_cancelled,
        ):
            self.maintain()
        return seen, is_cancelled()


def main() -> None:
    """Measure, print, write `result.json`."""
    seen: dict[tuple[str, str], list[Window]] = defaultdict(list)
    with trio() as servers, tempfile.TemporaryDirectory() as archive:
        bench = Bench(servers, archive)
        actions = {NOTHING: lambda: None, MAINTAIN: bench.maintain, PARTMAN: bench.partman}
        bench.settle_in()
        for number in range(ROUNDS):
            on_replica = (ANOTHER_DAY, WHOLE_SET)[number % 2]
            for name in random.sample(list(actions), len(actions)):
                seen[name, on_replica].append(bench.window(actions[name], on_replica))
        apart = bench.beside_an_analyst("analysts")
        together = bench.beside_an_analyst("replica")
    results = [*_inserts(seen), *_lags(seen), *_analyst(*apart), *_contrast(*together)]
    write_result(Path(__file__).parent, "Retiring a day under load", results)


def _inserts(seen: dict[tuple[str, str], list[Window]]) -> list[Result]:
    worst = {
        name: [
            window.worst_insert * 1000
            for on_replica in (ANOTHER_DAY, WHOLE_SET)
            for window in seen[name, on_replica]
        ]
        for name in (NOTHING, MAINTAIN, PARTMAN)
    }
    return [
        *(
            Result(
                f"worst insert of a window, {name}, {label}",
                figure(worst[name]),
                "ms",
                rounds=ROUNDS,
            )
            for name in worst
            for label, figure in (("median", median), ("worst", max))
        ),
        Result(
            f"worst insert, {MAINTAIN}, above {NOTHING}",
            max(worst[MAINTAIN]) - max(worst[NOTHING]),
            "ms",
            goal="<= 50",
            rounds=ROUNDS,
        ),
    ]


def _lags(seen: dict[tuple[str, str], list[Window]]) -> list[Result]:
    readers = {ANOTHER_DAY: "another day", WHOLE_SET: "the whole set"}
    return [
        Result(
            f"worst replay lag, {name}, {REPLICA_READER:.0f} s reader of {reader} on the replica",
            max(window.worst_lag for window in seen[name, query]) * 1000,
            "ms",
            rounds=len(seen[name, query]),
        )
        for query, reader in readers.items()
        for name in (NOTHING, MAINTAIN, PARTMAN)
    ]


def _analyst(window: Window, cancelled: bool) -> list[Result]:
    where = f"an analyst's {ANALYST:.0f} s on the analysts' standby"
    return [
        Result(f"replay lag of the API's replica, {where}", window.worst_lag, "s", goal="<= 1"),
        Result(
            f"cancelled API reads of {window.reads:,}, {where}", window.cancelled, "", goal="<= 0"
        ),
        Result(f"analyst cancelled, {where}", float(cancelled), "", goal="<= 0"),
    ]


def _contrast(window: Window, cancelled: bool) -> list[Result]:
    where = f"an analyst's {ANALYST:.0f} s on the API's replica"
    return [
        Result(f"replay lag of the API's replica, {where}", window.worst_lag, "s"),
        Result(f"analyst cancelled, {where}", float(cancelled), ""),
    ]


if __name__ == "__main__":
    main()
