"""Who calls too often is told so, and nobody else notices."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from tests.conftest import Primary, wait_for_replay
from tests.contract.serving import bearer, raise_limits, serve
from tests.contract.test_rpc import assert_error, eventually
from tests.nginx import running_gateway
from tests.redis_cluster import TestCluster

CLASSES = ("reads", "reports", "codes", "sos")
WINDOW = 600
MANY = {"SAFEROUTE_API_PROCESSES": "6"}


@pytest.fixture(scope="module")
def functions(database: psycopg.Connection, primary: Primary, standby: Primary) -> Iterator[None]:
    """A function of each class, named after it."""
    for name in CLASSES:
        database.execute(
            f"create function api.of_{name}() returns integer language sql stable as 'select 1'"
        )
        database.execute("insert into core.endpoints values (%s, %s)", [f"of_{name}", name])
    wait_for_replay(primary, standby)
    yield
    for name in CLASSES:
        database.execute("delete from core.endpoints where endpoint = %s", [f"of_{name}"])
        database.execute(f"drop function api.of_{name}")


@pytest.fixture(scope="module")
def clients(
    functions: None, redis_cluster: TestCluster, primary: Primary, standby: Primary
) -> Iterator[list[httpx.Client]]:
    """Of two processes behind a proxy on this machine."""
    settings = {
        **redis_cluster.settings,
        **MANY,
        "SAFEROUTE_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8",
    }
    with ExitStack() as stack:
        ports = [primary.port, standby.port]
        yield [
            stack.enter_context(httpx.Client(base_url=api.url, timeout=20))
            for api in [
                stack.enter_context(serve(ports, "contract", primary.password, **settings))
                for _ in range(2)
            ]
        ]


@pytest.fixture
def client(clients: list[httpx.Client]) -> httpx.Client:
    return clients[0]


@pytest.fixture(autouse=True)
def limits(database: psycopg.Connection, clients: list[httpx.Client]) -> Iterator[None]:
    """Three calls of each kind within ten minutes; every test comes from addresses of its own."""
    set_limits(database, clients, "update core.rate_limits set amount = 3, window_s = %s", [WINDOW])
    yield
    database.execute("delete from core.rate_limits where api_key_id is not null")
    raise_limits(database)


def set_limits(
    database: psycopg.Connection, clients: list[httpx.Client], change: str, values: list[object]
) -> None:
    """Change them, and return once both processes follow."""
    database.execute(change, values)
    query = "select amount, window_s from ops.rate_limits where (class, subject) = ('reads', 'ip')"
    amount, window = database.execute(query).fetchone()
    policy = f'"reads-ip";q={amount};w={window}'
    for client in clients:
        eventually(lambda: call(client, "reads").headers.get("ratelimit-policy") == policy)  # noqa: B023


def call(client: httpx.Client, name: str, **headers: str) -> httpx.Response:
    """Of a person who is named, or else from an address that never called before."""
    if not headers:
        unused = uuid4().hex
        headers = {"x-forwarded-for": f"2001:db8:{unused[:4]}:{unused[4:8]}::1"}
    return client.get(f"/rpc/of_{name}", headers=headers)


def exhaust(client: httpx.Client, name: str, **headers: str) -> httpx.Response:
    """Three calls that pass, and the one that is refused."""
    for left in (2, 1, 0):
        response = call(client, name, **headers)
        assert response.status_code == 200, response.text
        assert f";r={left};t=" in response.headers["ratelimit"]
    refused = call(client, name, **headers)
    assert_error(refused, 429, "SR070")
    return refused


def person() -> dict[str, str]:
    return bearer(sub=str(uuid4()))


def test_too_many_calls_of_a_person(client: httpx.Client) -> None:
    somebody = person()
    refused = exhaust(client, "reads", **somebody)
    assert refused.headers["ratelimit-policy"] == f'"reads-user";q=3;w={WINDOW}'
    wait = int(refused.headers["retry-after"])
    assert 0 < wait <= 2 * WINDOW
    assert refused.headers["ratelimit"] == f'"reads-user";r=0;t={wait}'
    assert call(client, "reads", **person()).status_code == 200
    assert call(client, "reads").status_code == 200


def test_another_class_is_another_limit(client: httpx.Client) -> None:
    somebody = person()
    exhaust(client, "reads", **somebody)
    exhaust(client, "reports", **somebody)


def test_a_caller_without_a_token_is_counted_by_address(client: httpx.Client) -> None:
    exhaust(client, "reads", **{"x-forwarded-for": "192.0.2.1"})
    assert call(client, "reads", **{"x-forwarded-for": "192.0.2.2"}).status_code == 200


def test_other_addresses_of_the_same_64_are_the_same_customer(client: httpx.Client) -> None:
    exhaust(client, "reads", **{"x-forwarded-for": "2001:db8:1:1::1"})
    same = call(client, "reads", **{"x-forwarded-for": "2001:db8:1:1:ffff::2"})
    assert same.status_code == 429
    assert call(client, "reads", **{"x-forwarded-for": "2001:db8:1:2::1"}).status_code == 200


def test_what_the_caller_writes_before_the_proxy_is_not_believed(client: httpx.Client) -> None:
    exhaust(client, "reads", **{"x-forwarded-for": "198.51.100.1, 10.0.0.7"})
    spoofed = {"x-forwarded-for": "203.0.113.9, 198.51.100.1, 10.0.0.7"}
    assert call(client, "reads", **spoofed).status_code == 429


def test_without_trusted_proxies_nobody_is_believed(
    functions: None, redis_cluster: TestCluster, primary: Primary, standby: Primary
) -> None:
    ports = [primary.port, standby.port]
    with (
        serve(ports, "contract", primary.password, **redis_cluster.settings, **MANY) as api,
        httpx.Client(base_url=api.url) as client,
    ):
        codes = {call(client, "reads").status_code for _ in range(4)}
        assert codes == {200, 429}


def test_processes_count_together(clients: list[httpx.Client]) -> None:
    somebody = person()
    statuses = [call(clients[n % 2], "reads", **somebody).status_code for n in range(6)]
    assert statuses == [200, 200, 200, 429, 429, 429]


def test_hard_limits_count_together_too(clients: list[httpx.Client]) -> None:
    address = {"x-forwarded-for": "192.0.2.10"}
    exhaust(clients[0], "codes", **address)
    refused = call(clients[1], "codes", **address)
    assert_error(refused, 429, "SR070")
    assert refused.headers["ratelimit-policy"] == f'"codes-ip";q=3;w={WINDOW}'
    assert WINDOW - 60 < int(refused.headers["retry-after"]) <= WINDOW


def test_codes_are_counted_by_address_also_with_a_token(client: httpx.Client) -> None:
    address = {"x-forwarded-for": "192.0.2.11"}
    for _ in range(3):
        assert call(client, "codes", **address, **person()).status_code == 200
    assert call(client, "codes", **address, **person()).status_code == 429


def test_a_key_may_have_a_limit_of_its_own(
    clients: list[httpx.Client], database: psycopg.Connection
) -> None:
    (_, usual), (api_key_id, special) = api_key(database), api_key(database)
    query = (
        "insert into core.rate_limits (class, subject, api_key_id, amount, window_s) "
        "values ('reads', 'api_key', %s, 5, 300)"
    )
    database.execute(query, [api_key_id])
    policy = '"reads-api-key";q=5;w=300'  # a count of its own
    client = clients[0]
    eventually(lambda: call(client, "reads", **special).headers.get("ratelimit-policy") == policy)
    exhaust(client, "reads", **usual)
    statuses = [call(client, "reads", **special).status_code for _ in range(5)]
    assert statuses.count(429) >= 1
    assert statuses[:3] == [200] * 3  # where the first was one of five


def api_key(database: psycopg.Connection) -> tuple[UUID, dict[str, str]]:
    query = "select api_key_id, api_key from ops.create_api_key('Maps', 'it@maps.example', %s)"
    api_key_id, key = database.execute(query, [["reads"]]).fetchone()
    return api_key_id, {"x-api-key": key}


def test_a_call_for_help_is_never_limited(client: httpx.Client) -> None:
    somebody = person()
    for _ in range(20):
        response = call(client, "sos", **somebody)
        assert response.status_code == 200
        assert "ratelimit" not in response.headers


def test_a_class_without_rows_is_not_limited(
    client: httpx.Client, database: psycopg.Connection
) -> None:
    removed = "delete from core.rate_limits where class = 'reports' returning *"
    rows = database.execute(removed).fetchall()
    try:
        eventually(lambda: "ratelimit" not in call(client, "reports").headers)
        somebody = person()
        assert {call(client, "reports", **somebody).status_code for _ in range(6)} == {200}
    finally:
        with database.cursor() as cursor:
            cursor.executemany("insert into core.rate_limits values (%s, %s, %s, %s, %s, %s)", rows)


def test_an_operator_changes_a_limit(
    clients: list[httpx.Client], database: psycopg.Connection
) -> None:
    somebody = person()
    exhaust(clients[0], "reads", **somebody)
    database.execute("set role operator")
    try:
        change = "update ops.rate_limits set amount = 5 where class = %s"
        set_limits(database, clients, change, ["reads"])
    finally:
        database.execute("reset role")
    # What was counted stays counted.
    statuses = [call(clients[1], "reads", **somebody).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def wait_until_counted_in_redis(clients: list[httpx.Client]) -> None:
    """Return once every master is asked again: codes are refused where one is not."""
    for client in clients:
        eventually(lambda: {call(client, "codes").status_code for _ in range(30)} == {200})  # noqa: B023


@contextmanager
def gone(cluster: TestCluster, *, is_killed: bool) -> Iterator[None]:
    """Within the block no node answers; after it, all do."""
    cluster.wait_until_whole()
    processes = list(cluster.processes.values())
    for node in cluster.nodes:
        if is_killed:
            cluster.kill(node)
    for process in processes:
        if not is_killed:
            process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)
        cluster.heal()


@pytest.mark.parametrize("is_killed", [True, False])
def test_while_redis_is_gone_each_process_counts_and_codes_wait(
    clients: list[httpx.Client], redis_cluster: TestCluster, is_killed: bool
) -> None:
    client, other = clients
    with gone(redis_cluster, is_killed=is_killed):
        somebody = person()
        exhaust(client, "reads", **somebody)
        assert call(other, "reads", **somebody).status_code == 200  # N processes, N times as much
        closed = call(client, "codes")
        assert_error(closed, 503, "SR047")
        assert closed.headers["retry-after"] == "1"
        assert call(client, "sos", **somebody).status_code == 200
    wait_until_counted_in_redis(clients)
    test_processes_count_together(clients)


def test_the_master_of_a_limit_dies_and_its_replica_takes_over(
    clients: list[httpx.Client], redis_cluster: TestCluster
) -> None:
    redis_cluster.wait_until_whole()
    subject = str(uuid4())
    somebody = bearer(sub=subject)
    assert call(clients[0], "reads", **somebody).status_code == 200
    index = int(time.time() // WINDOW)
    master = redis_cluster.master_of(f"{{limit:reads:user:count{WINDOW}:{subject}}}{index}")
    with redis_cluster.killed(master):
        assert call(clients[0], "reads", **somebody).status_code == 200
        redis_cluster.wait_for_promotion(f"{{limit:reads:user:count{WINDOW}:{subject}}}", master)
        wait_until_counted_in_redis(clients)
        # The call before the death and two more: what one process counted meanwhile is forgotten.
        statuses = [call(clients[n % 2], "reads", **somebody).status_code for n in range(4)]
        assert statuses == [200, 200, 429, 429]


def test_two_gateways_are_one_to_the_limits_of_the_api(clients: list[httpx.Client]) -> None:
    """Each counts for itself, but Redis counts for both."""
    ports = [client.base_url.port or 0 for client in clients]
    with running_gateway(ports) as one, running_gateway(ports) as other, ExitStack() as stack:
        callers = [
            stack.enter_context(
                httpx.Client(
                    base_url=front.url,
                    transport=httpx.HTTPTransport(local_address="127.0.8.1"),
                    timeout=20,
                )
            )
            for front in (one, other)
        ]
        statuses = [callers[number % 2].get("/rpc/of_reads").status_code for number in range(8)]
    assert statuses == [200] * 3 + [429] * 5
