"""What operators and their monitoring are told of how work stands."""

import subprocess
import sys
import urllib.error
import urllib.request

from common.settings import REPOSITORY
from ops.cluster import free_port
from tests.integration.worker import calls
from tests.integration.worker.conftest import Workers, wait_until


def check(workers: Workers, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "worker", "check"],
        cwd=REPOSITORY,
        env={**workers.environment, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_alert_that_nobody_sends_is_told_to_monitoring(workers: Workers) -> None:
    port = free_port()
    workers.start("beat", SAFEROUTE_WORKER_METRICS_PORT=str(port))
    assert check(workers).returncode == 0
    calls.add_contact(workers.db, calls.MUM)
    calls.raise_sos(workers.db)
    workers.db.execute(
        "update core.alert_deliveries set next_attempt_at = now() - interval '1 min' where tier = 1"
    )
    result = check(workers)
    assert result.returncode == 1
    assert "a delivery has waited for 6" in result.stdout

    wait_until(lambda: "saferoute_deliveries_due 1.0" in page(port))
    assert 'saferoute_queue_tasks{queue="alarm"}' in page(port)
    workers.db.execute("alter role worker nologin")
    try:
        gone = check(workers)
    finally:
        workers.db.execute("alter role worker login")
    assert gone.returncode == 1
    assert "does not answer" in gone.stderr


def page(port: int) -> str:
    """What /metrics shows; nothing before it is there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return answer.read().decode()
    except urllib.error.URLError:
        return ""
