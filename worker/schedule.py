"""What beat has done, and how often. Every entry can be run twice: two beats do no harm."""

from datetime import timedelta
from typing import Any

from celery.schedules import BaseSchedule, crontab, schedule


def _entry(task: str, queue: str, when: BaseSchedule, expires_s: float) -> dict[str, Any]:
    """`expires_s`: not run later than that, so that none pile up while no worker runs."""
    options = {"queue": queue, "expires": expires_s}
    return {"task": task, "schedule": when, "options": options}


_SWEEPING = schedule(timedelta(seconds=2))
# Times of day, since whoever counts hours begins anew with every start of beat.
ENTRIES = {
    "sweep": _entry("sweep", "alarm", _SWEEPING, 10),
    "escalate": _entry("escalate", "alarm", _SWEEPING, 10),
    "tidy": _entry("tidy", "default", crontab(minute="*/10"), 600),
    "sweep_reports": _entry("sweep_reports", "default", crontab(), 60),
    "refresh_risk": _entry("refresh_risk", "bulk", crontab(minute=40), 3600),
    # After the periods of the day have been made and retired.
    "backup": _entry("backup", "bulk", crontab(hour=4, minute=40), 12 * 3600),
    "maintain": _entry("maintain", "bulk", crontab(hour=3, minute=20), 12 * 3600),
}
