"""OpenTelemetry: a span for each request and, in it, one for each statement.

Imported only where `SAFEROUTE_OTLP_ENDPOINT` is set, since a span costs 60 µs. Spans hold what
/metrics may show, never what was sent: no query strings, no arguments, no texts of errors.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.rpc import PREFIX
from api.servers import Servers

_PARENT = b"traceparent"
_FLUSH_S = 2.0
_context = TraceContextTextMapPropagator()


class Traced:
    """The application, with its requests and statements traced."""

    def __init__(self, application: ASGIApp, servers: Servers, endpoint: str) -> None:
        """`endpoint` is the address of a collector, without `/v1/traces`."""
        provider = TracerProvider(resource=Resource.create({"service.name": "saferoute-api"}))
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))  # off the loop, in a thread
        self._application = application
        self._provider = provider
        self._tracer = provider.get_tracer("saferoute")
        for name in ("read", "write"):
            setattr(servers, name, self._traced(name, getattr(servers, name)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request within a span, whose parent is the caller's."""
        if scope["type"] != "http":
            await self._application(scope, receive, self._flushing(send))
            return
        headers = dict(scope["headers"])
        parent = headers.get(_PARENT, b"").decode("latin-1")
        with self._tracer.start_as_current_span(
            scope["method"],
            context=_context.extract({"traceparent": parent} if parent else {}),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": scope["method"]},
            record_exception=False,
        ) as span:
            ours: dict[str, str] = {}
            _context.inject(ours)
            headers[_PARENT] = ours["traceparent"].encode()

            status = 500

            async def answer(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            scope["headers"] = list(headers.items())
            await self._application(scope, receive, answer)
            route = _route(scope, status)
            span.update_name(f"{scope['method']} {route}")
            span.set_attribute("http.route", route)

    def _flushing(self, send: Send) -> Send:
        """Send the last spans before the process ends."""

        async def flushing(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_FLUSH_S):
                        await asyncio.to_thread(self._provider.shutdown)
            await send(message)

        return flushing

    def _traced(
        self, name: str, run: Callable[..., Awaitable[Any]]
    ) -> Callable[..., Awaitable[Any]]:
        @wraps(run)
        async def traced(statement: str, *arguments: Any, **options: Any) -> Any:
            with self._tracer.start_as_current_span(
                f"postgresql {name}",
                kind=SpanKind.CLIENT,
                attributes={"db.system.name": "postgresql", "db.query.text": statement},
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                try:
                    return await run(statement, *arguments, **options)
                except BaseException as error:
                    span.set_attribute("error.type", type(error).__name__)
                    span.set_status(StatusCode.ERROR)
                    raise

        return traced


def _route(scope: Scope, status: int) -> str:
    """What was called, in words of ours: a path that leads nowhere may say anything."""
    if scope["path"].startswith(PREFIX):
        return f"{PREFIX}{{function}}" if status == 404 else str(scope["path"])
    return str(getattr(scope.get("route"), "path", "unknown"))
