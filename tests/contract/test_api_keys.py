"""Integrators' programs: what a key opens, and when it no longer does."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from tests.conftest import Primary
from tests.contract.serving import Api, bearer, serve
from tests.contract.test_rpc import WALKER, assert_error, eventually

CREATE = "select api_key_id, api_key from ops.create_api_key('Maps Ltd', 'it@maps.example', %s, %s)"


def create(
    client: httpx.Client,
    database: psycopg.Connection,
    *scopes: str,
    ends: datetime | None = None,
) -> tuple[uuid.UUID, dict[str, str]]:
    """A new key that the API has heard of: its id, and the header that carries it."""
    api_key_id, key = database.execute(CREATE, [list(scopes), ends]).fetchone()
    headers = {"X-API-Key": key}
    eventually(lambda: not is_refused(client, headers))
    return api_key_id, headers


def is_refused(client: httpx.Client, headers: dict[str, str]) -> bool:
    return client.get("/rpc/where_read", headers=headers).status_code == 401


def test_a_key_makes_the_caller_an_integrator(
    client: httpx.Client, database: psycopg.Connection
) -> None:
    api_key_id, headers = create(client, database, "reads")
    seen = client.get("/rpc/where_read", headers=headers).json()
    assert seen["role"] == "integrator"
    assert seen["claims"] == {"role": "integrator", "api_key_id": str(api_key_id)}
    assert "x-api-key" not in seen["headers"]


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key + "A",
        lambda key: key.replace("sr_", "SR_"),
        lambda key: key.rpartition("_")[0],
        lambda key: "sr_" + "0" * 32 + "_" + "A" * 43,
        lambda key: "é",
        lambda key: "",
        lambda key: "' or true --",
        lambda key: "x" * 8000,
    ],
)
def test_what_is_not_a_key(
    client: httpx.Client, database: psycopg.Connection, change: Callable[[str], str]
) -> None:
    _, headers = create(client, database, "reads")
    wrong = {"X-API-Key": change(headers["X-API-Key"]).encode()}
    response = client.get("/rpc/where_read", headers=wrong)
    assert_error(response, 401, "SR060")
    assert response.headers["www-authenticate"] == "ApiKey"
    assert client.get("/rpc/where_read", headers=headers).status_code == 200


def test_a_revoked_key_is_refused_by_every_process_at_once(
    client: httpx.Client, api: Api, database: psycopg.Connection, primary: Primary, standby: Primary
) -> None:
    api_key_id, headers = create(client, database, "reads")
    _, other = create(client, database, "reads")
    with (
        serve([primary.port, standby.port], "contract", primary.password) as second,
        httpx.Client(base_url=second.url) as its_client,
    ):
        for process in (client, its_client):
            assert process.get("/rpc/where_read", headers=headers).status_code == 200
        database.execute("select ops.revoke_api_key(%s)", [api_key_id])
        for process in (client, its_client):
            eventually(lambda: is_refused(process, headers), seconds=3)  # noqa: B023
            assert process.get("/rpc/where_read", headers=other).status_code == 200


def test_a_key_ends_when_it_expires(client: httpx.Client, database: psycopg.Connection) -> None:
    _, headers = create(client, database, "reads", ends=datetime.now(UTC) + timedelta(seconds=1))
    assert client.get("/rpc/where_read", headers=headers).status_code == 200
    eventually(lambda: is_refused(client, headers))


def test_scopes_narrow_what_the_role_may_do(
    client: httpx.Client, database: psycopg.Connection
) -> None:
    _, reads = create(client, database, "reads")
    _, routes = create(client, database, "routes")
    trip = {"from_lon": 0, "from_lat": 0, "to_lon": 0.01, "to_lat": 0}
    assert_error(client.post("/rpc/safe_routes", json=trip, headers=reads), 403, "SR061")
    assert_error(client.post("/rpc/safe_routes", json=trip, headers=routes), 422, "SR014")
    place = {"lon": 0, "lat": 0}
    assert_error(client.post("/rpc/risk_at", json=place, headers=routes), 403, "SR061")
    assert_error(client.post("/rpc/risk_at", json=place, headers=reads), 422, "SR014")


def test_a_refused_scope_writes_nothing(client: httpx.Client, database: psycopg.Connection) -> None:
    _, writes = create(client, database, "writes")
    _, reads = create(client, database, "reads")
    database.execute("grant usage on sequence api.calls to integrator")
    before = client.post("/rpc/count_call", headers=writes).json()
    assert_error(client.post("/rpc/count_call", headers=reads), 403, "SR061")
    assert client.post("/rpc/count_call", headers=writes).json() == before + 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("my_journeys", {}),
        ("journey_track", {"journey_id": WALKER}),
        ("start_journey", {"journey_id": WALKER, "from_lon": 0, "from_lat": 0}),
        ("end_journey", {"journey_id": WALKER}),
        ("record_points", {"journey_id": WALKER, "points": []}),
    ],
)
def test_nothing_of_a_person_is_for_integrators(
    client: httpx.Client, database: psycopg.Connection, name: str, arguments: dict[str, object]
) -> None:
    _, headers = create(client, database, "reads", "writes", "ingest", "routes", "sos")
    assert_error(client.post(f"/rpc/{name}", json=arguments, headers=headers), 403, "42501")


def test_a_token_cannot_name_the_role_and_get_more(client: httpx.Client) -> None:
    headers = bearer("integrator", sub=WALKER)
    assert_error(client.post("/rpc/my_journeys", headers=headers), 403, "42501")


def test_a_token_and_a_key_are_too_many(client: httpx.Client, database: psycopg.Connection) -> None:
    _, headers = create(client, database, "reads")
    both = {**headers, **bearer(sub=WALKER)}
    assert_error(client.get("/rpc/where_read", headers=both), 400, "SR062")
    basic = {**headers, "Authorization": "Basic eDp5"}
    assert client.get("/rpc/where_read", headers=basic).json()["role"] == "integrator"


def test_use_is_remembered_to_the_hour(client: httpx.Client, database: psycopg.Connection) -> None:
    query = "select last_used_at from ops.api_keys where api_key_id = %s"

    def last_used() -> datetime | None:
        return database.execute(query, [api_key_id]).fetchone()[0]

    api_key_id, key = database.execute(CREATE, [["reads"], None]).fetchone()
    assert last_used() is None
    eventually(lambda: not is_refused(client, {"X-API-Key": key}))
    eventually(lambda: last_used() is not None)
    noted = last_used()
    database.execute("select core.note_api_key_used(%s)", [api_key_id])
    assert last_used() == noted


def test_unknown_keys_are_refused_without_asking_the_database(
    client: httpx.Client, database: psycopg.Connection
) -> None:
    _, headers = create(client, database, "reads")
    revoked_id, revoked = create(client, database, "reads")
    database.execute("select ops.revoke_api_key(%s)", [revoked_id])
    eventually(lambda: is_refused(client, revoked))
    function = "execute on function core.live_api_keys()"
    database.execute(f"revoke {function} from authenticator")
    try:
        for number in range(50):
            assert is_refused(client, {"X-API-Key": f"sr_{number:032}_{'A' * 43}"})
        assert client.get("/rpc/where_read", headers=headers).status_code == 200
    finally:
        database.execute(f"grant {function} to authenticator")


def test_no_log_of_the_servers_holds_a_key(
    client: httpx.Client, database: psycopg.Connection, primary: Primary
) -> None:
    database.execute("set log_min_duration_statement = 0")
    begun = primary.server.log.stat().st_size
    _, headers = create(client, database, "reads")
    assert client.get("/rpc/where_read", headers=headers).status_code == 200
    database.execute("reset log_min_duration_statement")
    with primary.server.log.open(errors="replace") as log:
        log.seek(begun)
        logged = log.read()
    assert "create_api_key" in logged
    assert headers["X-API-Key"][36:] not in logged
