"""Accounts and the codes they are made with, over HTTP, with real servers."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.contract.accounts.person import OTHER_PASSWORD, PASSWORD, Person, other, signed
from tests.contract.serving import bearer
from tests.contract.test_rpc import assert_error


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
