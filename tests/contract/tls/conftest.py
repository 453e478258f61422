"""The session's PostgreSQL, with TLS for one database that nobody reaches in plain."""

import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from common.settings import REPOSITORY
from ops import schema
from ops.cluster import HBA, postgres_user
from ops.ha import certificates
from ops.ha.certificates import Certificate
from tests.conftest import GIVEN_SERVER, Primary
from tests.contract.conftest import FUNCTIONS
from tests.contract.serving import Api, database_to_serve, serve

NAME = "encrypted"


@dataclass
class Town:
    """A database by TLS, and what is certified how."""

    primary: Primary
    database: psycopg.Connection
    """The superuser's session, by TLS as all others."""
    authority: Path
    """The certificate of the authority that everybody trusts."""
    good: Certificate
    """For 127.0.0.1."""
    bad: dict[str, Certificate]
    """Those that must be refused, by what is wrong with them."""

    @property
    def settings(self) -> dict[str, str]:
        """What makes a process use TLS as a client."""
        return {"SAFEROUTE_TLS_CA": str(self.authority)}

    @property
    def identity(self) -> dict[str, str]:
        """What makes a process serve TLS too."""
        return {
            **self.settings,
            "SAFEROUTE_TLS_CERTIFICATE": str(self.good.path),
            "SAFEROUTE_TLS_KEY": str(self.good.key_path),
        }

    @property
    def address(self) -> str:
        """Of the server."""
        return f"127.0.0.1:{self.primary.port}"

    def serve(self, module: str = "api", **settings: str) -> AbstractContextManager[Api]:
        """A process that is served by TLS and serves by it."""
        given = {"SAFEROUTE_API_PROCESSES": "6", **self.identity, **settings}
        return serve([self.primary.port], NAME, self.primary.password, module, **given)

    def context(self, certificate: Certificate | None) -> ssl.SSLContext:
        """Of a client that shows this certificate."""
        found = ssl.create_default_context(cafile=self.authority)
        if certificate is not None:
            found.load_cert_chain(certificate.path, certificate.key_path)
        return found

    def show(self, certificate: Certificate) -> None:
        """Have the server show this one to whoever connects from now on."""
        for name, path in (("cert", certificate.path), ("key", certificate.key_path)):
            self.database.execute(f"alter system set ssl_{name}_file = '{path}'")
        self.database.execute("select pg_reload_conf()")

    def cut(self, application: str) -> None:
        """End the sessions of an application: it connects anew."""
        self.database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like %s",
            [f"{application}%"],
        )

    def environment(self, **settings: str) -> dict[str, str]:
        """Of a process that is not the API."""
        return {
            "PATH": os.environ["PATH"],
            "SAFEROUTE_ENV_FILE": os.devnull,
            "SAFEROUTE_DATABASE_HOSTS": self.address,
            "SAFEROUTE_DATABASE": NAME,
            "SAFEROUTE_OWNER_PASSWORD": self.primary.password,
            "SAFEROUTE_WORKER_PASSWORD": self.primary.password,
            **self.settings,
            **settings,
        }

    def command(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `saferoute`."""
        program = [sys.executable, "-c", "from ops.command import main; main()", *words]
        return subprocess.run(
            program,
            cwd=REPOSITORY,
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="package")
def folder(cluster_directory: Path) -> Path:
    return cluster_directory / "certificates"


@pytest.fixture(scope="package")
def town(primary: Primary, template, folder: Path) -> Iterator[Town]:
    if GIVEN_SERVER:
        pytest.skip("the server of SAFEROUTE_TEST_SERVER gets no certificate")
    with database_to_serve(primary, template, NAME) as plain:
        plain.execute(FUNCTIONS.read_bytes())
        roles = ("saferoute_owner", "worker")
        schema.set_passwords(primary.conninfo(NAME), dict.fromkeys(roles, primary.password))
        good, bad = _certify(folder)
        town = Town(primary, plain, folder / "ours" / "ca.crt", good, bad)
        plain.execute("alter system set ssl = on")
        town.show(good)
        primary.server.admit(f"hostnossl {NAME} all all reject\n{HBA}")
        primary.server.reload()
        yield town
        for setting in ("ssl", "ssl_cert_file", "ssl_key_file"):
            plain.execute(f"alter system reset {setting}")
        primary.server.admit(HBA)
        primary.server.reload()


@pytest.fixture(scope="package")
def client(town: Town) -> Iterator[httpx.Client]:
    """nginx, as far as the API can tell."""
    with httpx.Client(verify=town.context(town.good), timeout=20) as found:
        yield found


@pytest.fixture(scope="package")
def api(town: Town) -> Iterator[Api]:
    with town.serve() as served:
        yield served


def _certify(folder: Path) -> tuple[Certificate, dict[str, Certificate]]:
    ours, strange = folder / "ours", folder / "strange"
    certificates.make(ours, {"server": ["127.0.0.1", "localhost"], "elsewhere": ["10.0.0.1"]})
    certificates.make(strange, {"stranger": ["127.0.0.1"]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "DAYS", -1)
        patch.setattr(certificates, "_EARLIER", timedelta(days=2))
        certificates.make(ours, {"expired": ["127.0.0.1"]})
    bad = {
        "IP address mismatch, certificate is not valid for '127.0.0.1'.": "elsewhere",
        "certificate has expired": "expired",
        "unable to get local issuer certificate": "stranger",
    }
    for path in folder.rglob("*"):
        path.parent.chmod(0o755)
        if os.geteuid() == 0 and path.suffix == ".key":
            shutil.chown(path, postgres_user())  # root, who runs the rest, reads it too
    folders = {"elsewhere": ours, "expired": ours, "stranger": strange}
    wrong = {reason: Certificate(folders[name], name) for reason, name in bad.items()}
    return Certificate(ours, "server"), wrong
