"""The units of deploy/systemd: systemd takes them, and what they start exists."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from common.settings import REPOSITORY
from tests.command import saferoute

UNITS = sorted((REPOSITORY / "deploy" / "systemd").glob("saferoute-*"))


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed: nothing here can verify its units")
    for unit in UNITS:
        # It looks for the programs; here they may be anywhere.
        text = re.sub(r"(?m)^(Exec\w+=)/opt/\S+", r"\1/bin/true", unit.read_text())
        # Of a template, an instance.
        (tmp_path / unit.name.replace("@", "@alarm")).write_text(text)
    units = sorted(map(str, tmp_path.glob("saferoute-*")))
    done = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "saferoute" in line]
    assert (ours, len(units)) == ([], 3)


def test_the_commands_of_the_units_exist() -> None:
    commands = [
        line.partition("/saferoute ")[2].split()
        for unit in UNITS
        for line in unit.read_text().splitlines()
        if line.startswith("Exec")
    ]
    assert ["partitions", "maintain"] in commands
    for command in commands:
        assert saferoute(*command, "--help").returncode == 0, command
