"""A copy of the repository whose sql/ and migrations/ a test may change, and its command."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from common.settings import REPOSITORY
from ops import migrations, schema
from ops.errors import OperatorError
from ops.upgrade import PATIENT, Patience, bring_up_to_date
from tests.conftest import Primary

_RUN = "from ops.command import main; main()"


@dataclass
class Checkout:
    """`database` need not exist."""

    folder: Path
    primary: Primary
    database: str
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("common", "ops", "sql", "migrations"):
            shutil.copytree(REPOSITORY / name, self.folder / name)

    def add(self, title: str, text: str, flags: str = "pre") -> Path:
        """Add a migration with the next number, or write it again."""
        there = sorted((self.folder / "migrations").glob("*.sql"))
        again = [path for path in there if path.stem[5:] == title]
        name = f"{len(there) + 1:04}_{title}.sql"
        path = again[0] if again else self.folder / "migrations" / name
        path.write_text(f"-- migration: {flags}\n{text}\n")
        return path

    def newest(self) -> migrations.Migration:
        return migrations.known(self.folder / "migrations")[-1]

    def status(self) -> list[str]:
        """The state of each migration, by `saferoute migrate status`."""
        result = self.run("migrate", "status", "--json")
        return [entry["state"] for entry in json.loads(result.stdout)]

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Begin `saferoute` with these arguments."""
        return subprocess.Popen(
            [sys.executable, "-c", _RUN, *map(str, arguments)],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "SAFEROUTE_ENV_FILE": os.devnull,
                "SAFEROUTE_DATABASE_HOSTS": f"{self.primary.host}:{self.primary.port}",
                "SAFEROUTE_DATABASE": self.database,
                "SAFEROUTE_ADMIN_PASSWORD": self.primary.password,
            },
        )

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run `saferoute` with these arguments."""
        process = self.start(*arguments)
        out, error = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, error)

    def migrate(self, phase: str | None = None, patience: Patience = PATIENT) -> list[str]:
        """What `saferoute migrate` does, in this process; the names of what was applied."""
        found = migrations.known(self.folder / "migrations")
        conninfo = self.primary.conninfo(self.database)
        schema.create_database(conninfo, self.database)
        return [done.name for done in bring_up_to_date(conninfo, found, phase, patience)]

    def refused(self, phase: str | None = None, patience: Patience = PATIENT) -> str:
        """What it says where it cannot."""
        with pytest.raises(OperatorError) as caught:
            self.migrate(phase, patience)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def query(self, query: str) -> Sequence[tuple[object, ...]]:
        """The rows of one statement, as the superuser."""
        with psycopg.connect(self.primary.conninfo(self.database)) as connection:
            return connection.execute(query).fetchall()
