"""Does risk predict, do safest routes meet less of it, and what does keeping it fresh cost?"""

from pathlib import Path

import psycopg

from bench.cluster import bench_server
from bench.report import Result, write_result
from bench.risk import cost, detours, hold_out


def main() -> None:
    results: list[Result] = []
    for part in (hold_out, detours, cost):
        with (
            bench_server() as server,
            psycopg.connect(server.conninfo(), autocommit=True) as connection,
        ):
            connection.execute("set timezone = 'UTC'")
            results += part.run(connection, server.conninfo("saferoute_owner"))
    write_result(Path(__file__).parent, "Risk", results)


if __name__ == "__main__":
    main()
