"""TLS between the components: whom a process trusts, and what it shows of itself.

With SAFEROUTE_TLS_CA every connection to PostgreSQL and to Redis is TLS 1.2 or newer, and the
certificate must be of that authority and name the address that was asked for; nothing falls back
to plain. With SAFEROUTE_TLS_CERTIFICATE the API and the live gateway serve by TLS, and only those
who show a certificate of the authority themselves: nginx. The files are read when a process
starts; what is wrong with them is one line, and it does not start.
"""

import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from common.settings import REPOSITORY, Settings


class TlsError(Exception):
    """The files of TLS cannot be used; the message is for an operator."""


def trust(settings: Settings) -> ssl.SSLContext | None:
    """For connections to servers; none where they are in plain. Raises TlsError."""
    if settings.tls_ca is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # certificate and name are verified
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust_authority(context, settings.tls_ca)
    return context


def identity(settings: Settings) -> ssl.SSLContext | None:
    """For what a process serves; none where it serves in plain. Raises TlsError."""
    certificate, key, authority = settings.tls_certificate, settings.tls_key, settings.tls_ca
    if certificate is None and key is None:
        return None
    if certificate is None or key is None or authority is None:
        raise TlsError(
            "SAFEROUTE_TLS_CERTIFICATE needs SAFEROUTE_TLS_KEY and, for who may connect, "
            "SAFEROUTE_TLS_CA; one of them is not set"
        )
    _check("SAFEROUTE_TLS_CERTIFICATE", certificate)
    _read("SAFEROUTE_TLS_KEY", key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(
            REPOSITORY / certificate, REPOSITORY / key, password=lambda: _no_password(key)
        )
    except (ssl.SSLError, ValueError) as error:
        raise TlsError(
            f"SAFEROUTE_TLS_KEY: {key} is not the key of {certificate} "
            f"({getattr(error, 'reason', None) or error})"
        ) from error
    _trust_authority(context, authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def check(settings: Settings) -> None:
    """End the process where the files cannot be used."""
    try:
        trust(settings)
        identity(settings)
    except TlsError as error:
        print(f"saferoute: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def refusal(error: BaseException | None) -> str | None:
    """Why no connection by TLS came about, in words; none where it failed for something else."""
    while error is not None:
        match error:
            case ssl.SSLCertVerificationError():
                return f"its certificate is refused: {error.verify_message}"
            case ssl.SSLError():
                return f"speaks no TLS with us ({error.reason})"
            case ConnectionError() if "rejected SSL upgrade" in str(error):  # asyncpg
                return "has no TLS"
        error = error.__cause__ or error.__context__
    return None


def _trust_authority(context: ssl.SSLContext, path: Path) -> None:
    _check("SAFEROUTE_TLS_CA", path)
    context.load_verify_locations(REPOSITORY / path)


def _check(setting: str, path: Path) -> None:
    """Whether the file holds a certificate that is good by now."""
    try:
        found = x509.load_pem_x509_certificates(_read(setting, path))
    except ValueError as error:
        raise TlsError(f"{setting}: {path} is no certificate (PEM)") from error
    now = datetime.now(UTC)
    first = found[0]
    if first.not_valid_after_utc < now:
        raise TlsError(f"{setting}: {path} has expired, on {first.not_valid_after_utc:%Y-%m-%d}")
    if first.not_valid_before_utc > now:
        raise TlsError(
            f"{setting}: {path} is not valid before {first.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        )


def _read(setting: str, path: Path) -> bytes:
    try:
        return (REPOSITORY / path).read_bytes()
    except OSError as error:
        raise TlsError(f"{setting}: {path} cannot be read ({error.strerror})") from error


def _no_password(key: Path) -> str:
    """OpenSSL would ask for one at the terminal."""
    raise TlsError(f"SAFEROUTE_TLS_KEY: {key} has a password; it must have none")
