"""What a request costs, with token, role, claims and limit: one pinned API process against the same
endpoints in FastAPI with SQLAlchemy and the same functions in PostGraphile, each with a limiter of
its own ecosystem; against bare Starlette with asyncpg, and against pgbench on the same functions.
"""

import datetime
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import jwt
import psycopg
import uvloop

from bench.cluster import BenchServer, bench_server
from bench.redis import bench_redis
from bench.report import Result, write_result
from bench.rpc.load import drive
from ops.cluster import free_port
from tests.redis_cluster import TestCluster

# of each service in each round
REQUESTS = {"api": 2000, "FastAPI": 400, "PostGraphile": 2000, "bare": 2000}
ROUNDS = 5
POOL = CONNECTIONS = 16
BATCH = 10
SECONDS = 2  # of each pgbench run
SECRET = "the-secret-of-the-benchmark-0123456789"
PERSON = "00000000-0000-4000-8000-000000000001"
JOURNEY = "00000000-0000-7000-8000-000000000001"
CLAIMS = {"role": "authenticated", "sub": PERSON}
LON, LAT = -1.98, 51.22
QUERIES = {
    "my_journeys": 'select api.my_journeys("limit" => 20);',
    "start_journey": f"""
select api.start_journey(journey_id => gen_random_uuid(), from_lon => {LON}, from_lat => {LAT});
""",
    "record_points": f"""
\\set second random(1, 2000000)
select api.record_points(journey_id => '{JOURNEY}', points => (select json_agg(json_build_object(
    'recorded_at', now() - (:second + n * 0.001) * interval '1 second', 'lon', {LON}, 'lat', {LAT},
    'speed_mps', 1.3, 'accuracy_m', 5)) from generate_series(1, {BATCH}) as n));
""",
}
GRAPHQL = {
    "my_journeys": "query ($limit: Int) { myJourneys(limit: $limit) }",
    "start_journey": """
mutation ($journey_id: UUID, $from_lon: Float, $from_lat: Float) {
    startJourney(input: {journeyId: $journey_id, fromLon: $from_lon, fromLat: $from_lat}) { result }
}""",
    "record_points": """
mutation ($journey_id: UUID, $points: JSON) {
    recordPoints(input: {journeyId: $journey_id, points: $points}) { result }
}""",
}
POSTGRAPHILE = Path(__file__).parent / "postgraphile"


@dataclass(frozen=True)
class Cores:
    """One for the service, one for the load, the others for PostgreSQL."""

    service: set[int]
    load: set[int]
    database: set[int]

    @classmethod
    def of_this_machine(cls) -> "Cores":
        """Cores that this process may use."""
        cores = sorted(os.sched_getaffinity(0))
        assert len(cores) >= 3, "the measurement needs three cores"
        return cls({cores[0]}, {cores[1]}, set(cores[2:]))


@dataclass(frozen=True)
class Service:
    """A process that serves the three endpoints."""

    process: "subprocess.Popen[bytes]"
    port: int

    def cpu(self) -> float:
        """Seconds of CPU the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Requests:
    """The requests as bytes on the wire, in REST and in GraphQL."""

    def __init__(self) -> None:
        token = jwt.encode({**CLAIMS, "exp": int(time.time()) + 7200}, SECRET, "HS256")
        self._head = (
            "Host: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
            f"Authorization: Bearer {token}\r\n"
        )
        self._now = datetime.datetime.now(datetime.UTC)
        self._batches = 0

    def of(self, service: str, endpoint: str) -> Callable[[int], bytes]:
        """What makes the i-th request to this endpoint of this service."""
        arguments: Callable[[], dict[str, object]] = getattr(self, endpoint)
        if service == "PostGraphile":
            return lambda _number: self._post(
                "/graphql", {"query": GRAPHQL[endpoint], "variables": arguments()}
            )
        if endpoint == "my_journeys":
            return lambda _number: self._get(f"/rpc/my_journeys?{urlencode(arguments())}")
        return lambda _number: self._post(f"/rpc/{endpoint}", arguments())

    def my_journeys(self) -> dict[str, object]:
        """The same each time."""
        return {"limit": 20}

    def start_journey(self) -> dict[str, object]:
        """A journey of its own each time."""
        return {"journey_id": str(uuid.uuid4()), "from_lon": LON, "from_lat": LAT}

    def record_points(self) -> dict[str, object]:
        """Points that were never sent before, one a second."""
        self._batches += 1
        newest = self._now - datetime.timedelta(seconds=self._batches * BATCH)
        points = [
            {
                "recorded_at": (newest + datetime.timedelta(seconds=second)).isoformat(),
                "lon": LON + second / 10_000,
                "lat": LAT,
                "speed_mps": 1.3,
                "accuracy_m": 5,
            }
            for second in range(BATCH)
        ]
        return {"journey_id": JOURNEY, "points": points}

    def _post(self, path: str, content: dict[str, object]) -> bytes:
        body = json.dumps(content)
        return (
            f"POST {path} HTTP/1.1\r\n{self._head}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode()


def fill(bench: BenchServer) -> None:
    """One journey whose points are recorded, and 20,000 before it.

    So many that plans do not change while journeys are started: on a table of 20 rows every
    connection would keep a plan that reads it whole, and read ever more.
    """
    with psycopg.connect(bench.conninfo(), autocommit=True) as connection:
        claims = json.dumps(CLAIMS)
        connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        connection.execute(
            "select api.start_journey(%s, %s, %s, started_at => now() - interval '28 days')",
            [JOURNEY, LON, LAT],
        )
        connection.execute(
            "insert into core.journeys (journey_id, user_id, cell, started_at, origin)"
            " select gen_random_uuid(), user_id, cell, started_at - n * interval '1 hour', origin"
            " from core.journeys, generate_series(1, 20000) as n"
        )
        # As the others': a limit that is counted and never reached.
        connection.execute("update core.rate_limits set amount = 1000000 where not is_hard")
        connection.execute("vacuum analyze")


@contextmanager
def service(
    cores: Cores, command: list[str | Path], environment: dict[str, str], port: int
) -> Iterator[Service]:
    """Run a service on its core until the block ends."""
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cores.service),
    ) as process:
        try:
            deadline = time.monotonic() + 30
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    assert time.monotonic() < deadline, f"{command} does not start"
                    time.sleep(0.05)
            yield Service(process, port)
        finally:
            process.terminate()


def command(name: str, port: int) -> list[str | Path]:
    """What starts a service."""
    if name == "PostGraphile":
        return [POSTGRAPHILE / "node_modules" / ".bin" / "node", POSTGRAPHILE / "service.mjs"]
    if name == "api":
        return [sys.executable, "-m", "api"]
    module = f"bench.rpc.{name.lower()}_service:app"
    how = ["--loop", "uvloop", "--http", "httptools", "--ws", "none"]
    quiet = ["--no-access-log", "--log-level", "warning"]
    return [sys.executable, "-m", "uvicorn", module, "--port", str(port), *how, *quiet]


@contextmanager
def services(bench: BenchServer, redis: TestCluster, cores: Cores) -> Iterator[dict[str, Service]]:
    """The services on the same core; only one is asked at a time."""
    where = f"127.0.0.1:{bench.port}/saferoute"
    nodes = ",".join(f"127.0.0.1:{node.port}" for node in redis.nodes)
    environment = {
        **redis.settings,
        "SAFEROUTE_ENV_FILE": "/nonexistent",
        "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{bench.port}",
        "SAFEROUTE_AUTHENTICATOR_PASSWORD": bench.password,
        # One watches, one is left for who asks; two are kept for calls that go first.
        "SAFEROUTE_API_PROCESSES": "1",
        "SAFEROUTE_DATABASE_CONNECTIONS": str(POOL + 4),
        "SAFEROUTE_JWT_SECRET": SECRET,
        "RPC_POOL_SIZE": str(POOL),
        "RPC_SECRET": SECRET,
        "RPC_REDIS": nodes,
        "RPC_REDIS_PASSWORD": redis.password,
        "RPC_REDIS_URL": f"redis+cluster://:{redis.password}@{nodes}",
        "RPC_CLAIMS": json.dumps(CLAIMS),
        "RPC_BARE_DSN": f"postgresql://authenticator:{bench.password}@{where}",
        "RPC_SQLALCHEMY_URL": f"postgresql+asyncpg://saferoute_owner:{bench.password}@{where}",
    }
    with ExitStack() as stack:
        started = {}
        for name in REQUESTS:
            port = free_port()
            own = environment | {
                "SAFEROUTE_API_PORT": str(port),
                "SAFEROUTE_ADMIN_PORT": str(free_port()),
                "PORT": str(port),
            }
            started[name] = stack.enter_context(service(cores, command(name, port), own, port))
        yield started


Measured = dict[tuple[str, str], list[float]]


async def measure(bench: BenchServer, started: dict[str, Service]) -> tuple[Measured, Measured]:
    """CPU in µs per request and requests per second, by endpoint and service, in every round."""
    requests = Requests()
    cpu: Measured = defaultdict(list)
    throughput: Measured = defaultdict(list)
    for name, served in started.items():
        for endpoint in QUERIES:
            # Long enough for V8 to compile what it will run.
            await drive(served.port, requests.of(name, endpoint), REQUESTS[name], CONNECTIONS)
    for _ in range(ROUNDS):
        for endpoint in QUERIES:
            for name, served in started.items():
                request = requests.of(name, endpoint)
                before = served.cpu()
                elapsed = await drive(served.port, request, REQUESTS[name], CONNECTIONS)
                cpu[endpoint, name].append((served.cpu() - before) / REQUESTS[name] * 1e6)
                throughput[endpoint, name].append(REQUESTS[name] / elapsed)
            throughput[endpoint, "pgbench"].append(pgbench(bench, endpoint))
    return cpu, throughput


def pgbench(bench: BenchServer, endpoint: str) -> float:
    """Calls per second of the same function, without a service in between."""
    where = ["-h", "127.0.0.1", "-p", str(bench.port), "-U", "authenticator", "saferoute"]
    claims = json.dumps(CLAIMS, separators=(",", ":"))
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(QUERIES[endpoint])
        script.flush()
        how = ["-n", "-M", "prepared", "-c", str(POOL), "-T", str(SECONDS), "-f", script.name]
        output = subprocess.run(
            ["pgbench", *how, *where],
            capture_output=True,
            text=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "PGPASSWORD": bench.password,
                "PGOPTIONS": f"-c role=authenticated -c request.jwt.claims={claims}",
            },
        ).stdout
    return float(output.partition("tps = ")[2].split()[0])


def results(cpu: Measured, throughput: Measured) -> list[Result]:
    """One line for each endpoint and peer."""
    lines = []
    for endpoint in QUERIES:
        mine, rate = median(cpu[endpoint, "api"]), median(throughput[endpoint, "api"])
        for peer, goal in (("FastAPI", "<= 0.30"), ("PostGraphile", "<= 0.9"), ("bare", None)):
            ratio = mine / median(cpu[endpoint, peer])
            measure = f"CPU per request, {endpoint}"
            lines.append(Result(measure, mine, "µs", peer, ratio, goal, ROUNDS))
        for peer, goal in (
            ("FastAPI", None),
            ("PostGraphile", None),
            ("bare", None),
            ("pgbench", None),
        ):
            ratio = rate / median(throughput[endpoint, peer])
            measure = f"throughput of one process, {endpoint}"
            lines.append(Result(measure, rate, "1/s", peer, ratio, goal, ROUNDS))
    return lines


def main() -> None:
    """Measure and write the result."""
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, cores.database)  # PostgreSQL inherits it
    with bench_server() as bench, bench_redis() as redis:
        fill(bench)
        with services(bench, redis, cores) as started:
            os.sched_setaffinity(0, cores.load)
            cpu, throughput = uvloop.run(measure(bench, started))
    lines = results(cpu, throughput)
    write_result(Path(__file__).parent, "What a request costs", lines)


if __name__ == "__main__":
    main()
