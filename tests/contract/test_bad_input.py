"""Whatever is sent: an answer below 500 with four keys, nothing of the inside, nothing written.

Hypothesis draws what is sent, to every function of `sql/functions/api` and every path of `/auth`,
on a city with streets and a person with a journey.
"""

import json
import re
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import signing_keys
from tests import small_city
from tests.conftest import Primary
from tests.contract.fuzzing import fuzz
from tests.contract.serving import Api, bearer, database_to_serve, serve
from tests.contract.test_rpc import INJECTIONS, assert_error
from tests.redis_cluster import TestCluster

WALKER = "0192f0c1-0000-7000-8000-000000000001"
JOURNEY = "0192f0c1-0000-7000-8000-00000000000a"
FUNCTIONS = sorted(path.stem for path in Path("sql/functions/api").glob("*.sql"))
AUTH = ("codes", "sign-up", "sign-in", "refresh", "sign-out", "reset-password", "verify")
ARGUMENTS_OF_AUTH = ("phone", "email", "purpose", "language", "code", "password", "device")
INSIDE = re.compile(
    r"/(?:usr|var|home|tmp|work|etc)/|\.(?:c|py|sql):|\bselect\b|\binsert\b|Traceback|pg_temp"
    r"|PL/pgSQL|saferoute_owner|saferoute_api|authenticator",
    re.IGNORECASE,
)

texts = st.sampled_from(
    [
        *INJECTIONS,
        *("", " ", "\0", "x" * 100_000, "null", "NaN", "Infinity", "-infinity", "\u202e\ud7ff"),
        *(WALKER, JOURNEY, "00000000-0000-0000-0000-000000000000", WALKER[:-1]),
        *("2026-11-23T12:00:00Z", "0001-01-01", "294276-12-31", "infinity", "4713-01-01 BC"),
        *("+447400123456", "+1900", "nobody@example.org", "a@b", "000000", "sms", "en", "walk"),
        *("_p~iF~ps|U_ulLnnqC_mqNvxq`@", "~" * 200, "{1,2", '{"a":', "POINT(0 0)"),
    ]
) | st.text(max_size=20).filter(lambda text: not re.search("[\ud800-\udfff]", text))
numbers = st.sampled_from(
    ["0", "-0.0", "1e400", "-1e400", "1e308", "5e-324", "9" * 30, "2147483648", "-1", "90.0001"]
) | st.sampled_from([str(small_city.WEST), str(small_city.SOUTH), "-77.04", "38.91", "179.9"])
scalars = (
    st.sampled_from(["null", "true", "false"]) | numbers | texts.map(lambda text: json.dumps(text))
)
lines = st.lists(st.lists(numbers, max_size=4), max_size=4).map(
    lambda points: (
        '{"type":"LineString","coordinates":['
        + ",".join(f"[{','.join(point)}]" for point in points)
        + "]}"
    )
)
POINT_KEYS = ("recorded_at", "lon", "lat", "speed_mps", "accuracy_m", "battery_pct", "x")


def object_of(pairs: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"


def objects(keys: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> Any:
    """JSON objects as text; a key may come twice."""
    pairs = st.lists(st.tuples(keys, values), max_size=7)
    return pairs.map(object_of)


def arrays(values: st.SearchStrategy[str]) -> Any:
    return st.lists(values, max_size=4).map(lambda found: f"[{','.join(found)}]")


values = st.deferred(
    lambda: (
        scalars
        | lines
        | arrays(objects(st.sampled_from(POINT_KEYS), scalars))
        | arrays(scalars)
        | objects(st.sampled_from(["type", "coordinates", "a", "\0"]), scalars)
        | st.just("[" * 60 + "]" * 60)
    )
)


@pytest.fixture(scope="module")
def database(primary: Primary, template) -> Iterator[psycopg.Connection]:
    with database_to_serve(primary, template, "bad_input") as connection:
        small_city.build(connection)
        yield connection


@pytest.fixture(scope="module")
def api(
    database: psycopg.Connection,
    primary: Primary,
    redis_cluster: TestCluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Api]:
    keys = tmp_path_factory.mktemp("keys")
    signing_keys.add(keys)
    known = {
        **redis_cluster.settings,
        "SAFEROUTE_SESSION_SECRET": "the-session-secret-of-the-contract-tests",
        "SAFEROUTE_SIGNING_KEYS_DIRECTORY": str(keys),
    }
    with serve([primary.port], "bad_input", primary.password, **known) as served:
        start = {"journey_id": JOURNEY, "from_lon": small_city.WEST, "from_lat": small_city.SOUTH}
        answer = httpx.post(served.rpc("start_journey"), json=start, headers=bearer(sub=WALKER))
        assert answer.status_code == 200, answer.text
        yield served


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=30, headers=bearer(sub=WALKER)) as connected:
        yield connected


class Rows:
    """How many rows there are in every table of ours."""

    def __init__(self, database: psycopg.Connection) -> None:
        self._database = database
        tables = database.execute(
            "select c.oid::regclass::text from pg_class as c"
            " where c.relkind in ('r', 'p') and not c.relispartition"
            " and c.relnamespace in (select oid from pg_namespace where nspname in"
            " ('core', 'auth', 'ops', 'api', 'analytics'))"
        ).fetchall()
        self._query = " union all ".join(f"select count(*) from {name}" for (name,) in tables)

    def count(self) -> list[Any]:
        return self._database.execute(self._query).fetchall()


@pytest.fixture(scope="module")
def rows(database: psycopg.Connection, api: Api) -> Rows:
    return Rows(database)


def assert_writes_nothing_if_refused(
    client: httpx.Client, rows: "Rows", path: str, body: str
) -> None:
    before = rows.count()
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert_fine(answer, body)
    if answer.status_code >= 400:
        assert rows.count() == before


def assert_fine(answer: httpx.Response, sent: str) -> None:
    """An answer that may be given to a stranger, whatever was sent."""
    assert answer.status_code < 500, (answer.text, sent[:1000])
    if answer.status_code < 400:
        return
    body = answer.json()
    assert list(body) == ["code", "message", "details", "hint"], body
    assert answer.headers["proxy-status"] == f"PostgREST; error={body['code']}"
    for found in INSIDE.findall(str(body)):
        assert found.lower() in sent.lower(), body  # it may be told what it has sent


@pytest.fixture(scope="module")
def arguments(database: psycopg.Connection) -> dict[str, list[str]]:
    """Names of the arguments of each function."""
    query = (
        "select proname, proargnames[:pronargs] from pg_proc where pronamespace = %s::regnamespace"
    )
    return {name: names or [] for name, names in database.execute(query, ["api"]).fetchall()}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function(
    client: httpx.Client, rows: Rows, arguments: dict[str, list[str]], function: str
) -> None:
    """All its arguments, some of them wrong: what is refused has written nothing."""
    names = arguments[function]
    bodies = st.fixed_dictionaries(dict.fromkeys(names, values)).map(
        lambda given: object_of(given.items())
    )

    @fuzz(25)
    @given(bodies | objects(st.sampled_from([*names, "unknown", "\0"]), values))
    def ask(body: str) -> None:
        assert_writes_nothing_if_refused(client, rows, f"/rpc/{function}", body)

    ask()


@pytest.mark.parametrize("path", AUTH)
def test_signing_in_and_up(client: httpx.Client, rows: Rows, path: str) -> None:
    names = st.sampled_from([*ARGUMENTS_OF_AUTH, "refresh_token", "unknown"])

    @fuzz(15)
    @given(objects(names, scalars))
    def ask(body: str) -> None:
        assert_writes_nothing_if_refused(client, rows, f"/auth/{path}", body)

    ask()


@pytest.mark.parametrize("function", ["safe_routes", "my_journeys", "route_safety", "crimes_near"])
def test_query_strings(
    client: httpx.Client, arguments: dict[str, list[str]], function: str
) -> None:
    names = st.sampled_from([*arguments[function], "unknown", "\0"])

    @fuzz(25)
    @given(st.lists(st.tuples(names, texts.filter(lambda text: len(text) < 1000)), max_size=6))
    def ask(pairs: list[tuple[str, str]]) -> None:
        query = "&".join(f"{quote(name)}={quote(text)}" for name, text in pairs)
        assert_fine(client.get(f"/rpc/{function}?{query}"), query)

    ask()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"journey_id": "' + JOURNEY.encode(), 400, "PGRST102"),
        (b"\xef\xbb\xbf{}", 400, "PGRST102"),
        (b'{"journey_id": "\xff"}', 400, "PGRST102"),
        (b'{"journey_id": "\\ud800"}', 400, "PGRST102"),
        (b'{"journey_id": "\\u0000"}', 400, "22P05"),
        (b'{"journey_id": NaN}', 400, "PGRST102"),
        (b'{"journey_id": "x"}', 400, "22P02"),
        (b'{"journey_id": 1}', 400, "22P02"),
        (b'{"journey_id": {}}', 400, "22P02"),
        (b'{"journey_id": null, "other": 1}', 404, "PGRST202"),
        (b"[" * 65 + b"]" * 65, 400, "SR033"),
        (b'{"journey_id":' * 65 + b"1" + b"}" * 65, 400, "SR033"),
        (b"[" * 1_000_000, 400, "SR033"),
        (b'{"journey_id": "' + b"x" * 2 * 1024 * 1024 + b'"}', 413, "SR030"),
        (b"", 404, "PGRST202"),
        (b" ", 400, "PGRST102"),
    ],
)
def test_bodies(client: httpx.Client, rows: Rows, body: bytes, status: int, code: str) -> None:
    before = rows.count()
    answer = client.post(
        "/rpc/end_journey", content=body, headers={"Content-Type": "application/json"}
    )
    assert_error(answer, status, code)
    assert rows.count() == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('{"lon": 1e400, "lat": 0}', "PGRST102"),
        ('{"lon": "NaN", "lat": 0}', "SR010"),
        ('{"lon": -77.04, "lat": 38.91, "radius_m": "Infinity"}', "SR018"),
        ('{"lon": ' + "9" * 400 + ', "lat": 0}', "PGRST102"),
        ('{"lon": "1e400", "lat": 0}', "22003"),
    ],
)
def test_numbers(client: httpx.Client, arguments: str, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    assert_error(client.post("/rpc/crimes_near", content=arguments, headers=headers), 400, code)


def test_of_a_key_given_twice_the_last_counts(client: httpx.Client) -> None:
    body = object_of([("journey_id", '"x"'), ("journey_id", f'"{JOURNEY}"')])
    headers = {"Content-Type": "application/json"}
    answer = client.post("/rpc/journey_track", content=body, headers=headers)
    assert_error(answer, 409, "SR021")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("before=%00", 400, "22P05"),
        ("before=%ff", 400, "PGRST102"),
        ("before=%ed%a0%80", 400, "PGRST102"),
        ("limit=1e400", 400, "22P02"),
        ("limit=" + "9" * 30, 400, "22003"),
        ("&".join(f"k{n}=1" for n in range(1000)), 404, "PGRST202"),
        ("&".join(f"k{n}=1" for n in range(2000)), 414, "SR037"),
    ],
)
def test_addresses(client: httpx.Client, query: str, status: int, code: str) -> None:
    assert_error(client.get(f"/rpc/my_journeys?{query}"), status, code)


@pytest.mark.parametrize("levels", [65, 10_000, 150_000])
def test_json_within_a_text_may_nest(client: httpx.Client, levels: int) -> None:
    """The limit is of the body; what a text holds is for the function to read."""
    for text in ("[" * levels + "]" * levels, '{"type":' * levels):
        deep = '{"type":"LineString","coordinates":' + text + "}"
        assert_error(client.post("/rpc/route_safety", json={"route": deep}), 400, "SR016")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (rb'"message": "help \ud83d"', "help \ufffd"),
        (rb'"message": "\ude00help \ud83d\ude00"', "\ufffdhelp \U0001f600"),
        (rb'"message": "he\u0000lp \\u0000"', "he\ufffdlp \\u0000"),
        (b'"message": "help \xff"', "help \ufffd"),
        (b'"message": "help", "lon": NaN, "lat": 1e400', "help"),
    ],
)
def test_a_call_for_help_goes_out_whatever_its_text_holds(
    client: httpx.Client, body: bytes, message: str
) -> None:
    alert_id = str(uuid.uuid4())
    headers = {**bearer(sub=str(uuid.uuid4())), "Content-Type": "application/json"}
    content = b'{"alert_id": "%b", %b}' % (alert_id.encode(), body)
    for _ in range(2):
        answer = client.post("/rpc/raise_sos", content=content, headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (200, message)
