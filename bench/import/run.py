"""CPU of an import of Porto: the command's process and PostgreSQL's, against bare read + COPY."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import osmium
import psycopg

from bench.cluster import BenchServer, bench_server
from bench.report import REPOSITORY, Result, write_result
from ops import osm
from ops.streets import cut, read

ROUNDS = 3
GOAL_SECONDS = 10
SETTLE_SECONDS = 0.5  # the postmaster has then reaped the process of a session that ended
SHARED = Path(os.environ.get("SAFEROUTE_SHARED", REPOSITORY.parent / "shared"))
PORTO = SHARED / "data" / "osm" / "porto.osm.pbf"
BARE_TABLE = """
    create temporary table bare_edges (edge_id bigint, city_id integer, osm_way_id bigint,
        source bigint, target bigint, highway text, name text, is_lit boolean,
        walkable_direction smallint, length_m float8, is_connected boolean, geom geometry)
"""


def main() -> None:
    rows = list(osm.edge_rows(1, cut(read(PORTO))))
    # Autovacuum would fall into some rounds and not into others.
    with bench_server({"autovacuum": "off"}) as server:
        ceilings, imports = [], []
        for _ in range(ROUNDS):
            ceilings.append(cpu_seconds(server, lambda: bare(server, rows)))
            imports.append(cpu_seconds(server, lambda: osm.load(owner(server), PORTO, "Porto")))
    ceiling, ours = median(map(sum, ceilings)), median(map(sum, imports))
    peer = f"bare pyosmium read and COPY into a table without keys: {ceiling:.2f} s"
    write_result(
        Path(__file__).parent,
        f"Import of Porto, {len(rows):,} edges",
        [
            Result("CPU of the import", ours, "s", goal=f"<= {GOAL_SECONDS}", rounds=ROUNDS),
            Result("of it Python", median(one for one, _ in imports), "s", rounds=ROUNDS),
            Result("of it PostgreSQL", median(other for _, other in imports), "s", rounds=ROUNDS),
            Result("CPU of the import", ours, "s", peer, ours / ceiling, rounds=ROUNDS),
        ],
    )


def clear(server: BenchServer) -> None:
    with psycopg.connect(owner(server), autocommit=True) as connection:
        connection.execute("delete from core.cities")
        connection.execute("vacuum")
    time.sleep(SETTLE_SECONDS)


def owner(server: BenchServer) -> str:
    return server.conninfo("saferoute_owner")


def bare(server: BenchServer, rows: list[tuple[object, ...]]) -> None:
    """The ceiling: every object read, every row copied, nothing else."""
    for _ in osmium.FileProcessor(osmium.io.File(str(PORTO), "pbf")).with_locations():
        pass
    with psycopg.connect(owner(server)) as connection, connection.cursor() as cursor:
        cursor.execute(BARE_TABLE)
        with cursor.copy("copy bare_edges from stdin") as copy:
            for row in rows:
                copy.write_row(row)


def cpu_seconds(server: BenchServer, work: Callable[[], object]) -> tuple[float, float]:
    """CPU of work on a database without a city: of this process, of the server's sessions."""
    clear(server)
    ours, theirs = time.process_time(), reaped(server)
    work()
    ours = time.process_time() - ours
    time.sleep(SETTLE_SECONDS)
    return ours, reaped(server) - theirs


def reaped(server: BenchServer) -> float:
    """CPU seconds of the children the postmaster has waited for (proc(5): cutime and cstime)."""
    pid = (server.server.data / "postmaster.pid").read_text().split()[0]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
