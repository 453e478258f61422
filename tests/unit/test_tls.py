"""What a process says of the files of TLS it is given, and the certificates of a cluster."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from pydantic import ValidationError

from common import tls
from common.settings import Settings
from ops.errors import OperatorError
from ops.ha import certificates
from ops.ha.certificates import Certificate

NAMES = {"a": ["10.77.0.11", "a"], "b": ["10.77.0.12", "b"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    certificates.make(tmp_path, NAMES)
    return tmp_path


def given(**paths: Path | str) -> Settings:
    """Settings with these files and no others."""
    return Settings(_env_file=None, **paths)


def identity(folder: Path, name: str = "a", key: str = "a") -> Settings:
    return given(
        tls_ca=folder / "ca.crt",
        tls_certificate=folder / f"{name}.crt",
        tls_key=folder / f"{key}.key",
    )


def expire(folder: Path, names: dict[str, list[str]]) -> None:
    """Make certificates that have expired."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "DAYS", -1)
        patch.setattr(certificates, "_EARLIER", timedelta(days=2))
        certificates.make(folder, names)


def test_without_files_connections_are_in_plain() -> None:
    plain = given()
    assert (tls.trust(plain), tls.identity(plain)) == (None, None)
    assert "ssl" not in plain.conninfo("somebody", None)


def test_with_an_authority_servers_are_verified(folder: Path) -> None:
    known = given(tls_ca=folder / "ca.crt")
    context = tls.trust(known)
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) == 1  # none of the system's
    assert f"sslmode='verify-full' sslrootcert='{folder}/ca.crt'" in known.owner_conninfo


def test_who_serves_by_tls_asks_for_a_certificate(folder: Path) -> None:
    context = tls.identity(identity(folder))
    assert context is not None
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_files_that_cannot_be_used_are_one_line(folder: Path, capfd) -> None:
    expire(folder, {"old": ["10.77.0.11"]})
    (folder / "empty.crt").touch()
    locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"
    (folder / "locked.key").write_text(locked)
    wrong = {
        "SAFEROUTE_TLS_CA: /nowhere/ca.crt cannot be read (No such file or directory)": given(
            tls_ca="/nowhere/ca.crt"
        ),
        f"SAFEROUTE_TLS_CA: {folder} cannot be read (Is a directory)": given(tls_ca=folder),
        f"SAFEROUTE_TLS_CA: {folder}/a.key is no certificate (PEM)": given(tls_ca=folder / "a.key"),
        f"SAFEROUTE_TLS_CA: {folder}/empty.crt is no certificate (PEM)": given(
            tls_ca=folder / "empty.crt"
        ),
        f"SAFEROUTE_TLS_CERTIFICATE: {folder}/old.crt has expired": identity(folder, "old", "old"),
        f"SAFEROUTE_TLS_KEY: {folder}/b.key is not the key of {folder}/a.crt": identity(
            folder, "a", "b"
        ),
        f"SAFEROUTE_TLS_KEY: {folder}/c.key cannot be read": identity(folder, "a", "c"),
        f"SAFEROUTE_TLS_KEY: {folder}/locked.key": identity(folder, "a", "locked"),
        "one of them is not set": given(tls_certificate=folder / "a.crt", tls_key=folder / "a.key"),
    }
    for line, settings in wrong.items():
        with pytest.raises(SystemExit) as ended:
            tls.check(settings)
        (said,) = capfd.readouterr().err.splitlines()
        assert ended.value.code == 2
        assert line in said


def test_a_broker_in_plain_is_refused(folder: Path) -> None:
    with pytest.raises(ValidationError, match="rediss://"):
        given(tls_ca=folder / "ca.crt", broker_url="redis://:secret@127.0.0.1:6379/0")


def test_certificates_stay_while_they_are_good(folder: Path) -> None:
    assert certificates.make(folder, NAMES) == []
    found = Certificate(folder, "a")
    named = found.content.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert [str(name.value) for name in named.value] == NAMES["a"]
    assert found.days_left == certificates.DAYS - 1
    assert found.key_path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_certificates_are_made_anew_when_they_are_due(folder: Path) -> None:
    assert certificates.make(folder, {**NAMES, "b": ["10.77.0.99"]}) == ["b"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "DAYS", certificates.RENEW_DAYS - 1)
        certificates.make(folder, {"c": ["c"]})
    assert certificates.make(folder, {"c": ["c"]}) == ["c"]
    Certificate(folder, "a").key_path.write_bytes(Certificate(folder, "c").key_path.read_bytes())
    assert certificates.make(folder, NAMES) == ["a", "b"]
    assert certificates.make(folder, NAMES) == []


def test_another_authority_has_all_made_anew(folder: Path) -> None:
    for path in (certificates.authority(folder).path, certificates.authority(folder).key_path):
        path.unlink()
    assert certificates.make(folder, NAMES) == ["a", "b"]


def test_a_damaged_certificate_is_said(folder: Path) -> None:
    Certificate(folder, "a").path.write_text("nonsense")
    with pytest.raises(OperatorError, match=r"a\.crt is no certificate: remove it"):
        certificates.make(folder, NAMES)
