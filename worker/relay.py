"""Where tasks are handed out by Redis: functions queue them in PostgreSQL all the same, in the
transaction that causes them, and the sweep carries them over, so that nobody has to tell the
database which broker there is.
"""

import base64
import json
from typing import Any

from common.settings import settings
from worker import database
from worker.app import QUEUES, app

_AT_ONCE = 500


def carry_over() -> None:
    """Hand the tasks queued in PostgreSQL to Redis. One that gets lost on the way is found again
    by the sweep, as any that is lost.
    """
    if settings().is_broker_postgresql:
        return
    for queue in QUEUES:
        for message in database.queued(queue, _AT_ONCE):
            arguments, *_ = json.loads(base64.b64decode(message["body"]))
            headers: dict[str, Any] = message["headers"]
            app.send_task(headers["task"], arguments, task_id=headers["id"], queue=queue)
