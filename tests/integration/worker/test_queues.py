"""What is queued in PostgreSQL runs once its transaction has committed."""

import signal

from tests.integration.worker.conftest import Workers, wait_until

PROBE = "tests.integration.worker.probe"


def test_tasks_run_once_they_are_committed_and_not_when_rolled_back(workers: Workers) -> None:
    for number in range(50):
        try:
            with workers.db.transaction():
                workers.enqueue("alarm", "probe", str(number))
                if number % 2:
                    raise RuntimeError
        except RuntimeError:
            pass
    process = workers.start("alarm", PROBE)
    wait_until(lambda: len(workers.probes()) >= 25)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert sorted(map(int, workers.probes())) == list(range(0, 50, 2))
    assert workers.db.execute("select count(*) from pgmq.q_alarm").fetchone() == (0,)
