"""The files of a cluster whose inventory says `tls = true`: nothing in them speaks in plain."""

from pathlib import Path

import pytest
import yaml

from ops.errors import OperatorError
from ops.ha import files, identities, place, secrets
from ops.ha.inventory import Inventory
from ops.ha.place import File


@pytest.fixture
def inventory() -> Inventory:
    return Inventory.model_validate(
        {
            "name": "test",
            "network": "10.78.0.0/24",
            "public": "10.78.0.20",
            "analysts": "c",
            "tls": True,
            "hosts": {name: f"10.78.0.{number}" for number, name in enumerate("abc", 11)},
            "gateways": {"g1": "10.78.0.21", "g2": "10.78.0.22"},
        }
    )


def render(inventory: Inventory, folder: Path, name: str | None) -> dict[str, File]:
    """The files of a real host, by their path below /etc/saferoute."""
    identities.make(inventory, folder / "certificates")
    there, passwords = place.real(15), secrets.known(folder)
    host = inventory.host(name) if name else None
    found = files.render(inventory, host, there, passwords, folder / "certificates")
    return {str(path.relative_to(there.etc)): file for path, file in found.items()}


def test_no_program_of_a_host_speaks_in_plain(inventory: Inventory, tmp_path: Path) -> None:
    found = render(inventory, tmp_path, "c")
    etcd = yaml.safe_load(found["etcd.yaml"].text)
    assert "http://" not in found["etcd.yaml"].text
    for side in ("client-transport-security", "peer-transport-security"):
        assert etcd[side]["client-cert-auth"] is True
    for member in ("patroni", "patroni-analysts"):
        patroni = yaml.safe_load(found[f"{member}.yaml"].text)
        assert patroni["etcd3"]["protocol"] == "https"
        assert patroni["restapi"]["verify_client"] == "optional"
        assert patroni["postgresql"]["parameters"]["ssl"] == "on"
        assert {line.split()[0] for line in patroni["postgresql"]["pg_hba"]} == {"hostssl"}
        for login in patroni["postgresql"]["authentication"].values():
            assert login["sslmode"] == "verify-full"
    for node in ("redis-1", "redis-2"):
        assert 'port "0"\n' in found[f"{node}.conf"].text
    assert "SAFEROUTE_TLS_CA='/etc/saferoute/tls/ca.crt'\n" in found["saferoute.env"].text


def test_every_key_is_its_readers_alone(inventory: Inventory, tmp_path: Path) -> None:
    readers = {
        "a": {"etcd": "etcd", "postgres": "postgres", "redis": "redis", "product": "saferoute"},
        "g1": {"nginx": "www-data"},
        None: {"product": "root"},
    }
    for name, expected in readers.items():
        found = render(inventory, tmp_path, name)
        keys = {
            path: file for path, file in found.items() if file.text.startswith("-----BEGIN PRI")
        }
        assert {path: (file.owner, file.mode) for path, file in keys.items()} == {
            f"tls/{reader}.key": (user, 0o600) for reader, user in expected.items()
        }
        assert "tls/ca.crt" in found


def test_gateways_verify_the_processes(inventory: Inventory, tmp_path: Path) -> None:
    text = render(inventory, tmp_path, "g1")["nginx.conf"].text
    assert "proxy_pass http://" not in text
    assert "proxy_ssl_verify on;" in text
    assert "proxy_ssl_name api.test;" in text
    assert "ssl_certificate /etc/saferoute/tls/host.crt;" in text


def test_clients_are_shown_a_certificate_that_they_trust(
    inventory: Inventory, tmp_path: Path
) -> None:
    given = inventory.model_copy(update={"tls": False, "certificate": Path("/etc/public")})
    text = render(given, tmp_path, "g1")["nginx.conf"].text
    assert "ssl_certificate /etc/public/fullchain.pem;" in text
    assert "proxy_pass http://" in text
    assert "SAFEROUTE_ISSUER='https://" in render(given, tmp_path, "a")["saferoute.env"].text


def test_without_tls_nothing_is_made(inventory: Inventory, tmp_path: Path) -> None:
    plain = inventory.model_copy(update={"tls": False})
    there, passwords = place.real(15), secrets.known(tmp_path)
    found = files.render(plain, plain.host("a"), there, passwords, tmp_path / "certificates")
    assert not [path for path in found if "tls" in path.parts]
    assert "TLS" not in found[there.etc / "saferoute.env"].text


def test_a_certificate_that_is_missing_is_said(inventory: Inventory, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no certificate"):
        files.render(
            inventory, inventory.host("a"), place.real(15), secrets.known(tmp_path), tmp_path
        )
