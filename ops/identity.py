"""What a server shows of itself by TLS, and whom it trusts."""

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """Files in PEM that the server's user can read."""

    authority: Path
    """The certificate of whoever certifies the others."""
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Of who shows it to servers."""
        found = ssl.create_default_context(cafile=self.authority)
        found.load_cert_chain(self.certificate, self.key)
        return found
