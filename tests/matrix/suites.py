"""The suites of the matrix, and how they are run: from here, or inside a release."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from tests.matrix.chroot import Chroot, NotAvailableError

REPOSITORY = Path(__file__).resolve().parents[2]
UPKEEP = (
    *("adoption", "archive", "chaos", "erasure", "health", "partitions", "partman_tools"),
    *("pruning", "quarantine", "regions", "retention", "retired_crimes", "standby"),
    "without_maintenance",
)
_CLONE = "srv/saferoute"
_PYTHON = f"/{_CLONE}/.venv/bin/python"
_PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
_PLATFORMS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")


@dataclass(frozen=True)
class Tally:
    """How many tests passed, of how many."""

    passed: int
    count: int
    unit: str

    @property
    def is_good(self) -> bool:
        """Whether there were any, and all passed."""
        return self.passed == self.count > 0

    def __str__(self) -> str:
        """As the table says it."""
        return f"{self.passed} of {self.count} {self.unit} passed"


def run_sql(conninfo: str) -> Tally:
    """Run `tests/sql` with the Python of this process on the server of this superuser."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        code = subprocess.run(
            [sys.executable, *_PYTEST, f"--junit-xml={report.name}", "tests/sql"],
            cwd=REPOSITORY,
            env={**os.environ, "SAFEROUTE_TEST_SERVER": conninfo},
            check=False,
        ).returncode
        return _tally(code, Path(report.name), "files")


def add_clone(system: Chroot) -> str:
    """Copy the clone inside, with Python and the pinned packages; the version of Python."""
    system.add("python3-venv", "python3-psycopg2", "faketime")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    clone = system.root / _CLONE
    for name in filter(None, listed.stdout.split("\0")):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, clone / name)
    version = system.run("python3", "-c", "import platform; print(platform.python_version())")
    _download(version.strip(), clone / "wheels")
    system.run("python3", "-m", "venv", f"/{_CLONE}/.venv")
    wheels = [f"/{_CLONE}/wheels/{path.name}" for path in (clone / "wheels").iterdir()]
    system.run(_PYTHON, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", *wheels)
    return version.strip()


def run_partitions(system: Chroot) -> Tally:
    """Run the suites of upkeep inside."""
    files = [f"tests/integration/test_{name}.py" for name in UPKEEP]
    report = f"/{_CLONE}/report.xml"
    inside = (
        *("env", "-i", "HOME=/root", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
        *("sh", "-c", f'cd /{_CLONE} && exec "$@"', "sh"),
    )
    code = subprocess.run(
        system.command(*inside, _PYTHON, *_PYTEST, f"--junit-xml={report}", *files), check=False
    ).returncode
    return _tally(code, system.root / report.lstrip("/"), "tests")


def _download(version: str, folder: Path) -> None:
    """The pinned packages for this version of Python, with the settings that pip has here."""
    major, minor, _ = version.split(".")
    process = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"),
            *("--implementation", "cp", "--python-version", f"{major}.{minor}"),
            *(f"--platform={name}_{platform.machine()}" for name in _PLATFORMS),
            *("--dest", str(folder), "-r", "requirements.lock", "-r", "requirements-dev.lock"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        lines = [line for line in process.stderr.splitlines() if line.startswith("ERROR")]
        raise NotAvailableError(f"for Python {major}.{minor}: {lines[-1] if lines else 'pip'}")


def _tally(code: int, report: Path, unit: str) -> Tally:
    if code not in (0, 1):
        raise NotAvailableError(f"pytest ended with {code}")
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    count = sum(int(suite.attrib["tests"]) for suite in suites)
    kinds = ("errors", "failures", "skipped")
    return Tally(count - sum(int(s.attrib[kind]) for s in suites for kind in kinds), count, unit)
