"""Sessions: their refresh tokens, and how they end."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import orjson
import pytest

from tests.contract.accounts.person import Person, signed
from tests.contract.serving import bearer
from tests.contract.test_rpc import assert_error
from tests.redis_cluster import TestCluster


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


def test_who_was_erased_is_signed_out(person: Person, redis_cluster: TestCluster) -> None:
    tokens = person.sign_up()
    person.database.execute("delete from core.users where user_id = %s", [tokens["user_id"]])
    assert_error(person.refresh(tokens["refresh_token"]), 401, "SR041")
    key = f"sessions:{{{tokens['user_id']}}}"
    with redis_cluster.master_of(key).connect(redis_cluster.password) as redis:
        assert redis.exists(key) == 0, "and nothing is left"
