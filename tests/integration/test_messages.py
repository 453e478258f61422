"""Limits of messages hold when many ask at once, each in a transaction of its own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg

from tests.conftest import conninfo

NUMBER = "+442079460000"


def test_many_who_ask_at_once_get_no_more_than_one_by_one(db: psycopg.Connection) -> None:
    db.autocommit = True
    where = conninfo(db)
    people = 16
    together = Barrier(people)

    def ask(_: int) -> list[str]:
        with psycopg.connect(where, autocommit=True) as connection:
            together.wait()
            query = "select core.enqueue_message(null, 'sms', %s, 'sign_up', 'en', '{}')"
            return [connection.execute(query, [NUMBER]).fetchone()[0] for _ in range(4)]

    with ThreadPoolExecutor(people) as threads:
        answers = [answer for found in threads.map(ask, range(people)) for answer in found]
    assert answers.count("queued") == 5, "the hour's limit of one number"
    assert answers.count("number") == 4 * people - 5
    assert db.execute("select count(*) from core.outbound_messages").fetchone() == (5,)


def test_transactions_that_send_to_two_numbers_do_not_deadlock(db: psycopg.Connection) -> None:
    db.autocommit = True
    where = conninfo(db)
    numbers = ["+442079460001", "+351912345678"]
    together = Barrier(8)

    def ask(turn: int) -> None:
        with psycopg.connect(where) as connection:
            together.wait()
            for number in numbers if turn % 2 else reversed(numbers):
                query = "select core.enqueue_message(null, 'sms', %s, 'sign_up', 'en', '{}')"
                connection.execute(query, [number])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(8)))
    assert db.execute("select count(*) from core.outbound_messages").fetchone() == (10,)
