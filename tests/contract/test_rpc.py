import json
import time
from collections.abc import Callable
from urllib.parse import quote

import httpx
import psycopg
import pytest

from tests.conftest import Primary, wait_for_replay
from tests.contract.serving import Api, bearer

WALKER = "0192f0c1-0000-7000-8000-000000000001"
INJECTIONS = [
    "'; drop schema api cascade; --",
    "$$); select pg_sleep(30); --",
    "\" || pg_read_file('/etc/passwd') || \"",
    "\\'; reset role; --",
    "1); set role saferoute_owner; select (1",
]


def assert_error(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    """The four keys, and the code where HEAD clients look for it."""
    assert response.status_code == status, response.text
    assert response.headers["proxy-status"] == f"PostgREST; error={code}"
    body: dict[str, object] = response.json()
    assert list(body) == ["code", "message", "details", "hint"]
    assert body["code"] == code
    return body


def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Ask until it holds: the API learns of a change a moment after it."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline


def test_get_and_post_give_the_same_answer(client: httpx.Client) -> None:
    arguments = {"words": "Zürich दिल्ली", "times": 2}
    got = client.get("/rpc/echo", params=arguments)
    posted = client.post("/rpc/echo", json=arguments)
    assert got.json() == posted.json() == "Zürich दिल्लीZürich दिल्ली"
    assert got.headers["content-type"] == "application/json; charset=utf-8"


def test_head_is_get_without_its_body(client: httpx.Client) -> None:
    response = client.head("/rpc/echo", params={"words": "x"})
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    refused = client.head("/rpc/nosuch")
    assert (refused.status_code, refused.content) == (404, b"")
    assert refused.headers["proxy-status"] == "PostgREST; error=PGRST202"


def test_arguments_not_sent_have_their_defaults(client: httpx.Client) -> None:
    assert client.post("/rpc/echo", json={"words": "x"}).json() == "x"
    assert client.post("/rpc/echo_types").json() == [None] * 6


def test_types_are_those_of_the_function(client: httpx.Client) -> None:
    expected = [1.5, True, "2026-02-28", [1, 2], {"a": [1]}, {"b": None}]
    values = {
        "number": 1.5,
        "flag": True,
        "day": "2026-02-28",
        "list": [1, 2],
        "document": {"a": [1]},
        "binary_document": {"b": None},
    }
    assert client.post("/rpc/echo_types", json=values).json() == expected
    texts = {**values, "flag": "true", "list": "{1,2}", "document": '{"a":[1]}'}
    texts["binary_document"] = '{"b":null}'
    assert client.get("/rpc/echo_types", params=texts).json() == expected


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("nothing", None),
        ("rows", [{"number": 1, "name": "one"}, {"number": 2, "name": "two"}]),
        ("no_rows", []),
        ("numbers", [1, 2]),
        ("pair", {"number": 1, "name": "one"}),
    ],
)
def test_shape_of_the_answer(client: httpx.Client, name: str, answer: object) -> None:
    assert client.get(f"/rpc/{name}").json() == answer


def test_void_answers_204(client: httpx.Client) -> None:
    response = client.post("/rpc/do_nothing")
    assert (response.status_code, response.content) == (204, b"")


def test_names_that_need_quotes(client: httpx.Client) -> None:
    assert client.post("/rpc/Two%20Words", json={"first word": "x"}).json() == "x"


def test_a_list_goes_whole_to_an_unnamed_json_parameter(client: httpx.Client) -> None:
    assert client.post("/rpc/whole", json=[1, 2]).json() == "array"
    assert_error(client.post("/rpc/echo", json=["x"]), 400, "PGRST102")


def test_reads_run_on_the_standby_and_writes_on_the_primary(client: httpx.Client) -> None:
    for response in (client.get("/rpc/where_read"), client.post("/rpc/where_read")):
        assert response.json()["is_standby"] is True
        assert response.json()["read_only"] == "on"
    assert client.post("/rpc/where_written").json() is False


def test_get_of_a_function_that_writes_is_refused_and_writes_nothing(client: httpx.Client) -> None:
    before = client.post("/rpc/count_call").json()
    response = client.get("/rpc/count_call")
    assert_error(response, 405, "25006")
    assert response.headers["allow"] == "POST"
    assert_error(client.post("/rpc/sneaky_write"), 405, "25006")
    assert client.post("/rpc/count_call").json() == before + 1


def test_a_stable_void_call_is_not_optimised_away(client: httpx.Client) -> None:
    body = assert_error(client.get("/rpc/read_and_fail"), 400, "SR018")
    assert (body["message"], body["details"], body["hint"]) == ("read", "because", "try")


@pytest.mark.parametrize(
    ("state", "status"),
    [
        *(("SR001", 401), ("SR002", 404), ("SR017", 413), ("SR012", 422)),
        *(("P0001", 400), ("22023", 400), ("23505", 409), ("42P01", 404), ("54001", 500)),
        *(("40001", 500), ("40P01", 500), ("53300", 503), ("57014", 500), ("57P01", 503)),
        *(("42501", 401), ("SR999", 400)),
    ],
)
def test_status_of_an_sqlstate(client: httpx.Client, state: str, status: int) -> None:
    response = client.post("/rpc/fail_with", json={"state": state})
    assert_error(response, status, state)
    assert (response.headers.get("retry-after") is not None) == (status == 503)


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("nosuch", {}),
        ("echo", {}),
        ("echo", {"words": "x", "nosuch": 1}),
        ("echo", {"WORDS": "x"}),
        ("pg_sleep", {"": 1}),
        ("api.echo", {"words": "x"}),
    ],
)
def test_no_such_function(client: httpx.Client, path: str, arguments: dict[str, object]) -> None:
    body = assert_error(client.post(f"/rpc/{path}", json=arguments), 404, "PGRST202")
    assert f"api.{path}" in str(body["message"])


@pytest.mark.parametrize(
    "body",
    [
        b'{"words": NaN}',
        b'{"words": "x", "times": Infinity}',
        b'{"words": ',
        b'{"words": "\xff"}',
        b'"words"',
        b"null",
        b"[" * 60,
    ],
)
def test_unreadable_body(client: httpx.Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert_error(client.post("/rpc/echo", content=body, headers=headers), 400, "PGRST102")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"words": "x", "times": "many"}, "22P02"),
        ({"words": "x", "times": 1e400}, "PGRST102"),
        ({"words": "x", "times": 10**30}, "22003"),
        ({"words": "\0"}, "22P05"),
    ],
)
def test_values_that_do_not_fit(
    client: httpx.Client, arguments: dict[str, object], code: str
) -> None:
    body = json.dumps(arguments).encode()
    headers = {"content-type": "application/json"}
    assert_error(client.post("/rpc/echo", content=body, headers=headers), 400, code)


def test_an_array_of_seven_dimensions(client: httpx.Client) -> None:
    answer = client.post("/rpc/echo_types", json={"list": [[[[[[[1]]]]]]]})
    assert_error(answer, 400, "54000")


def test_get_with_unreadable_json(client: httpx.Client) -> None:
    assert_error(client.get("/rpc/echo_types", params={"document": "{"}), 400, "PGRST102")
    assert_error(client.get("/rpc/echo?words=%00"), 400, "22P05")
    assert_error(client.get("/rpc/echo?words=%ff"), 400, "PGRST102")


def test_other_content_types_are_refused(client: httpx.Client) -> None:
    headers = {"content-type": "application/pdf"}
    assert_error(client.post("/rpc/echo", content=b"x", headers=headers), 400, "PGRST102")


@pytest.mark.parametrize("size", [2_200_000, 9_000_000])
def test_body_over_the_limit(client: httpx.Client, size: int) -> None:
    body = b'{"words": "' + b"x" * size + b'"}'
    headers = {"content-type": "application/json"}
    assert_error(client.post("/rpc/echo", content=body, headers=headers), 413, "SR030")


def test_100_000_points_are_refused(client: httpx.Client) -> None:
    point = {"recorded_at": "2026-11-23T12:00:00Z", "lon": 7.42, "lat": 43.73}
    response = client.post(
        "/rpc/record_points",
        json={"journey_id": WALKER, "points": [point] * 100_000},
        headers=bearer(sub=WALKER),
    )
    assert_error(response, 413, "SR030")


@pytest.mark.parametrize("text", INJECTIONS)
def test_sql_in_any_text_stays_text(client: httpx.Client, text: str) -> None:
    assert client.post("/rpc/echo", json={"words": text}).json() == text
    assert client.get("/rpc/echo", params={"words": text}).json() == text
    assert client.post("/rpc/echo", json={"words": "x", text: 1}).status_code == 404
    assert client.get("/rpc/echo", params={"words": "x", text: "1"}).status_code == 404
    assert client.post("/rpc/echo", json={"words": "x", "times": text}).status_code == 400
    assert client.get("/rpc/" + quote(text, safe="")).status_code == 404
    seen = client.get("/rpc/where_read", headers={"x-note": text, **bearer(sub=text)})
    assert seen.json()["headers"]["x-note"] == text
    assert seen.json()["claims"]["sub"] == text


def test_functions_see_the_request_but_no_secret(client: httpx.Client) -> None:
    headers = {"x-trip": "a", "cookie": "session=secret", **bearer(sub=WALKER)}
    seen = client.get("/rpc/where_read?", headers=headers).json()
    assert (seen["method"], seen["path"]) == ("GET", "/rpc/where_read")
    assert seen["headers"]["x-trip"] == "a"
    assert not {"authorization", "cookie"} & seen["headers"].keys()


def test_profiles(client: httpx.Client) -> None:
    answer = client.get("/rpc/rows", headers={"accept-profile": "api"})
    assert (answer.status_code, answer.headers["content-profile"]) == (200, "api")
    assert "content-profile" not in client.get("/rpc/rows").headers
    for response in (
        client.get("/rpc/rows", headers={"accept-profile": "core"}),
        client.post("/rpc/rows", headers={"content-profile": "public"}),
    ):
        assert_error(response, 406, "PGRST106")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods(client: httpx.Client, method: str) -> None:
    assert_error(client.request(method, "/rpc/rows"), 405, "PGRST101")


def test_other_paths(client: httpx.Client) -> None:
    for path in ("/", "/rpc", "/rpc/a/b", "/journeys", "/live", "/ready", "/metrics"):
        assert_error(client.get(path), 404, "PGRST125")


def test_new_and_changed_functions_are_found(
    client: httpx.Client, database: psycopg.Connection, primary: Primary, standby: Primary
) -> None:
    assert client.get("/rpc/later", params={"a": 1}).status_code == 404
    for definition, arguments in (
        ("later(a integer) returns integer language sql stable as 'select a'", {"a": 1}),
        ("later(b integer) returns integer language sql stable as 'select b'", {"b": 1}),
    ):
        database.execute("drop function if exists api.later")
        database.execute(f"create function api.{definition}")
        wait_for_replay(primary, standby)
        database.execute("notify saferoute_catalogue")
        eventually(lambda: client.get("/rpc/later", params=arguments).status_code == 200)  # noqa: B023


def test_a_call_ends_when_its_role_has_had_its_time(
    client: httpx.Client, database: psycopg.Connection, primary: Primary, standby: Primary
) -> None:
    database.execute("create role hurried nologin")
    try:
        database.execute("alter role hurried set statement_timeout = 200")
        database.execute("grant hurried to authenticator; grant web_anon to hurried")
        wait_for_replay(primary, standby)
        headers = bearer("hurried")
        database.execute("notify saferoute_catalogue")
        eventually(lambda: client.get("/rpc/rows", headers=headers).status_code == 200)
        response = client.post("/rpc/wait", json={"seconds": 30}, headers=headers, timeout=10)
        assert_error(response, 503, "57014")
        assert response.headers["retry-after"] == "1"
        # Its connection serves others, and nothing of the call comes after.
        for number in range(20):
            answer = client.post("/rpc/echo", json={"words": str(number)}, headers=headers)
            assert answer.json() == str(number)
    finally:
        database.execute("drop role hurried")


def test_a_journey_over_http(api: Api, client: httpx.Client) -> None:
    headers = bearer(sub=WALKER)
    journey = {"journey_id": WALKER}
    start = {**journey, "from_lon": 7.42, "from_lat": 43.73}
    assert client.post("/rpc/start_journey", json=start, headers=headers).status_code == 200
    mine = client.post("/rpc/end_journey", json=journey, headers=headers)
    assert mine.status_code == 200, mine.text
    stranger = bearer(sub=WALKER[:-1] + "2")
    assert_error(client.post("/rpc/end_journey", json=journey, headers=stranger), 404, "SR002")
    assert_error(client.get("/rpc/my_journeys"), 401, "42501")


def test_json_in_an_address_may_not_nest_too_deep(client: httpx.Client) -> None:
    deep = "[" * 65 + "]" * 65
    assert_error(client.get("/rpc/echo_types", params={"document": deep}), 400, "SR033")
