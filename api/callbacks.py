"""`/callbacks/twilio/...`: what becomes of texts and calls, and what people answer.

Twilio signs what it calls with the token of our account, for the public address of the API; what is
not signed is refused before anything is asked of the database. The same call again changes
nothing, so that a recorded one is of no use to whoever sends it once more.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID
from xml.etree import ElementTree

import asyncpg
import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from api.catalogue import Catalogue
from api.errors import RequestError, from_postgres
from api.servers import Servers
from common import twilio
from common.settings import Settings

BODY_LIMIT = 32 * 1024
"""Bytes of a form: a text of 1,600 characters, the longest there is, takes 15,000 at most."""
_FIELDS = 100
_TIMEOUT = 5.0
_PAUSES_S = (0.3, 1.0)
"""Before a status is noted again, of which no message is known yet: the worker is noting it."""
_STATUSES = {
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
    "in-progress": "delivered",
    "completed": "delivered",
    "busy": "failed",
    "no-answer": "failed",
    "canceled": "failed",
}
"""Of texts and of calls. What is not here tells nothing that is not known."""

Form = dict[str, str]


class Callbacks:
    """The routes."""

    def __init__(self, settings: Settings, servers: Servers, catalogue: Catalogue) -> None:
        """Without an account or a public address, nobody can have signed anything."""
        token = settings.twilio_auth_token
        self._token = token.get_secret_value() if token else None
        self._public_url = settings.public_url
        self._servers = servers
        self._catalogue = catalogue

    def routes(self) -> list[Route]:
        """Where Twilio calls."""
        handlers = {"status": self._status, "sms": self._sms, "voice": self._voice}
        return [
            Route(f"/callbacks/twilio/{name}", self._answering(handler), methods=["POST"])
            for name, handler in handlers.items()
        ]

    async def _status(self, _request: Request, form: Form) -> Response:
        """What has become of a text or a call."""
        sid = form.get("MessageSid") or form.get("CallSid")
        status = _STATUSES.get(form.get("MessageStatus") or form.get("CallStatus") or "")
        if sid and status:
            for pause in (*_PAUSES_S, None):
                is_known = await self._ask("note_provider_status", "twilio", sid, status)
                if is_known or pause is None:
                    break
                await asyncio.sleep(pause)
        return Response(status_code=204)

    async def _sms(self, _request: Request, form: Form) -> Response:
        """A text that somebody has sent to our number."""
        number, text = form.get("From", ""), form.get("Body", "")
        response = ElementTree.Element("Response")
        # Twilio itself answers to STOP, and takes no further text for that number.
        if not await self._ask("withdraw_by_reply", number, form.get("OptOutType") or text):
            answer = await self._ask("note_reply", "twilio", number, text)
            ElementTree.SubElement(response, "Message").text = await self._words(answer, "sms")
        return _xml(response)

    async def _voice(self, request: Request, form: Form) -> Response:
        """A key that somebody has pressed in a call of ours."""
        try:
            delivery_id = UUID(request.query_params.get("id", ""))
        except ValueError:
            raise self._refusal("SR018") from None
        answer = await self._ask("note_keypress", delivery_id, form.get("Digits", ""))
        response = place = ElementTree.Element("Response")
        if answer["result"] == "not_understood":
            place = ElementTree.SubElement(response, "Gather", {"numDigits": "1", "timeout": "8"})
        twilio.say(place, await self._words(answer, "voice"), answer.get("language", "en"))
        return _xml(response)

    async def _words(self, answer: dict[str, Any], channel: str) -> str:
        """What to say to them: the text of its template."""
        template = f"{'drill_' if answer.get('drill') else ''}reply_{answer['result']}"
        language = answer.get("language", "en")
        found = await self._ask("message_template", template, channel, language)
        body: str = found["body"]
        return body.replace("{from_name}", answer.get("from_name") or "Safe Route")

    async def _ask(self, function: str, *arguments: Any) -> Any:
        """What a function of schema `tasks` answers."""
        places = ", ".join(f"${number + 1}" for number in range(len(arguments)))
        # The message makes the commit wait for a standby also where everything was done already, by
        # a first time whose wait may have been cut short.
        statement = (
            f"select tasks.{function}({places})::text as answer, "
            "pg_logical_emit_message(true, 'saferoute', '')"
        )
        # Twilio sends everything again that was not answered, so all of them may be.
        rows = await self._servers.write(
            statement, arguments, _TIMEOUT, is_priority=True, is_repeatable=True
        )
        answer = rows[0]["answer"]
        return None if answer is None else orjson.loads(answer)

    async def _signed(self, request: Request) -> Form:
        """The form, once it is known to be Twilio's. Raises SR099 where it is not."""
        body = b""
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise self._refusal("SR030")
        except ClientDisconnect:
            raise self._refusal("SR035") from None
        try:
            fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError:
            raise self._refusal("SR099") from None
        signature = request.headers.get("x-twilio-signature", "")
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{self._public_url}{request.url.path}{query}"
        is_ours = self._token is not None and self._public_url is not None
        if not is_ours or not twilio.is_signed(self._token or "", url, fields, signature):
            raise self._refusal("SR099")
        return dict(fields)

    def _answering(
        self, handler: Callable[[Request, Form], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            form = await self._signed(request)
            try:
                return await handler(request, form)
            except asyncpg.PostgresError as error:
                statuses = self._catalogue.contents.statuses
                raise from_postgres(error, statuses, is_known=True) from None

        return answer

    def _refusal(self, code: str) -> RequestError:
        return self._catalogue.contents.error(code)


def _xml(response: ElementTree.Element) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(twilio.twiml(response), 200, headers, "text/xml; charset=utf-8")
