"""The units of deploy/systemd: systemd takes them, and what they start exists."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from common.settings import REPOSITORY
from ops.ha import place, units
from ops.ha.inventory import DEFAULT, read
from ops.ha.programs import programs
from tests.command import saferoute

UNITS = sorted((REPOSITORY / "deploy" / "systemd").glob("saferoute-*"))


def complaints(units: Iterable[Path]) -> list[str]:
    """What systemd says of units."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed: nothing here can verify its units")
    command = [program, "verify", "--man=no", *sorted(map(str, units))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if "saferoute" in line]


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        # It looks for the programs; here they may be anywhere.
        text = re.sub(r"(?m)^(Exec\w+=)/opt/\S+", r"\1/bin/true", unit.read_text())
        # Of a template, an instance.
        (tmp_path / unit.name.replace("@", "@alarm")).write_text(text)
    written = list(tmp_path.glob("saferoute-*"))
    assert (complaints(written), len(written)) == ([], len(UNITS))


@pytest.mark.parametrize("name", ["c", "g1"])
def test_systemd_takes_the_units_of_a_rendered_host(tmp_path: Path, name: str) -> None:
    inventory = read(DEFAULT)
    host, there = inventory.host(name), place.real(15)
    found = units.render(inventory, host, there)
    for path, file in found.items():
        if path.parent == units.SYSTEM:
            text = re.sub(r"(?m)^(Exec\w+=)\S+", r"\1/bin/true", file.text)
            (tmp_path / path.name).write_text(text)
    written = list(tmp_path.iterdir())
    wanted = {f"saferoute-{program.name}" for program in programs(inventory, host, there)}
    if host in inventory.hosts:
        wanted.add("saferoute-backup")
    assert {path.stem for path in written if path.suffix == ".service"} == wanted
    assert complaints(written) == []


@pytest.mark.parametrize("name", ["a", "g1"])
def test_nft_takes_the_rules_of_a_rendered_host(tmp_path: Path, name: str) -> None:
    nft = shutil.which("nft", path=f"/usr/sbin:{os.environ['PATH']}")
    if nft is None or os.geteuid() != 0:
        pytest.skip("nft is not installed, or this is not root: nothing can check its rules")
    inventory, there = read(DEFAULT), place.real(15)
    rules = units.render(inventory, inventory.host(name), there)[there.etc / "firewall.nft"]
    path = tmp_path / "firewall.nft"
    path.write_text(rules.text)
    done = subprocess.run([nft, "-c", "-f", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


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
