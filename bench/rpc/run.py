"""What a request costs: one pinned API process against the same endpoints in FastAPI with
SQLAlchemy, in bare Starlette with asyncpg, and against pgbench on the same functions.
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

import jwt
import psycopg
import uvloop

from bench.cluster import BenchServer, bench_server
from bench.report import Result, write_result
from bench.rpc.load import drive
from ops.cluster import free_port

REQUESTS = {"api": 2000, "FastAPI": 400, "bare": 2000}  # of each service in each round
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
    """The requests as bytes on the wire."""

    def __init__(self) -> None:
        token = jwt.encode({**CLAIMS, "exp": int(time.time()) + 7200}, SECRET, "HS256")
        self._head = (
            "Host: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
            f"Authorization: Bearer {token}\r\n"
        )
        self._now = datetime.datetime.now(datetime.UTC)
        self._batches = 0

    def my_journeys(self, _number: int) -> bytes:
        """The same each time."""
        return self._get("/rpc/my_journeys?limit=20")

    def start_journey(self, _number: int) -> bytes:
        """A journey of its own each time."""
        return self._post(
            "/rpc/start_journey",
            {"journey_id": str(uuid.uuid4()), "from_lon": LON, "from_lat": LAT},
        )

    def record_points(self, _number: int) -> bytes:
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
        return self._post("/rpc/record_points", {"journey_id": JOURNEY, "points": points})

    def _post(self, path: str, arguments: dict[str, object]) -> bytes:
        body = json.dumps(arguments)
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
        connection.execute("vacuum analyze")


@contextmanager
def service(
    cores: Cores, arguments: list[str], environment: dict[str, str], port: int
) -> Iterator[Service]:
    """Run a service on its core until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
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
                    assert time.monotonic() < deadline, f"{arguments} does not start"
                    time.sleep(0.05)
            yield Service(process, port)
        finally:
            process.terminate()


@contextmanager
def services(bench: BenchServer, cores: Cores) -> Iterator[dict[str, Service]]:
    """The three services on the same core; only one is asked at a time."""
    environment = {
        "SAFEROUTE_ENV_FILE": "/nonexistent",
        "SAFEROUTE_DATABASE_HOSTS": f"127.0.0.1:{bench.port}",
        "SAFEROUTE_AUTHENTICATOR_PASSWORD": bench.password,
        # One watches, one is left for who asks; two are kept for calls that go first.
        "SAFEROUTE_API_PROCESSES": "1",
        "SAFEROUTE_DATABASE_CONNECTIONS": str(POOL + 4),
        "SAFEROUTE_JWT_SECRET": SECRET,
        "RPC_POOL_SIZE": str(POOL),
        "RPC_SECRET": SECRET,
        "RPC_CLAIMS": json.dumps(CLAIMS),
        "RPC_BARE_DSN": f"postgresql://authenticator:{bench.password}@127.0.0.1:{bench.port}/saferoute",
        "RPC_SQLALCHEMY_URL": "postgresql+asyncpg://"
        f"saferoute_owner:{bench.password}@127.0.0.1:{bench.port}/saferoute",
    }
    with ExitStack() as stack:
        started = {}
        for name in REQUESTS:
            port = free_port()
            arguments = ["api"]
            if name != "api":
                arguments = [
                    "uvicorn",
                    f"bench.rpc.{name.lower()}_service:app",
                    "--port",
                    str(port),
                ]
                arguments += ["--loop", "uvloop", "--http", "httptools", "--ws", "none"]
                arguments += ["--no-access-log", "--log-level", "warning"]
            own = environment | {
                "SAFEROUTE_API_PORT": str(port),
                "SAFEROUTE_ADMIN_PORT": str(free_port()),
            }
            started[name] = stack.enter_context(service(cores, arguments, own, port))
        yield started


Measured = dict[tuple[str, str], list[float]]


async def measure(bench: BenchServer, started: dict[str, Service]) -> tuple[Measured, Measured]:
    """CPU in µs per request and requests per second, by endpoint and service, in every round."""
    requests = Requests()
    cpu: Measured = defaultdict(list)
    throughput: Measured = defaultdict(list)
    endpoints: dict[str, Callable[[int], bytes]] = {
        "my_journeys": requests.my_journeys,
        "start_journey": requests.start_journey,
        "record_points": requests.record_points,
    }
    for served in started.values():
        for request in endpoints.values():
            await drive(served.port, request, 200, CONNECTIONS)
    for _ in range(ROUNDS):
        for endpoint, request in endpoints.items():
            for name, served in started.items():
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
        for peer, goal in (("FastAPI", "<= 0.25"), ("bare", "<= 1.3")):
            ratio = mine / median(cpu[endpoint, peer])
            measure = f"CPU per request, {endpoint}"
            lines.append(Result(measure, mine, "µs", peer, ratio, goal, ROUNDS))
        for peer, goal in (("FastAPI", ">= 5"), ("bare", None), ("pgbench", None)):
            ratio = rate / median(throughput[endpoint, peer])
            measure = f"throughput of one process, {endpoint}"
            lines.append(Result(measure, rate, "1/s", peer, ratio, goal, ROUNDS))
    return lines


def main() -> None:
    """Measure and write the result."""
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, cores.database)  # PostgreSQL inherits it
    with bench_server() as bench:
        fill(bench)
        with services(bench, cores) as started:
            os.sched_setaffinity(0, cores.load)
            cpu, throughput = uvloop.run(measure(bench, started))
    lines = results(cpu, throughput)
    write_result(Path(__file__).parent, "What a request costs", lines)


if __name__ == "__main__":
    main()
