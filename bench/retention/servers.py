"""A primary with the two standbys of the local profile, and days of points that are due."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from bench.cluster import OPTIONS, BenchServer, bench_server
from ops import demo, demo_city, osm, schema
from ops.cluster import Server, free_port

ROWS = 200_000
_STANDBYS = {
    "replica": {"hot_standby_feedback": "on"},
    "analysts": {"hot_standby_feedback": "off", "max_standby_streaming_delay": "1h"},
}
_MAKE_DAY = "select core.make_period('core.journey_points', now() - make_interval(days => %s), %s)"
_FILL_DAY = """
insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
select gen_random_uuid(),
    date_trunc('day', now(), 'UTC') - make_interval(days => %s) + n * interval '400 ms',
    case when n %% 10 = 0 then 'zzzzz' else 'ez3fh' end, gen_random_uuid(),
    st_point(-8.61 + random() / 10, 41.15 + random() / 10, 4326)
from generate_series(1, %s) as n
"""


@dataclass(frozen=True)
class Trio:
    """The primary and its standbys, by name."""

    primary: BenchServer
    ports: dict[str, int]

    def conninfo(self, name: str) -> str:
        """The superuser's, on `primary`, `replica` or `analysts`."""
        if name == "primary":
            return self.primary.conninfo()
        return make_conninfo(self.primary.conninfo(), port=self.ports[name])

    def environment(self) -> dict[str, str]:
        """What the `saferoute` command needs to work here as the owner."""
        return {
            "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{self.primary.port},"
            f"127.0.0.1:{self.ports['replica']}",
            "SAFEROUTE_DATABASE": "saferoute",
            "SAFEROUTE_OWNER_PASSWORD": self.primary.password,
        }

    def add_day(self, age: int) -> None:
        """A day of ROWS points, so many days ago."""
        conninfo = self.primary.conninfo("saferoute_owner")
        with psycopg.connect(conninfo, autocommit=True) as owner:
            owner.execute(_MAKE_DAY, [age, ["ez3f"]])
            owner.execute(_FILL_DAY, [age, ROWS])
            owner.execute("analyze core.journey_points")


@contextmanager
def trio() -> Iterator[Trio]:
    """Start all three; stopped and removed at the end."""
    with bench_server({"max_wal_senders": "8"}) as primary, ExitStack() as stack:
        with tempfile.TemporaryDirectory() as folder:
            streets, *_ = demo.write(Path(folder), seed=1)
            osm.load(primary.conninfo("saferoute_owner"), streets, demo_city.NAME)
        schema.set_passwords(primary.conninfo(), {"replicator": primary.password})
        ports = {}
        for name, options in _STANDBYS.items():
            server = Server(primary.server.data.parent / name, free_port())
            server.create_standby(primary.server, primary.password, name, {**OPTIONS, **options})
            server.start()
            stack.callback(server.stop)
            ports[name] = server.port
        yield Trio(primary, ports)
