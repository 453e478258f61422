"""Hands the office of the primary to another host before the disk here is full.

Without room for another block PostgreSQL refuses writes and lives on, and Patroni sees nothing
wrong with it: with healthy standbys beside it, no call for help was taken for the 130 s that the
disk was full (tests/ha). It runs beside Patroni with Patroni's Python, as `postgres`:

    python guard.py /etc/saferoute/patroni.yaml
"""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import yaml

LEAST = 512 * 1024 * 1024
"""Bytes: 32 segments of the log, for what is written until the other host has taken over."""
EVERY_S = 1.0
PAUSE_S = 60.0
"""After an attempt: where every disk is full, the office does not go round and round."""
PATIENCE_S = 60.0

logger = logging.getLogger("guard")


def free(folder: Path) -> int:
    """Bytes that PostgreSQL may still write."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def hand_over(settings: Path, name: str) -> str:
    """Ask Patroni for a switchover to whichever host is fit; what it said.

    Where this host is not the primary it refuses, and nothing happens.
    """
    control = Path(sys.executable).with_name("patronictl")
    done = subprocess.run(
        [control, "-c", settings, "switchover", "--leader", name, "--force"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return next((line for line in reversed(said) if line[0] not in "+|"), "nothing")


def main(settings: Path) -> None:
    """For ever."""
    known = yaml.safe_load(settings.read_text())
    # Made before PostgreSQL is, and on the same disk.
    folder = Path(known["postgresql"]["data_dir"]).parent
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s: %(message)s")
    while True:
        left = free(folder)
        if left < LEAST:
            logger.warning("%d MB are left on the disk of PostgreSQL", left // 2**20)
            try:
                logger.warning("switchover: %s", hand_over(settings, known["name"]))
            except subprocess.TimeoutExpired:
                logger.warning("switchover: no answer within %g s", PATIENCE_S)
            time.sleep(PAUSE_S)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
