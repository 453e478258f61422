"""What goes on while Redis nodes are away. Last of the package: the cluster has to recover."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg

from tests.contract.accounts.person import OTHER_PASSWORD, Person, signed
from tests.contract.test_rpc import assert_error
from tests.redis_cluster import TestCluster


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
    # Not with the tokens from before: what a node was asked while it slept, it does when it wakes.
    fresh = eventually_200(lambda: person.sign_in()).json()
    assert person.refresh(fresh["refresh_token"]).status_code == 200


def eventually_200(ask: Callable[[], httpx.Response]) -> httpx.Response:
    deadline = time.monotonic() + 20
    while (answer := ask()).status_code != 200:
        assert time.monotonic() < deadline
    return answer


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
