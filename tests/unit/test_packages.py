"""deploy/local/packages.sh on machines of the imagination: which packages, and how they are added.

Its programs are real, except those that would change or describe this machine.
"""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from common.settings import REPOSITORY

SCRIPT = REPOSITORY / "deploy" / "local" / "packages.sh"
PYTHON = ["python3", "python3-venv"]
SERVICES = ["redis-server", "nginx"]
OTHERS = ("faketime", "pgbackrest", *SERVICES)
POLICY = Path("/usr/sbin/policy-rc.d")


class Machine:
    """A Debian whose packages are `installed`, and whose PostgreSQL is `offered`."""

    def __init__(self, folder: Path, offered: int, installed: list[str], sudo: bool = True) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.log = folder / "log"
        self.log.touch()
        for tool in ("bash", "env", "sed", "sort", "tail", "head", "cat"):
            (self.bin / tool).symlink_to(str(shutil.which(tool)))
        (folder / "installed").write_text("".join(f"installed {name}\n" for name in installed))
        self._program("id", "echo 1000")
        self._program("apt-get", "exit 1")
        self._program("apt-cache", f"echo '  Depends: postgresql-{offered}'")
        self._program("dpkg-query", f"cat {folder}/installed")
        if sudo:
            self._program("sudo", f'echo "$@" >> {self.log}')

    def _program(self, name: str, line: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/bash\n{line}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def add(self, target: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT, target],
            env={"PATH": str(self.bin)},
            cwd=os.fspath(self.bin),
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def commands(self) -> list[str]:
        return self.log.read_text().splitlines()

    @property
    def added(self) -> list[str]:
        [line] = [line for line in self.commands if "apt-get install" in line]
        return [
            word for word in line.split() if word.startswith(("python3", "postgresql-", *OTHERS))
        ]


def server(major: int) -> list[str]:
    names = ["", "-postgis-3", "-partman", "-pgrouting"]
    postgresql = [f"postgresql-{major}{name}" for name in names]
    return [*postgresql, "python3-psycopg2", *SERVICES, "pgbackrest"]


@pytest.mark.parametrize("major", [15, 17])
def test_a_fresh_machine_gets_the_postgresql_of_its_distribution(tmp_path, major) -> None:
    machine = Machine(tmp_path, major, [])
    result = machine.add("run")
    assert result.returncode == 0, result.stderr
    assert machine.added == PYTHON + server(major)
    assert f"postgresql-{major}-postgis-3" in result.stdout


def test_only_what_is_missing_is_added_and_tests_need_more(tmp_path) -> None:
    machine = Machine(tmp_path, 15, PYTHON + server(15))
    machine.add("test")
    assert machine.added == ["postgresql-15-pgtap", "postgresql-15-plpgsql-check", "faketime"]


def test_a_newer_postgresql_that_is_there_is_used(tmp_path) -> None:
    machine = Machine(tmp_path, 15, [*PYTHON, *server(15), "postgresql-17"])
    machine.add("run")
    assert machine.added == server(17)[1:4]


def test_a_complete_machine_is_left_alone(tmp_path) -> None:
    machine = Machine(tmp_path, 15, PYTHON + server(15))
    result = machine.add("run")
    assert (result.returncode, result.stdout, machine.commands) == (0, "", [])


def test_without_root_or_sudo_the_missing_packages_are_listed(tmp_path) -> None:
    result = Machine(tmp_path, 15, PYTHON, sudo=False).add("run")
    assert result.returncode == 2
    assert " ".join(server(15)) in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_postgresql_that_is_too_old_is_refused_before_anything_is_added(tmp_path) -> None:
    machine = Machine(tmp_path, 14, PYTHON)
    result = machine.add("run")
    assert result.returncode == 2
    assert "PostgreSQL 14" in result.stderr
    assert not [line for line in machine.commands if "install" in line.split()]


def test_debians_own_server_is_off_for_this_installation_only(tmp_path) -> None:
    machine = Machine(tmp_path, 15, [*PYTHON, *SERVICES])
    machine.add("run")
    kinds = [line.split()[0] for line in machine.commands]
    assert kinds == ["apt-get", "mkdir", "tee", "env", "rm"]
    assert machine.commands[2].split()[1] == machine.commands[4].split()[-1]


@pytest.mark.parametrize("services", [["redis-server"], ["nginx"], SERVICES])
def test_debians_own_services_are_neither_started_nor_enabled(tmp_path, services) -> None:
    there = [name for name in server(15) if name not in services]
    machine = Machine(tmp_path, 15, [*PYTHON, *there])
    machine.add("run")
    kinds = [line.split()[0] for line in machine.commands]
    disabled = [f"update-rc.d {service} disable" for service in services]
    if POLICY.exists():  # the administrator's, who decides what an installation starts
        assert kinds == ["apt-get", "env", *["update-rc.d"] * len(disabled)]
    else:
        assert kinds == ["apt-get", "tee", "chmod", "env", *["update-rc.d"] * len(disabled), "rm"]
    assert [line for line in machine.commands if line in disabled] == disabled


def test_an_existing_server_is_not_ours_to_decide_about(tmp_path) -> None:
    machine = Machine(tmp_path, 15, [*PYTHON, "postgresql-15", *SERVICES])
    machine.add("run")
    assert [line.split()[0] for line in machine.commands] == ["apt-get", "env"]
