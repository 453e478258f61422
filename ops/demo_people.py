"""The people of the demo: they sign up and call the platform over HTTP, as an app does."""

import hashlib
import hmac
import re
import time
from pathlib import Path
from typing import Any, Self

import httpx

from common.settings import settings
from ops.errors import OperatorError

_CODE = re.compile(r"\b[0-9]{6}\b")
_PATIENCE_S = 30


class Mail:
    """What has been written to the outbox."""

    def __init__(self, folder: Path) -> None:
        """`folder` need not be there yet."""
        self._folder = folder

    def wait(self, address: str, since: float) -> str:
        """The first message to the address that was written after `since`."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            for path in sorted(self._folder.glob("[!.]*.txt")):
                if path.stat().st_mtime >= since - 0.01:
                    text = path.read_text()
                    if text.startswith(f"To: {address}\n"):
                        return text
            time.sleep(0.05)
        raise OperatorError(f"no message came to {self._folder}: do the workers run? `make status`")


class Person:
    """One of them, with an account of the platform at `url`."""

    def __init__(self, name: str, phone: str, url: str, mail: Mail) -> None:
        """Nothing is asked of the platform yet."""
        self.name, self.phone = name, phone
        self.token = self.user_id = ""
        self._mail = mail
        self._client = httpx.Client(base_url=url, timeout=30)

    def __enter__(self) -> Self:
        """The connection is made by the first call."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._client.close()

    def sign_in(self) -> None:
        """Sign in; where there is no account yet, sign up with a code before."""
        proof = {"phone": self.phone, "password": self._password()}
        answer = self._client.post("/auth/sign-in", json=proof)
        if answer.status_code == 401:
            since = time.time()
            asked = {"phone": self.phone, "purpose": "sign_up"}
            self._checked(self._client.post("/auth/codes", json=asked))
            found = _CODE.search(self._mail.wait(self.phone, since))
            code = found[0] if found else ""
            answer = self._client.post("/auth/sign-up", json={**proof, "code": code})
        tokens = self._checked(answer)
        self.token, self.user_id = tokens["access_token"], tokens["user_id"]

    def call(self, function: str, **arguments: Any) -> Any:
        """What a function answers. OperatorError with its code where it refuses."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self._checked(self._client.post(f"/rpc/{function}", json=arguments, headers=headers))

    def _checked(self, answer: httpx.Response) -> Any:
        if answer.is_error:
            path = answer.request.url.path
            raise OperatorError(f"{path} answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None

    def _password(self) -> str:
        """The same in every run on this profile, and in no other."""
        secret = settings().session_secret
        if secret is None:
            raise OperatorError("SAFEROUTE_SESSION_SECRET is not set: run `make up`")
        key = secret.get_secret_value().encode()
        return hmac.new(key, self.phone.encode(), hashlib.sha256).hexdigest()[:32]
