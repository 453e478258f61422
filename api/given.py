"""What a caller of `/auth` has sent: a JSON object of texts, each checked when it is asked for."""

import re

import orjson
from starlette.requests import Request

from api import addresses, passwords
from api.addresses import Address
from api.body import json_body
from api.catalogue import Contents
from api.errors import RequestError

BODY_LIMIT = 16 * 1024
"""Bytes of a request body: the longest has a password and a code."""
ADDRESS = ("phone", "email")
"""The two ways to name an address: one of them is sent."""
_CODE = re.compile(r"[0-9]{6}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_DEVICE_LENGTH = 100


class Given:
    """The arguments of one call. What is wrong with them is raised as RequestError."""

    def __init__(self, values: dict[str, str], contents: Contents) -> None:
        """Texts by name; `contents` has the words of the refusals."""
        self._values = values
        self._contents = contents

    @classmethod
    async def of(cls, request: Request, contents: Contents, *names: str) -> "Given":
        """The members of the JSON body, of these names only."""
        body = await json_body(dict(request.headers.raw), request.receive, contents)
        if len(body) > BODY_LIMIT:
            raise contents.error("SR030", f"Here at most {BODY_LIMIT} bytes.")
        try:
            values = orjson.loads(body)
        except ValueError:
            raise RequestError(400, "PGRST102", "Empty or invalid json") from None
        if not isinstance(values, dict):
            raise RequestError(400, "PGRST102", "The body must be a JSON object of named arguments")
        if not values.keys() <= set(names):
            raise contents.error("SR018", f"The arguments are {', '.join(names)}.")
        if not all(isinstance(value, str | None) for value in values.values()):
            raise contents.error("SR018", "Every argument is a text.")
        known = {name: value for name, value in values.items() if value is not None}
        return cls(known, contents)

    def text(self, name: str) -> str:
        """An argument that must be there."""
        if name not in self._values:
            raise self._contents.error("SR018", f"{name} is missing.")
        return self._values[name]

    def one_of(self, name: str, choices: tuple[str, ...]) -> str:
        """One of these words."""
        if self._values.get(name) not in choices:
            raise self._contents.error("SR018", f"{name} is one of {', '.join(choices)}.")
        return self._values[name]

    def address(self) -> Address:
        """The phone number or e-mail address."""
        if len(self._values.keys() & {*ADDRESS}) != 1:
            raise self._contents.error("SR018", "Send phone or email, and not both.")
        if "phone" in self._values:
            address = addresses.phone(self._values["phone"])
        else:
            address = addresses.email(self._values["email"])
        if address is None:
            raise self._contents.error("SR045")
        return address

    def new_password(self) -> str:
        """One that can be taken."""
        password = self.text("password")
        weakness = passwords.weakness(password)
        if weakness:
            raise self._contents.error("SR044", weakness)
        return password

    def code(self) -> str:
        """What could be a code."""
        code = self.text("code").strip()
        if not _CODE.fullmatch(code):
            raise self._contents.error("SR042")
        return code

    def language(self) -> str:
        """Of the messages that are sent."""
        language = self._values.get("language", "en")
        if not _LANGUAGE.fullmatch(language):
            raise self._contents.error("SR018", "language is one of BCP 47, as en or pt-BR.")
        return language

    def device(self) -> str:
        """What the session is listed as."""
        device = self._values.get("device", "")
        if len(device) > _DEVICE_LENGTH or not device.isprintable():
            limit = f"device is at most {_DEVICE_LENGTH} printable characters."
            raise self._contents.error("SR018", limit)
        return device
