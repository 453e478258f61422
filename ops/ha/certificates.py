"""The certificates of a cluster: an authority of its own, and one certificate for each host.

The authority's key stays with the operator. A certificate serves both ends of a connection: members
of etcd, nodes of Redis and nginx show theirs also where it is they who connect.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ops.errors import OperatorError

AUTHORITY_DAYS = 3650
DAYS = 365
RENEW_DAYS = 30
"""A host's certificate that has fewer days left is made anew."""
_AUTHORITY = "ca"
_EARLIER = timedelta(hours=1)  # a host whose clock is slow trusts a new certificate too


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key: `<name>.crt`, `<name>.key`."""

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        """The certificate (PEM)."""
        return self.folder / f"{self.name}.crt"

    @property
    def key_path(self) -> Path:
        """Its key (PEM, no password), which only its owner reads."""
        return self.folder / f"{self.name}.key"

    @property
    def exists(self) -> bool:
        """Whether both files are there."""
        return self.path.exists() and self.key_path.exists()

    @property
    def content(self) -> x509.Certificate:
        """What it says. Raises OperatorError where it is damaged."""
        try:
            return x509.load_pem_x509_certificate(self.path.read_bytes())
        except (OSError, ValueError) as error:
            raise OperatorError(f"{self.path} is no certificate: remove it") from error

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """Its key. Raises OperatorError where it is damaged."""
        try:
            found = serialization.load_pem_private_key(self.key_path.read_bytes(), None)
            assert isinstance(found, ec.EllipticCurvePrivateKey)
        except (OSError, ValueError, TypeError, AssertionError) as error:
            raise OperatorError(f"{self.key_path} is no key of ours: remove it") from error
        return found

    @property
    def days_left(self) -> int:
        """For how many days it is still good; negative once it has expired."""
        return (self.content.not_valid_after_utc - datetime.now(UTC)).days


def authority(folder: Path) -> Certificate:
    """The authority whose files are in this folder."""
    return Certificate(folder, _AUTHORITY)


def make(folder: Path, hosts: Mapping[str, Collection[str]]) -> list[str]:
    """Make the authority where there is none, and for each host a certificate of these names.

    `hosts`: names and addresses by which others reach each host. The hosts that have another
    certificate now; one that has RENEW_DAYS left and the names that are asked for stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    issuer = authority(folder)
    if not issuer.exists:
        _make_authority(issuer)
    elif issuer.days_left < 0:
        raise OperatorError(f"{issuer.path} has expired: remove {folder}, and restart every host")
    due = [name for name in hosts if not _is_good(Certificate(folder, name), issuer, hosts[name])]
    for name in due:
        _make_host(Certificate(folder, name), issuer, hosts[name])
    return due


def _is_good(found: Certificate, issuer: Certificate, names: Collection[str]) -> bool:
    if not found.exists or found.days_left < RENEW_DAYS:
        return False
    try:
        found.content.verify_directly_issued_by(issuer.content)
    except (InvalidSignature, ValueError, TypeError):
        return False
    known = found.content.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    is_its_key = found.key.public_key() == found.content.public_key()
    return is_its_key and list(known) == _general_names(names)


def _make_authority(found: Certificate) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), _subject("Safe Route cluster")
    builder = (
        _builder(AUTHORITY_DAYS, key)
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    _store(found, key, builder.sign(key, hashes.SHA256()))


def _make_host(found: Certificate, issuer: Certificate, names: Collection[str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        _builder(min(DAYS, issuer.days_left), key)
        .subject_name(_subject(found.name))
        .issuer_name(issuer.content.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .add_extension(of_issuer, critical=False)
    )
    _store(found, key, builder.sign(issuer.key, hashes.SHA256()))


def _builder(days: int, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .public_key(key.public_key())
        .add_extension(identifier, critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_names(names: Collection[str]) -> list[x509.GeneralName]:
    return [_general_name(name) for name in names]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _store(
    found: Certificate, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> None:
    """Write both; whoever reads in between finds two that do not belong together, and says so."""
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    for path, content, mode in ((found.key_path, secret, 0o600), (found.path, public, 0o644)):
        draft = path.with_name(f"{path.name}.draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=mode)
        draft.write_bytes(content)
        draft.replace(path)
