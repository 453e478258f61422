"""`python -m worker check`: whether what is queued gets done."""

import sys

import psycopg

from worker import database

_LATE_S = 15
"""An alarm that has waited for so long has missed its workers, and a sweep that found it."""


def check() -> int:
    """0 where nothing waits for too long, else 1 and a line that says what does."""
    try:
        state = database.call("queue_state")
    except psycopg.Error as error:
        print(f"the database does not answer: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    waits = {
        "a task of queue alarm": state["queues"]["alarm"]["oldest_s"],
        "a delivery": state["deliveries"]["oldest_s"],
        "a message": state["messages"]["oldest_s"],
    }
    late = [
        f"{what} has waited for {wait_s:.0f} s"
        for what, wait_s in waits.items()
        if wait_s > _LATE_S
    ]
    print("; ".join(late) or "nothing waits for longer than it should")
    return 1 if late else 0
