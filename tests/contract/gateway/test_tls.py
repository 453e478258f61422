"""The gateway by TLS: what it speaks, what it says, and where plain HTTP ends up."""

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.cluster import free_port
from ops.errors import OperatorError
from ops.gateway import Certificate
from tests.contract.gateway.conftest import Apis
from tests.nginx import Front, running_gateway


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """One that signs itself, for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificate")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)  # nginx is not root
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    content = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    found = Certificate(folder / "gateway.crt", folder / "gateway.key")
    found.chain.write_bytes(content.public_bytes(serialization.Encoding.PEM))
    found.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return found


@pytest.fixture(scope="module")
def secure_front(started: Apis, certificate: Certificate) -> Iterator[Front]:
    plain = f"127.0.0.1:{free_port()}"
    with running_gateway(
        api=started.ports,
        certificate=certificate,
        redirect=(plain,),
        calls_per_s=10_000,
        burst=10_000,
    ) as running:
        yield running


@pytest.fixture
def secure_caller(secure_front: Front, certificate: Certificate) -> Iterator[httpx.Client]:
    trusted = ssl.create_default_context(cafile=str(certificate.chain))
    with httpx.Client(base_url=secure_front.url, verify=trusted, http2=True, timeout=30) as client:
        yield client


def test_calls_come_by_http_2_and_the_api_is_told_so(secure_caller: httpx.Client) -> None:
    answer = secure_caller.get("/rpc/where_read", headers={"X-Request-Id": "by-tls"})
    told = answer.json()["headers"]
    assert answer.http_version == "HTTP/2"
    assert told["x-forwarded-proto"] == "https"
    assert told["host"] == f"127.0.0.1:{secure_caller.base_url.port}"
    assert answer.headers["x-request-id"] == "by-tls"


@pytest.mark.parametrize("path", ["/rpc/echo?words=x", "/.gateway/all", "/live", "/contact"])
def test_whoever_came_by_tls_once_comes_by_nothing_else(
    secure_caller: httpx.Client, path: str
) -> None:
    answer = secure_caller.get(path)
    assert answer.headers["strict-transport-security"] == "max-age=63072000"


def test_plain_http_is_sent_on_with_its_method(secure_front: Front) -> None:
    [plain] = secure_front.gateway.redirect
    answer = httpx.post(f"http://{plain}/rpc/echo?words=x", json={})
    assert answer.status_code == 308
    assert answer.headers["location"] == f"{secure_front.url}/rpc/echo?words=x"


@pytest.mark.parametrize(
    ("version", "is_spoken"),
    [
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_versions_that_are_broken_are_not_spoken(
    secure_front: Front, certificate: Certificate, version: ssl.TLSVersion, is_spoken: bool
) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate.chain))
    trusted.set_ciphers("DEFAULT@SECLEVEL=0")
    trusted.minimum_version = trusted.maximum_version = version
    with socket.create_connection(("127.0.0.1", secure_front.gateway.port)) as connected:
        try:
            with trusted.wrap_socket(connected, server_hostname="127.0.0.1") as secured:
                assert is_spoken
                [name, *_] = secured.cipher() or ("",)
                assert "ECDHE" in name or name.startswith("TLS_")
        except ssl.SSLError:
            assert not is_spoken


def test_a_key_that_does_not_fit_is_refused_with_its_reason(
    certificate: Certificate, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.crt"
    broken.write_text("no certificate")
    wrong = Certificate(broken, certificate.key)
    with (
        pytest.raises(OperatorError, match=r"nginx refuses its configuration: .*broken\.crt"),
        running_gateway(api=(1,), certificate=wrong),
    ):
        pass
