"""One WebSocket of a watcher."""

import asyncio
import logging
import socket
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import asyncpg
import orjson
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from api.calls import place
from api.errors import RequestError, mistake, unavailable
from api.live import codes
from api.live.access import Guest
from api.live.codes import ClosedError
from api.live.hub import Subscription
from api.live.metrics import CLOSED

if TYPE_CHECKING:
    from api.live.gateway import Gateway

FRAME_LIMIT = 64 * 1024
"""Bytes of a frame."""
SLOW_LIMIT = 64 * 1024
"""Bytes that may wait for a client."""
PING_S = 25
"""Seconds between two pings; a client that was not heard in between is cut."""
PROOF_S = 5
"""Seconds in which a client must have proved who they are."""
_CLOSE_S = 2  # for the client to close, too
_RATE, _BURST = 20.0, 200.0  # frames a second, and at once
_WAITING = 64  # frames, of which one is being answered
_TOPICS = 20
_POINTS = 16  # without an answer yet
_PING_LENGTH = 100
_TEXT = WSMsgType.TEXT

logger = logging.getLogger("saferoute.live")


class Connection(WSListener):
    """A connection: `Gateway.look` calls `look` once a second."""

    __slots__ = (
        *("_gateway", "_authorization", "guest", "_transport", "_buffered", "_limit", "_fragments"),
        *("_frames", "_unread", "_worker", "_points", "_subscriptions", "_tokens", "_filled_at"),
        *("_since", "_ping_at", "_is_heard", "_closing_at"),
    )

    def __init__(self, gateway: "Gateway", authorization: bytes, now: float) -> None:
        """`authorization` is the header that proves who it is."""
        self._gateway = gateway
        self._authorization = authorization
        self.guest: Guest | None = None
        self._limit = SLOW_LIMIT
        self._fragments: bytearray | None = None
        self._frames: deque[dict[str, Any]] | None = None
        self._unread = 0
        self._worker: asyncio.Task[None] | None = None
        self._points: set[asyncio.Task[None]] | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._tokens = _BURST
        self._filled_at = self._since = now
        self._ping_at = now + PING_S
        self._is_heard = True
        self._closing_at = 0.0
        self._transport: WSTransport

    # What picows calls.

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport
        inner = transport.underlying_transport
        # The kernel would keep another 4 MB for who does not read, and 10,000 of them 40 GB.
        inner.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SLOW_LIMIT)
        self._buffered = inner.get_write_buffer_size
        self._gateway.connected(self)
        self._worker = asyncio.create_task(self._admit())

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """It has ended."""
        for subscription in self._subscriptions.values():
            self._gateway.live.hub.unsubscribe(subscription)
        self._subscriptions.clear()
        if self._worker is not None:
            self._worker.cancel()
        self._gateway.disconnected(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """The client has sent a frame."""
        self._is_heard = True
        kind = frame.msg_type
        if self._closing_at and kind != WSMsgType.CLOSE:
            return
        if kind == WSMsgType.CLOSE:
            if not self._closing_at:
                transport.send_close(frame.get_close_code(), None)
            transport.disconnect()
        elif not self._may_send(frame.payload_size):
            self.close(codes.TOO_MANY)
        elif kind == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind == WSMsgType.BINARY:
            self.close(codes.UNSUPPORTED)
        elif kind == _TEXT and frame.fin:
            self._take(frame.get_payload_as_bytes())
        elif kind in (_TEXT, WSMsgType.CONTINUATION):
            self._take_part(frame)

    def pause_writing(self) -> None:
        """Who is too slow is found when they are next told something."""

    def resume_writing(self) -> None:
        """See `pause_writing`."""

    # What the fan-out calls: see hub.Watcher.

    def tell(self, _seq: int, message: bytes) -> None:
        """Send the message, or cut a client that is too slow for it."""
        if self._buffered() > self._limit:
            self.cut(codes.TOO_SLOW)
        else:
            self._transport.send(_TEXT, message)

    def waiting(self) -> int:
        """Bytes that were sent and not taken yet."""
        size: int = self._buffered()
        return size

    def revoked(self, share_id: str) -> None:
        """The share shows nothing any more."""
        guest = self.guest
        if guest is not None and guest.share is not None and guest.share.share_id == share_id:
            self.close(codes.NO_SHARE)

    def denied(self, name: str) -> None:
        """Its person may not watch this topic any more."""
        self._leave(name)
        self._refuse({"subscribe": name}, self._gateway.live.error("SR002", name))

    # What the gateway calls.

    def look(self, now: float, clock: float) -> None:
        """Ping, and end what takes too long; `now` is monotonic, `clock` is Unix time."""
        if self._closing_at:
            if now - self._closing_at > _CLOSE_S:
                self._transport.disconnect(False)
            return
        guest = self.guest
        if guest is None:
            if now - self._since > PROOF_S:
                self.close(codes.BAD_TOKEN, "no proof of who you are in time")
        elif clock > guest.valid_until and self._worker is None:
            self._worker = asyncio.create_task(self._admit_again())
        if now >= self._ping_at:
            if not self._is_heard:
                self.cut(codes.GONE)
                return
            self._is_heard = False
            self._ping_at = now + PING_S
            self._transport.send_ping()
        if self._limit > SLOW_LIMIT and not self._buffered():
            self._limit = SLOW_LIMIT

    def close(self, code: int, reason: str | None = None) -> None:
        """End it with this code, and give the client time to read it."""
        if not self._closing_at:
            CLOSED.labels(code).inc()
            self._closing_at = asyncio.get_running_loop().time()
            # Typed as its own enumeration, which has none of ours; it takes any number.
            self._transport.send_close(cast(Any, code), reason or codes.REASONS[code])

    def cut(self, code: int) -> None:
        """End it at once, for who does not read."""
        if not self._closing_at:
            if code == codes.GONE:
                CLOSED.labels(code).inc()
                self._closing_at = asyncio.get_running_loop().time()
            else:
                self.close(code)
            self._transport.disconnect(False)

    def abort(self) -> None:
        """End it without another word."""
        self._transport.disconnect(False)

    def say(self, frame: dict[str, Any]) -> None:
        """Send a frame of its own."""
        self.tell(0, orjson.dumps(frame))

    async def finish(self) -> None:
        """Wait for the answers that are on their way."""
        if self._points:
            await asyncio.wait(self._points)

    # How a frame is answered.

    def _may_send(self, size: int) -> bool:
        """Whether the client may send another frame now. Before they are known, only little."""
        now = asyncio.get_running_loop().time()
        self._tokens = min(self._tokens + (now - self._filled_at) * _RATE, _BURST) - 1
        self._filled_at = now
        if self.guest is None:
            self._unread += size
        return self._tokens >= 0 and self._unread <= FRAME_LIMIT

    def _take_part(self, frame: WSFrame) -> None:
        if self._fragments is None:
            self._fragments = bytearray()
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > FRAME_LIMIT:
            self.close(codes.TOO_BIG)
        elif frame.fin:
            message, self._fragments = bytes(self._fragments), None
            self._take(message)

    def _take(self, text: bytes) -> None:
        try:
            frame = orjson.loads(text)
        except ValueError:
            self.close(codes.BAD_FRAME if _is_text(text) else codes.NOT_TEXT)
            return
        if not isinstance(frame, dict):
            self.close(codes.BAD_FRAME)
        elif self.guest is not None and "points" in frame:
            self._record(frame)
        elif self.guest is not None and "ping" in frame:
            self._pong(frame["ping"])
        elif self._frames is not None and len(self._frames) >= _WAITING:
            self.close(codes.TOO_MANY)
        else:
            if self._frames is None:
                self._frames = deque()
            self._frames.append(frame)
            if self._worker is None:
                self._worker = asyncio.create_task(self._answer_all())

    async def _admit(self) -> None:
        """Find out who it is."""
        try:
            guest = await self._gateway.live.access.guest(self._authorization)
        except ClosedError as refusal:
            self.close(refusal.code, refusal.reason)
            return
        except (RequestError, asyncpg.PostgresError, OSError):
            self.close(codes.TOO_SLOW, "nobody can tell now whose token it is")
            return
        if self._closing_at:
            return
        if not self._gateway.live.came(self, guest):
            self.close(codes.TOO_SLOW, "too many watch by this link")
            return
        self.guest, self._unread = guest, 0
        share = guest.share
        self.say(
            {
                "type": "hello",
                "user_id": guest.user_id,
                "journey_id": share and share.journey_id,
                "expires_at": share and share.expires_at,
            }
        )
        await self._answer_all()

    async def _admit_again(self) -> None:
        """Its token has run out, or is to be looked at again: keys get revoked."""
        try:
            self.guest = await self._gateway.live.access.guest(self._authorization)
        except ClosedError as refusal:
            self.close(refusal.code, refusal.reason)
        except (RequestError, asyncpg.PostgresError, OSError):
            pass  # nobody can tell now: at the next look
        await self._answer_all()

    async def _answer_all(self) -> None:
        """Answer what was asked, one after another."""
        while self._frames and not self._closing_at:
            frame = self._frames.popleft()
            try:
                await self._answer(frame)
            except RequestError as error:
                self._refuse(frame, error)
            except (asyncpg.PostgresError, OSError):
                self._refuse(frame, unavailable("The database cannot answer now"))
            except ClosedError as refusal:
                self.close(refusal.code, refusal.reason)
            except Exception as error:
                logger.error("mistake", extra={"mistake": place(error)})
                self._refuse(frame, mistake())
        self._frames = self._worker = None

    async def _answer(self, frame: dict[str, Any]) -> None:
        assert self.guest is not None
        match frame:
            case {"subscribe": str(name)}:
                self._leave(name)
                if len(self._subscriptions) >= _TOPICS:
                    raise self._gateway.live.error("SR097", f"At most {_TOPICS} topics.")
                self._limit = 2**62  # a snapshot may be larger than what may wait otherwise
                try:
                    subscription = await self._gateway.live.subscribe(
                        self, self.guest, name, frame.get("last_seq")
                    )
                finally:
                    self._limit = SLOW_LIMIT + self._buffered()
                self._subscriptions[name] = subscription
            case {"unsubscribe": str(name)}:
                self._leave(name)
            case {"ack": int(seq)}:
                await self._gateway.live.note_received(self.guest, seq)
            case {"points": _}:
                self._record(frame)
            case {"ping": value}:
                self._pong(value)
            case _:
                raise ClosedError(codes.BAD_FRAME)

    def _leave(self, name: str) -> None:
        subscription = self._subscriptions.pop(name, None)
        if subscription is not None:
            self._gateway.live.hub.unsubscribe(subscription)

    def _refuse(self, frame: dict[str, Any], error: RequestError) -> None:
        topic = frame.get("subscribe")
        self.say({"type": "error", **error.body, "topic": topic})

    def _pong(self, value: object) -> None:
        if len(orjson.dumps(value)) > _PING_LENGTH:
            self.close(codes.BAD_FRAME)
        else:
            self.say({"type": "pong", "ping": value})

    def _record(self, frame: dict[str, Any]) -> None:
        arguments, number = frame["points"], frame.get("id")
        if not isinstance(arguments, dict) or not isinstance(number, int | str | None):
            self.close(codes.BAD_FRAME)
            return
        if self._points is None:
            self._points = set()
        if len(self._points) >= _POINTS:
            self.close(codes.TOO_MANY)
            return
        task = asyncio.create_task(self._recorded(arguments, number))
        self._points.add(task)
        task.add_done_callback(self._points.discard)

    async def _recorded(self, arguments: dict[str, Any], number: object) -> None:
        status, body = await self._gateway.points.record(self._authorization, arguments)
        head = orjson.dumps({"type": "answer", "id": number, "status": status})
        self.tell(0, b'%b,"body":%b}' % (head[:-1], body))


def _is_text(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
