"""`make test-matrix`: the suites on every PostgreSQL and pg_partman that we support.

Each version comes from the Debian release that has it, unpacked into a throw-away folder. For the
SQL suites its server is started inside on a free port, and `tests/sql` run against it with the
packages of .venv. With SUITES=partitions the clone goes inside too, and the suites of upkeep run
there, with the programs and the Python of the release. The results go into
docs/reference/versions.md.
"""

import argparse
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from platform import freedesktop_os_release
from shutil import which
from typing import NoReturn

import psycopg

from ops.cluster import free_port
from tests.conftest import OPTIONS
from tests.matrix.chroot import PACKAGES, Chroot, NotAvailableError, chroot
from tests.matrix.suites import REPOSITORY, add_clone, run_partitions, run_sql

PAGE = REPOSITORY / "docs" / "reference" / "versions.md"
CACHE = Path("/var/cache/saferoute-matrix")
RELEASES = {15: "bookworm", 17: "trixie", 18: "sid"}
EXTENSIONS = ("pg_partman", "postgis", "pgrouting", "pgtap", "plpgsql_check")
SUITES = {"sql": "## SQL suites", "partitions": "## Suites of upkeep"}
TOOLS = ("debootstrap", "unshare", "setpriv")


@dataclass(frozen=True)
class Outcome:
    """A row of a table."""

    major: int
    versions: Sequence[str]
    result: str
    is_good: bool

    @property
    def row(self) -> str:
        """The row in Markdown."""
        release = f"Debian {RELEASES[self.major]}"
        cells = [str(self.major), release, *self.versions, f"{datetime.now(UTC):%F}", self.result]
        return f"| {' | '.join(cells)} |"


def main() -> int:
    """Run the versions asked for, one after the other; 1 where one failed or could not be run."""
    parser = argparse.ArgumentParser(prog="make test-matrix", description=__doc__)
    parser.add_argument("majors", nargs="*", type=int, metavar="PG", help="15, 17, 18; default all")
    parser.add_argument("--mirror", help="Debian mirror; default the one that apt uses here")
    parser.add_argument("--suites", choices=SUITES, default="sql", help="default sql")
    arguments = parser.parse_args()
    majors = arguments.majors or list(RELEASES)
    _refuse(majors)
    mirror = arguments.mirror or _mirror()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    outcomes = [_try(major, mirror, arguments.suites) for major in majors]
    _record(outcomes, SUITES[arguments.suites])
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def _refuse(majors: Sequence[int]) -> None:
    unknown = [major for major in majors if major not in RELEASES]
    if unknown:
        _stop(f"PG={unknown[0]} is not in the matrix; there are {', '.join(map(str, RELEASES))}")
    if os.geteuid() != 0:
        _stop("test-matrix unpacks Debian releases and enters them: run it as root")
    missing = [tool for tool in TOOLS if which(tool) is None]
    if missing:
        _stop(f"{missing[0]} is missing: deploy/local/packages.sh bench adds it")


def _mirror() -> str:
    """The Debian mirror that apt uses on this machine."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    system = freedesktop_os_release()
    names = (system.get("VERSION_CODENAME"), "stable", "testing", "unstable", "sid")
    targets = (line.split() for line in listed.stdout.splitlines())
    found = [address for address, suite in targets if system["ID"] == "debian" and suite in names]
    if not found:
        _stop("apt uses no Debian mirror on this machine: name one with MIRROR=http://...")
    return found[0]


def _try(major: int, mirror: str, suites: str) -> Outcome:
    try:
        with chroot(RELEASES[major], CACHE) as system:
            with _step(major, f"unpack Debian {RELEASES[major]}"):
                system.unpack(RELEASES[major], mirror)
            with _step(major, f"add PostgreSQL {major} and its extensions"):
                system.add(*(f"postgresql-{major}{name}" for name in PACKAGES))
            with _server(system, major) as conninfo:
                versions = _versions(conninfo)
                if suites == "sql":
                    with _step(major, "run tests/sql"):
                        tally = run_sql(conninfo)
            if suites == "partitions":
                with _step(major, "add Python and the clone"):
                    versions = [*versions[:2], add_clone(system)]
                with _step(major, "run the suites of upkeep"):
                    tally = run_partitions(system)
    except (NotAvailableError, psycopg.Error) as error:
        reason = str(error).splitlines()[0]
        _say(major, f"not run: {reason}")
        columns = len(EXTENSIONS) + 1 if suites == "sql" else 3
        return Outcome(major, [""] * columns, f"not run: {reason}", False)
    _say(major, str(tally))
    return Outcome(major, versions, str(tally), tally.is_good)


@contextmanager
def _step(major: int, what: str) -> Iterator[None]:
    began = time.monotonic()
    _say(major, f"{what} ...")
    yield
    _say(major, f"{what}: {time.monotonic() - began:.0f} s")


@contextmanager
def _server(system: Chroot, major: int) -> Iterator[str]:
    """A server inside, on a free port of loopback; the superuser's connection string."""
    password = secrets.token_urlsafe(16)
    port = free_port()
    programs = f"/usr/lib/postgresql/{major}/bin"
    data = "/var/lib/postgresql/matrix"
    secret = system.root / "var/lib/postgresql/password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    as_postgres = ("runuser", "-u", "postgres", "--")
    system.run("chown", "postgres:", "/var/lib/postgresql/password")
    system.run(
        *(*as_postgres, f"{programs}/initdb", "-D", data, "-U", "postgres"),
        *("--pwfile=/var/lib/postgresql/password", "--auth=scram-sha-256"),
        *("--encoding=UTF8", "--locale=C.UTF-8"),
    )
    options = {
        **OPTIONS,
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
    }
    settings = [f"--{name}={value}" for name, value in options.items()]
    log = system.root.with_suffix(".log")
    with log.open("w") as stream:
        server = subprocess.Popen(
            system.command(*as_postgres, f"{programs}/postgres", "-D", data, *settings),
            stdout=stream,
            stderr=stream,
        )
    try:
        conninfo = f"host=127.0.0.1 port={port} user=postgres password={password} dbname=postgres"
        _wait(server, conninfo, log)
        yield conninfo
    finally:
        server.kill()  # and with it everything inside; the data are thrown away
        server.wait()


def _wait(server: subprocess.Popen[bytes], conninfo: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(conninfo).close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                lines = log.read_text().splitlines() or [str(error)]
                raise NotAvailableError(f"the server did not start: {lines[-1]}") from error
            time.sleep(0.1)


def _versions(conninfo: str) -> list[str]:
    """Of the server and of each extension, as packaged."""
    with psycopg.connect(conninfo) as connection:
        server = connection.execute("show server_version").fetchone()[0].split()[0]
        found = dict(
            connection.execute(
                "select name, default_version from pg_available_extensions where name = any(%s)",
                [list(EXTENSIONS)],
            ).fetchall()
        )
    return [server, *(found.get(name, "none") for name in EXTENSIONS)]


def _record(outcomes: Sequence[Outcome], heading: str) -> None:
    """Replace the rows of these versions in the page, in the table under this heading."""
    lines = PAGE.read_text().splitlines()
    start = lines.index(heading)
    for outcome in outcomes:
        row = re.compile(rf"\| {outcome.major} ")
        at = next(n for n, line in enumerate(lines) if n > start and row.match(line))
        lines[at] = outcome.row
    PAGE.write_text("\n".join(lines) + "\n")
    print(f"saferoute: wrote {PAGE.relative_to(REPOSITORY)}")


def _say(major: int, text: str) -> None:
    print(f"saferoute: PostgreSQL {major}: {text}", flush=True)


def _stop(message: str) -> NoReturn:
    print(f"saferoute: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    sys.exit(main())
