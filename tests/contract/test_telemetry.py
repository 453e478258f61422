"""Traces, as a collector gets them."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import psycopg
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ops.cluster import free_port
from tests.conftest import Primary
from tests.contract.serving import serve

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@contextmanager
def collector() -> Iterator[tuple[str, list[Span]]]:
    """The address of a collector, and the spans it has got."""
    spans: list[Span] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            request = ExportTraceServiceRequest()
            request.ParseFromString(self.rfile.read(int(self.headers["content-length"])))
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", free_port()), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def attributes(span: Span) -> dict[str, object]:
    return {
        a.key: a.value.int_value if a.value.HasField("int_value") else a.value.string_value
        for a in span.attributes
    }


def test_a_request_is_a_span_with_its_statements(
    primary: Primary, standby: Primary, database: psycopg.Connection
) -> None:
    with collector() as (address, spans):
        settings = {"SAFEROUTE_OTLP_ENDPOINT": address}
        ports = [primary.port, standby.port]
        with (
            serve(ports, "contract", primary.password, **settings) as api,
            httpx.Client(base_url=api.url) as client,
        ):
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            told = client.get("/rpc/statement", headers=headers)
            client.get("/rpc/447700900461", params={"lon": "7.4205191"})
            client.get("/rpc/fail_with", params={"state": "XX000"})
        # The process has ended, and sent what it had.
    by_name = {span.name: span for span in spans}
    request = by_name["GET /rpc/statement"]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(request)["http.response.status_code"] == 200
    assert told.headers["x-request-id"] == TRACE
    assert f"00-{TRACE}-{request.span_id.hex()}-01" in told.json()  # in the statement's comment
    [statement] = [span for span in spans if span.parent_span_id == request.span_id]
    assert (statement.name, statement.kind) == ("postgresql read", Span.SPAN_KIND_CLIENT)
    assert str(attributes(statement)["db.query.text"]).startswith("select * from core.call")
    assert by_name["GET /rpc/fail_with"].status.code == 2
    assert by_name["GET /rpc/{function}"].status.code == 0
    for secret in ("447700900461", "7.4205191"):
        assert not any(secret in str(span) for span in spans)


def test_without_a_collector_nothing_is_imported() -> None:
    program = "import sys, json, api.__main__; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    # redis-py imports what it finds of OpenTelemetry: its interfaces and, for a meter, the SDK.
    assert not {"api.telemetry", "opentelemetry.sdk.trace"} & {*json.loads(output)}
