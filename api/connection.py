"""One HTTP connection: what uvicorn's protocol leaves open about limits, deadlines and smuggling.

llhttp refuses most ambiguous framing by itself. It does not see: trailers, which uvicorn would add
to the headers while the request already runs; a second Transfer-Encoding; other versions than 1.0
and 1.1; and the body of a request to upgrade, which it would take for the next request.
"""

import asyncio
import select
from typing import Any, Literal
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from api.errors import RequestError, unavailable
from api.traffic import BODY_S, HEAD_S, KEEP_ALIVE_S, LINGER_S, RATE, WRITE_S, Traffic

URL_LIMIT = 8 * 1024
"""Bytes of the address in the request line."""
HEAD_LIMIT = 16 * 1024
"""Bytes of all names and values of the headers."""
HEADER_LIMIT = 64
"""Number of headers."""
_PIPELINED = 32  # requests that may wait for the ones before them
_SINGLE = frozenset(  # a proxy may read the first where we would read the last
    b"authorization content-encoding content-length content-profile content-type accept-profile "
    b"host idempotency-key origin transfer-encoding x-api-key x-consistency-token".split()
)


class _RefusedError(Exception):
    """Thrown through the parser: the request is answered with the error of this code."""


class _Ending:
    """The transport as an answer sees it: closing it leaves the client time to read."""

    def __init__(self, connection: "Connection", transport: Any) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = connection.end


class Connection(HttpToolsProtocol):
    """A connection of the public port. `Traffic.look` calls `look` once a second."""

    server_state: Traffic
    cycle: RequestResponseCycle | None  # type: ignore[assignment]

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(transport)
        self.traffic = self.server_state
        self._ending = _Ending(self, transport)
        self._state: Literal["open", "deaf", "lingering"] = "open"
        self._refusal: RequestError | None = None  # to be sent after the answers before it
        self._since = self.traffic.now
        self._in_head = False
        self._packet = self._began = self._more = self._received = 0
        self._unsent, self._unsent_since = 0, 0.0
        if len(self.connections) > self.traffic.limit:
            self._send(unavailable("Too many connections", "PGRST003"))

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._state != "open":
            return
        self._packet = len(data)
        if self._in_head:
            self._more += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._state = "deaf"  # no upgrade: the request is answered, what follows is not HTTP
        except httptools.HttpParserError as error:
            reason = error.__context__
            code = str(reason) if isinstance(reason, _RefusedError) else "SR036"
            self._refuse(self.traffic.refusal(code))
        else:
            if self._in_head and self._more > URL_LIMIT + HEAD_LIMIT:
                self._refuse(self.traffic.refusal("SR034"))

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more; true where it still waits for an answer."""
        cycle = self.cycle
        waits = (
            self._state != "lingering"
            and cycle is not None
            and not (cycle.response_complete or cycle.more_body)
        )
        if waits and cycle is not None:
            cycle.keep_alive = False
            self._state = "deaf"
        return waits and self.transport.can_write_eof()  # by TLS both ends close together

    # What the parser finds, in this order.

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._in_head, self._began, self._more = True, self._packet, 0
        self._since = self.traffic.now

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self.url += url
        if len(self.url) > URL_LIMIT:
            raise _RefusedError("SR037")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; a trailer is dropped."""
        if self._in_head:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The request can be answered."""
        headers, parser, scope = self.headers, self.parser, self.scope
        version = parser.get_http_version()
        names = {name for name, _ in headers}
        if (
            self._began + self._more > URL_LIMIT
            or len(headers) > HEADER_LIMIT
            or len(names) != len(headers)
            or version != "1.1"
            or b"host" not in names
            or b"transfer-encoding" in names
            or parser.should_upgrade()
        ):
            self._check_head(version, names)
        parsed = httptools.parse_url(self.url)
        raw_path = parsed.path
        if raw_path is None:  # http://host without a slash
            raise _RefusedError("SR036")
        path = raw_path.decode("ascii")
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = path if "%" not in path else unquote(path)
        scope["raw_path"] = raw_path
        scope["query_string"] = parsed.query or b""
        self._in_head, self._received = False, 0
        self._since = self.traffic.now
        before = self.cycle
        self.cycle = cycle = RequestResponseCycle(
            scope=scope,
            transport=self._ending,  # type: ignore[arg-type]
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.traffic.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=b"expect" in names
            and dict(headers)[b"expect"].lower() == b"100-continue",
            keep_alive=version == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.traffic.is_draining,
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return
        self._received += len(body)
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The request is here as a whole."""
        assert self.cycle is not None
        self.cycle.more_body = False
        self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """The answer is on its way: the next request of the pipeline has its turn."""
        self.traffic.total_requests += 1
        self._since, self._unsent = self.traffic.now, 0
        if self._state == "lingering" or self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._send(self._refusal)

    # What the traffic and the answers ask for.

    def look(self) -> None:
        """Refuse or close what takes too long."""
        now = self.traffic.now
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            if not self._unsent:
                self._unsent, self._unsent_since = unsent, now
            elif now - self._unsent_since > WRITE_S + self._unsent / RATE:
                self.transport.abort()
            return
        self._unsent = 0
        age, cycle = now - self._since, self.cycle
        if self._state == "lingering":
            if age > LINGER_S:
                self._close()
        elif self._in_head:
            if age > HEAD_S:
                self._refuse(self.traffic.refusal("SR035"))
        elif cycle is None:
            if age > HEAD_S:
                self._close()
        elif not cycle.more_body:
            self.close_if_quiet(KEEP_ALIVE_S)
        elif cycle.response_complete:
            if age > LINGER_S:
                self._linger()
        elif not self.pipeline and age > BODY_S + self._received / RATE:
            self._refuse(self.traffic.refusal("SR035"))

    def close_if_quiet(self, seconds: float) -> None:
        """Close it where no request runs and none has come for so long."""
        cycle = self.cycle
        is_idle = not self._in_head and (
            cycle is None or (cycle.response_complete and not cycle.more_body)
        )
        quiet = self.traffic.now - self._since
        if is_idle and quiet > seconds and not self._unsent and not self._is_readable():
            self._close()

    def shutdown(self) -> None:
        """The process ends: the newest answer is the last one."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def abandon(self, error: RequestError) -> None:
        """Answer with this error at once."""
        cycle = self.cycle
        if cycle is None or cycle.response_started or self.pipeline:
            self.transport.abort()
        else:
            self._take_from_application(cycle)
            self._send(error)

    def end(self) -> None:
        """Close it after an answer, and read what still comes where that may be something."""
        if (self.cycle is not None and self.cycle.more_body) or self.pipeline or self._refusal:
            self._linger()
        else:
            self.transport.close()

    def _check_head(self, version: str, names: set[bytes]) -> None:
        """Refuse a head that is too large or that others might read in another way."""
        headers = self.headers
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > HEADER_LIMIT or size > HEAD_LIMIT:
            raise _RefusedError("SR034")
        received = [name for name, _ in headers if name in _SINGLE]
        encoding = dict(headers).get(b"transfer-encoding")
        is_chunked = encoding is not None and encoding.strip().lower() == b"chunked"
        if (
            len(received) != len(set(received))
            or version not in ("1.0", "1.1")
            or (version == "1.1" and b"host" not in names)
            or (encoding is not None and (not is_chunked or version == "1.0"))
            or (self.parser.should_upgrade() and (encoding or b"content-length" in names))
            or len(self.pipeline) >= _PIPELINED
        ):
            raise _RefusedError("SR036")

    def _refuse(self, error: RequestError) -> None:
        """Answer what cannot be parsed, after all that came before it; then close."""
        self._state, self._in_head = "deaf", False
        cycle = self.cycle
        if cycle is None or (cycle.response_complete and not cycle.more_body):
            self._send(error)
        elif not cycle.more_body:
            self._refusal = error
        elif self.pipeline:  # in the body of one that has not begun
            self.pipeline.popleft()
            self._refusal = error
        elif cycle.response_started:
            self._linger()
        else:
            self._take_from_application(cycle)
            self._send(error)

    def _take_from_application(self, cycle: RequestResponseCycle) -> None:
        """Whoever still reads the body or answers finds the client gone."""
        cycle.disconnected = True
        cycle.message_event.set()

    def _send(self, error: RequestError) -> None:
        """Answer with the error, and close."""
        status, headers, body = error.answer()
        headers += [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        lines = [STATUS_LINE[status]]
        for name, value in (*self.traffic.default_headers, *headers):
            lines += [name, b": ", value, b"\r\n"]
        self.transport.write(b"".join([*lines, b"\r\n", body]))
        self._linger()

    def _linger(self) -> None:
        self._state, self._since = "lingering", self.traffic.now
        self.pipeline.clear()
        self.flow.resume_reading()
        if not self.transport.is_closing() and self.transport.can_write_eof():  # TLS cannot
            self.transport.write_eof()

    def _close(self) -> None:
        """Say goodbye; by TLS a client that has not answered at the next look is cut off."""
        if self.transport.is_closing():
            self.transport.abort()
        else:
            self.transport.close()

    def _is_readable(self) -> bool:
        """Whether the kernel holds bytes that nobody has read yet."""
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))
