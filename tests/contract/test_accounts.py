"""Signing up and in, over HTTP, with real servers: PostgreSQL and a Redis Cluster."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import jwt
import orjson
import psycopg
import pytest

from common import signing_keys
from tests.conftest import Primary
from tests.contract.serving import Api, bearer, serve
from tests.contract.test_rpc import assert_error
from tests.redis_cluster import TestCluster

PASSWORD = "correct horse battery"
OTHER_PASSWORD = "staple battery horse"
_numbers = count(1000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the signing keys, with one key."""
    directory = tmp_path_factory.mktemp("keys")
    signing_keys.add(directory)
    return directory


@pytest.fixture(scope="module")
def settings(redis_cluster: TestCluster, folder: Path) -> dict[str, str]:
    return {
        **redis_cluster.settings,
        "SAFEROUTE_SESSION_SECRET": "the-session-secret-of-the-contract-tests",
        "SAFEROUTE_SIGNING_KEYS_DIRECTORY": str(folder),
    }


@pytest.fixture(scope="module")
def api(database: psycopg.Connection, primary: Primary, settings: dict[str, str]) -> Iterator[Api]:
    database.execute("update core.message_limits set amount = 1e9")
    # Everybody here comes from one address, and hard limits end at 1,000.
    kept = database.execute("delete from core.rate_limits returning *").fetchall()
    with serve([primary.port], "contract", primary.password, **settings) as served:
        yield served
    statement = "insert into core.rate_limits values (%s, %s, %s, %s, %s, %s)"
    database.cursor().executemany(statement, kept)


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=20) as connected:
        yield connected


@dataclass
class Person:
    """Somebody with a phone."""

    client: httpx.Client
    database: psycopg.Connection
    phone: str = field(default_factory=lambda: f"+35191234{next(_numbers)}")

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.client.post(f"/auth/{path}", json=body)

    def ask(self, purpose: str = "sign_up", **others: Any) -> httpx.Response:
        return self.post("codes", phone=self.phone, purpose=purpose, **others)

    def text(self, address: str | None = None) -> tuple[str, str]:
        """Template and code of the last message."""
        row = self.database.execute(
            "select template, parameters ->> 'code' from core.outbound_messages"
            " where address = %s order by message_id desc limit 1",
            [address or self.phone],
        ).fetchone()
        assert row is not None
        return row

    def code(self, purpose: str = "sign_up") -> str:
        answer = self.ask(purpose)
        assert answer.status_code == 202, answer.text
        return self.text()[1]

    def sign_up(self, **others: Any) -> dict[str, Any]:
        answer = self.post(
            "sign-up", phone=self.phone, code=self.code(), password=PASSWORD, **others
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def sign_in(self, password: str = PASSWORD, **others: Any) -> httpx.Response:
        return self.post("sign-in", phone=self.phone, password=password, **others)

    def refresh(self, token: str) -> httpx.Response:
        return self.post("refresh", refresh_token=token)


@pytest.fixture
def person(client: httpx.Client, database: psycopg.Connection) -> Person:
    return Person(client, database)


def signed(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_from_nothing_to_a_journey_and_out_again(person: Person) -> None:
    tokens = person.sign_up(language="pt-PT", device="Anna's phone")
    assert set(tokens) == {
        *("access_token", "token_type", "expires_in", "refresh_token", "user_id")
    }
    journey = {"journey_id": str(uuid.uuid4()), "from_lon": 7.42, "from_lat": 43.73}
    headers = signed(tokens)
    started = person.client.post("/rpc/start_journey", json=journey, headers=headers)
    assert started.status_code == 200, started.text
    signed_in = person.sign_in(device="tablet")
    assert signed_in.status_code == 200
    assert signed_in.headers["cache-control"] == "no-store"
    assert signed_in.json()["user_id"] == tokens["user_id"]
    sessions = person.client.get("/auth/sessions", headers=headers).json()
    assert [(s["device"], s["is_current"]) for s in sessions] == [
        ("tablet", False),
        ("Anna's phone", True),
    ]
    out = person.post("sign-out", refresh_token=tokens["refresh_token"])
    assert out.status_code == 204
    assert_error(person.refresh(tokens["refresh_token"]), 401, "SR041")
    assert person.refresh(signed_in.json()["refresh_token"]).status_code == 200
    row = person.database.execute(
        "select language, phone, password_hash like '$argon2id$v=19$m=19456,t=2,p=1$%%'"
        " from core.users where user_id = %s",
        [tokens["user_id"]],
    ).fetchone()
    assert row == ("pt-PT", person.phone, True)


def test_an_address_has_one_account_however_it_is_written(person: Person) -> None:
    person.sign_up()
    spaced = f"{person.phone[:4]} {person.phone[4:7]}-{person.phone[7:]}"
    answer = person.post("sign-in", phone=spaced, password=PASSWORD)
    assert answer.status_code == 200
    mailbox = f"Anna.{person.phone[-4:]}@Example.com"
    asked = person.post("codes", email=mailbox, purpose="sign_up")
    assert asked.status_code == 202
    template, code = person.text(mailbox.lower())
    assert template == "sign_up"
    made = person.post("sign-up", email=mailbox.upper(), code=code, password=PASSWORD)
    assert made.status_code == 201


def test_nobody_learns_who_has_an_account(client: httpx.Client, person: Person) -> None:
    person.sign_up()
    stranger = Person(client, person.database)

    def same(*answers: httpx.Response) -> None:
        found = [
            (
                a.status_code,
                a.content,
                {k: v for k, v in a.headers.items() if k not in ("date", "x-request-id")},
            )
            for a in answers
        ]
        assert found[0] == found[1]

    for purpose in ("sign_up", "reset_password"):
        same(person.ask(purpose), stranger.ask(purpose))
    assert person.text()[0] == "reset_password"
    assert stranger.text() == ("no_account", None)
    same(person.sign_in("wrong password"), stranger.sign_in("wrong password"))
    for path in ("sign-up", "reset-password"):
        same(
            person.post(path, phone=person.phone, code="000000", password=PASSWORD),
            stranger.post(path, phone=stranger.phone, code="000000", password=PASSWORD),
        )
    # Its owner, who gets the code, does learn it.
    code = person.code()
    for wrong, expected in ((other(code), (400, "SR042")), (code, (409, "SR043"))):
        answer = person.post("sign-up", phone=person.phone, code=wrong, password=PASSWORD)
        assert_error(answer, *expected)


def test_a_thousand_wrong_codes(person: Person) -> None:
    code = person.code()
    wrong = [f"{number:06}" for number in range(1001) if f"{number:06}" != code][:1000]

    def attempt(code: str) -> httpx.Response:
        return person.post("sign-up", phone=person.phone, code=code, password=PASSWORD)

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(attempt, wrong))
    for answer in answers:
        assert_error(answer, 400, "SR042")
    assert_error(attempt(code), 400, "SR042")
    query = "select from core.users where phone = %s"
    assert person.database.execute(query, [person.phone]).fetchone() is None


def test_of_many_who_use_a_code_at_once_one_gets_in(person: Person) -> None:
    code = person.code()
    body = {"phone": person.phone, "code": code, "password": PASSWORD}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: person.post("sign-up", **body), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + 7 * [409]


def test_guesses_in_parallel_are_counted_one_by_one(person: Person) -> None:
    person.code()
    body = {"phone": person.phone, "password": PASSWORD}
    wrong = other(person.text()[1])
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: person.post("sign-up", **body, code=wrong), range(8)))
    tries = "select tries from core.codes where address = %s"
    assert person.database.execute(tries, [person.phone]).fetchone() == (5,)


def test_a_refresh_token_is_good_once(person: Person) -> None:
    tokens = person.sign_up()
    first = tokens["refresh_token"]
    second = person.refresh(first).json()["refresh_token"]
    assert second != first
    # Its answer was lost: the same successor, however often, and nobody is signed out.
    with ThreadPoolExecutor(8) as threads:
        again = list(threads.map(lambda _: person.refresh(first), range(8)))
    assert {answer.json()["refresh_token"] for answer in again} == {second}
    third = person.refresh(second).json()["refresh_token"]
    # Two steps behind is no retry: a copy. Whoever holds what, the session is over.
    assert_error(person.refresh(first), 401, "SR041")
    assert_error(person.refresh(third), 401, "SR041")
    assert person.sign_in().status_code == 200


def test_a_late_retry_is_theft(person: Person, redis_cluster: TestCluster) -> None:
    tokens = person.sign_up()
    second = person.refresh(tokens["refresh_token"]).json()["refresh_token"]
    set_back(redis_cluster, tokens["user_id"], rotated_at=-11)
    assert_error(person.refresh(tokens["refresh_token"]), 401, "SR041")
    assert_error(person.refresh(second), 401, "SR041")


@pytest.mark.parametrize(
    ("change", "is_over"),
    [
        ({"used_at": -29 * 86400}, False),
        ({"used_at": -31 * 86400}, True),
        ({"created_at": -89 * 86400}, False),
        ({"created_at": -91 * 86400}, True),
    ],
)
def test_sessions_end(
    person: Person, redis_cluster: TestCluster, change: dict[str, float], is_over: bool
) -> None:
    tokens = person.sign_up()
    set_back(redis_cluster, tokens["user_id"], **change)
    listed = person.client.get("/auth/sessions", headers=signed(tokens)).json()
    assert (listed == []) == is_over
    answer = person.refresh(tokens["refresh_token"])
    assert answer.status_code == (401 if is_over else 200)


def set_back(cluster: TestCluster, user_id: str, **changes: float) -> None:
    """Let time pass for the sessions of a person."""
    key = f"sessions:{{{user_id}}}"
    with cluster.master_of(key).connect(cluster.password) as redis:
        for session_id, text in redis.hgetall(key).items():
            state = orjson.loads(text)
            for name, seconds in changes.items():
                state[name] += seconds
            redis.hset(key, session_id, orjson.dumps(state))


def test_a_rotation_that_redis_lost_signs_nobody_out(
    person: Person, redis_cluster: TestCluster
) -> None:
    tokens = person.sign_up()
    key = f"sessions:{{{tokens['user_id']}}}"
    with redis_cluster.master_of(key).connect(redis_cluster.password) as redis:
        before = redis.hgetall(key)
        second = person.refresh(tokens["refresh_token"]).json()["refresh_token"]
        redis.hset(key, mapping=before)  # as a replica that had not heard of it
    third = person.refresh(second)
    assert third.status_code == 200, third.text
    assert person.refresh(third.json()["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    "token",
    [
        *("", "x", "1.2.3.4.5", "....", "1" + "." * 4, "a" * 10_000, "💥.💥.💥.💥.💥"),
        *("{whole}x", "2{rest}", "{whole}.x"),
    ],
)
def test_what_is_no_refresh_token_ends_nothing(person: Person, token: str) -> None:
    real = person.sign_up()["refresh_token"]
    answer = person.refresh(token.format(whole=real, rest=real[1:]))
    assert_error(answer, 401, "SR041")
    version, user_id, session_id, secret, tag = real.split(".")
    swapped = ("A" if secret[0] != "A" else "B") + secret[1:]
    forged = ".".join((version, user_id, session_id, swapped, tag))
    assert_error(person.refresh(forged), 401, "SR041")
    elsewhere = ".".join((version, user_id, str(uuid.uuid4()), secret, tag))
    assert_error(person.refresh(elsewhere), 401, "SR041")
    assert person.refresh(real).status_code == 200


def test_sessions_are_ended_by_their_person_only(client: httpx.Client, person: Person) -> None:
    first = person.sign_up(device="first")
    second = person.sign_in(device="second").json()
    third = person.sign_in(device="third").json()
    stranger = Person(client, person.database).sign_up()
    headers = signed(first)
    by_device = {s["device"]: s for s in client.get("/auth/sessions", headers=headers).json()}
    path = f"/auth/sessions/{by_device['second']['session_id']}"
    assert_error(client.delete(path, headers=signed(stranger)), 404, "SR049")
    assert client.delete(path, headers=headers).status_code == 204
    assert_error(client.delete(path, headers=headers), 404, "SR049")
    assert_error(person.refresh(second["refresh_token"]), 401, "SR041")
    assert client.delete("/auth/sessions", headers=headers).status_code == 204
    assert_error(person.refresh(third["refresh_token"]), 401, "SR041")
    assert person.refresh(first["refresh_token"]).status_code == 200
    assert len(client.get("/auth/sessions", headers=signed(stranger)).json()) == 1
    for method, where in (("GET", ""), ("DELETE", ""), ("DELETE", "/x")):
        assert_error(client.request(method, f"/auth/sessions{where}"), 401, "SR001")
        machine = bearer("authenticated")
        answer = client.request(method, f"/auth/sessions{where}", headers=machine)
        assert_error(answer, 401, "SR001")


def test_a_person_has_at_most_twenty_sessions(person: Person) -> None:
    tokens = person.sign_up(device="oldest")
    for number in range(20):
        assert person.sign_in(device=str(number)).status_code == 200
    sessions = person.client.get("/auth/sessions", headers=signed(tokens)).json()
    assert {session["device"] for session in sessions} == {str(number) for number in range(20)}


def test_a_new_password_ends_every_session(person: Person) -> None:
    tokens = person.sign_up()
    code = person.code("reset_password")
    body = {"phone": person.phone, "password": OTHER_PASSWORD}
    assert_error(person.post("reset-password", **body, code=other(code)), 400, "SR042")
    assert person.refresh(tokens["refresh_token"]).status_code == 200
    assert person.post("reset-password", **body, code=code).status_code == 204
    assert_error(person.post("reset-password", **body, code=code), 400, "SR042")
    assert_error(person.sign_in(), 401, "SR040")
    assert person.sign_in(OTHER_PASSWORD).status_code == 200
    sessions = person.client.get("/auth/sessions", headers=signed(tokens)).json()
    assert len(sessions) == 1


def test_who_was_erased_is_signed_out(person: Person, redis_cluster: TestCluster) -> None:
    tokens = person.sign_up()
    person.database.execute("delete from core.users where user_id = %s", [tokens["user_id"]])
    assert_error(person.refresh(tokens["refresh_token"]), 401, "SR041")
    key = f"sessions:{{{tokens['user_id']}}}"
    with redis_cluster.master_of(key).connect(redis_cluster.password) as redis:
        assert redis.exists(key) == 0, "and nothing is left"


def test_a_second_address(client: httpx.Client, person: Person) -> None:
    tokens = person.sign_up()
    mailbox = f"b{person.phone[-4:]}@example.com"
    headers = signed(tokens)
    asked = {"email": mailbox, "purpose": "verify"}
    assert_error(client.post("/auth/codes", json=asked), 401, "SR001")
    assert client.post("/auth/codes", json=asked, headers=headers).status_code == 202
    code = person.text(mailbox)[1]
    stranger = signed(Person(client, person.database).sign_up())
    body = {"email": mailbox, "code": code, "password": PASSWORD}
    assert_error(client.post("/auth/verify", json=body), 401, "SR001")
    assert_error(client.post("/auth/verify", json=body, headers=stranger), 400, "SR042")
    wrong = {**body, "password": OTHER_PASSWORD}
    assert_error(client.post("/auth/verify", json=wrong, headers=headers), 401, "SR040")
    elsewhere = bearer(sub=str(uuid.uuid4()))
    assert_error(client.post("/auth/verify", json=body, headers=elsewhere), 404, "SR048")
    assert client.post("/auth/verify", json=body, headers=headers).status_code == 204
    signed_in = person.post("sign-in", email=mailbox, password=PASSWORD)
    assert signed_in.json()["user_id"] == tokens["user_id"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("codes", {"phone": "0123", "purpose": "sign_up"}, 400, "SR045"),
        ("codes", {"phone": "+351900000", "purpose": "sign_up"}, 400, "SR045"),
        ("codes", {"phone": "+351601234567", "purpose": "sign_up"}, 400, "SR045"),
        ("codes", {"email": "a@b@c", "purpose": "sign_up"}, 400, "SR045"),
        ("codes", {"email": "a@b\0.example", "purpose": "sign_up"}, 400, "SR045"),
        ("codes", {"purpose": "sign_up"}, 400, "SR018"),
        ("codes", {"phone": "+351912345678", "email": "a@b.pt", "purpose": "x"}, 400, "SR018"),
        ("codes", {"phone": "+351912345678", "purpose": "x"}, 400, "SR018"),
        ("codes", {"phone": 351912345678, "purpose": "sign_up"}, 400, "SR018"),
        ("codes", {"phone": ["+351912345678"], "purpose": "sign_up"}, 400, "SR018"),
        ("codes", {"phone": "+351912345678", "purpose": "sign_up", "more": "x"}, 400, "SR018"),
        ("codes", {"phone": "+351912345678", "purpose": "sign_up", "language": "'"}, 400, "SR018"),
        ("sign-up", {"phone": "+351912345678", "password": PASSWORD}, 400, "SR018"),
        (
            "sign-up",
            {"phone": "+351912345678", "password": PASSWORD, "code": "'; drop--"},
            400,
            "SR042",
        ),
        (
            "sign-up",
            {"phone": "+351912345678", "password": "short", "code": "123456"},
            400,
            "SR044",
        ),
        (
            "sign-up",
            {"phone": "+351912345678", "password": "Password1234", "code": "123456"},
            400,
            "SR044",
        ),
        (
            "sign-up",
            {"phone": "+351912345678", "password": "x" * 257, "code": "123456"},
            400,
            "SR044",
        ),
        ("sign-in", {"phone": "+351912345678"}, 400, "SR018"),
        ("sign-in", {"email": "' or 1=1 --@b.pt", "password": "' or 1=1 --"}, 400, "SR045"),
        ("sign-in", {"email": "a@b.pt", "password": "\0"}, 401, "SR040"),
        ("sign-in", {"email": "a@b.pt", "password": "x", "device": "\0"}, 400, "SR018"),
        ("sign-in", {"email": "a@b.pt", "password": "x", "device": "x" * 101}, 400, "SR018"),
        ("refresh", {}, 400, "SR018"),
        ("refresh", {"refresh_token": None}, 400, "SR018"),
        ("sign-out", {"refresh_token": "x"}, 401, "SR041"),
        ("refresh", [], 400, "PGRST102"),
        ("refresh", "x", 400, "PGRST102"),
        ("refresh", {"refresh_token": "x" * 20_000}, 413, "SR030"),
    ],
)
def test_bad_input(client: httpx.Client, path: str, body: object, status: int, code: str) -> None:
    assert_error(client.post(f"/auth/{path}", json=body), status, code)


def test_other_bodies_methods_and_paths(client: httpx.Client) -> None:
    form = client.post("/auth/sign-in", data={"phone": "+351912345678", "password": "x"})
    assert_error(form, 400, "PGRST102")
    headers = {"content-type": "application/json"}
    broken = client.post("/auth/sign-in", content=b'{"phone": "', headers=headers)
    assert_error(broken, 400, "PGRST102")
    deep = client.post("/auth/sign-in", content=b"[" * 10_000, headers=headers)
    assert 400 <= deep.status_code < 500
    assert_error(client.get("/auth/sign-in"), 405, "PGRST117")
    assert_error(client.post("/auth/nosuch"), 404, "PGRST125")


@contextmanager
def limited(person: Person, kind: str, subject: str, amount: int) -> Iterator[None]:
    """Within the block, a hard limit of the shipped kind; its API has heard of it."""
    statement = "insert into core.rate_limits values (%s, %s, null, %s, 600, true)"
    person.database.execute(statement, [kind, subject, amount])
    try:
        deadline = time.monotonic() + 10
        stranger = Person(person.client, person.database)
        while stranger.sign_in("wrong").status_code != 429:
            assert time.monotonic() < deadline
        yield
    finally:
        person.database.execute("delete from core.rate_limits")
        while person.sign_in("wrong").status_code == 429:
            assert time.monotonic() < deadline + 10


def test_tries_are_limited_by_the_account_they_are_for(person: Person) -> None:
    tokens = person.sign_up()
    stranger = Person(person.client, person.database)
    with limited(person, "sign_in", "address", 3):
        for somebody in (person, stranger):
            answers = [somebody.sign_in("wrong") for _ in range(4)]
            assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
            assert_error(answers[-1], 429, "SR070")
            assert not any("ratelimit" in answer.headers for answer in answers[:3])
        assert_error(person.sign_in(), 429, "SR070")
        # Whoever has stolen a token cannot try passwords with ever new addresses.
        statuses = [
            person.client.post(
                "/auth/verify",
                json={"email": f"x{n}@example.com", "code": "000000", "password": "wrong"},
                headers=signed(tokens),
            ).status_code
            for n in range(4)
        ]
        assert statuses == [401, 401, 401, 429]
        assert person.refresh(tokens["refresh_token"]).status_code == 200, "who is in stays in"


def test_limits_of_messages_are_the_same_for_everybody(person: Person) -> None:
    person.sign_up()
    try:
        person.database.execute(
            "insert into core.message_limits values ('sms', 'country', '351', '1 hour', 0)"
        )
        stranger = Person(person.client, person.database)
        for answer in (person.ask(), stranger.ask(), person.ask("reset_password")):
            assert_error(answer, 429, "SR046")
    finally:
        person.database.execute("delete from core.message_limits where subject = '351'")


def test_the_key_set_verifies_and_rotates(
    client: httpx.Client, person: Person, folder: Path
) -> None:
    tokens = person.sign_up()
    answer = client.get("/.well-known/jwks.json")
    assert "max-age" in answer.headers["cache-control"]
    keys = jwt.PyJWKSet.from_dict(answer.json())
    kid = jwt.get_unverified_header(tokens["access_token"])["kid"]
    claims = jwt.decode(tokens["access_token"], keys[kid], ["EdDSA"], audience="saferoute")
    assert claims["sub"] == tokens["user_id"]
    added = signing_keys.add(folder)
    deadline = time.monotonic() + 10
    while added.kid not in client.get("/.well-known/jwks.json").text:
        assert time.monotonic() < deadline
    renewed = person.refresh(tokens["refresh_token"]).json()
    assert jwt.get_unverified_header(renewed["access_token"])["kid"] == kid, "the new one waits"


def test_while_redis_is_gone_nobody_signs_in_but_tokens_go_on(
    client: httpx.Client, person: Person, redis_cluster: TestCluster
) -> None:
    tokens = person.sign_up()
    key = f"sessions:{{{tokens['user_id']}}}"
    with redis_cluster.stopped(redis_cluster.master_of(key)):
        refused = [
            person.sign_in(),
            person.refresh(tokens["refresh_token"]),
            person.post(
                "reset-password",
                phone=person.phone,
                code=person.code("reset_password"),
                password=OTHER_PASSWORD,
            ),
        ]
        for answer in refused:
            assert_error(answer, 503, "SR047")
            assert answer.headers["retry-after"]
        mine = client.get("/rpc/my_journeys", headers=signed(tokens))
        assert mine.status_code == 200
    eventually_200(lambda: person.sign_in())
    assert person.refresh(tokens["refresh_token"]).status_code == 200, "and nothing was lost"


def eventually_200(ask: Any) -> None:
    deadline = time.monotonic() + 20
    while ask().status_code != 200:
        assert time.monotonic() < deadline


def test_a_master_that_dies_in_mid_flight_signs_nobody_out(
    client: httpx.Client, database: psycopg.Connection, redis_cluster: TestCluster
) -> None:
    people = [Person(client, database) for _ in range(6)]
    known = {person.phone: person.sign_up() for person in people}
    dead = redis_cluster.master_of(f"sessions:{{{known[people[0].phone]['user_id']}}}")
    over = threading.Event()
    wrong: list[str] = []

    def walk(person: Person) -> None:
        """An app: it keeps the newest token it got, and tries again where it got none."""
        token = known[person.phone]["refresh_token"]
        while True:
            is_last = over.is_set()
            try:
                answer = person.refresh(token)
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                token = answer.json()["refresh_token"]
                if is_last:
                    return
            elif answer.status_code != 503:
                wrong.append(answer.text)
                return

    with ThreadPoolExecutor(len(people)) as threads:
        walks = [threads.submit(walk, person) for person in people]
        with redis_cluster.killed(dead):
            key = f"sessions:{{{known[people[0].phone]['user_id']}}}"
            redis_cluster.wait_for_promotion(key, dead)
        over.set()
        for finished in walks:
            finished.result(60)
    assert not wrong
