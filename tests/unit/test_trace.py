import pytest

from api.trace import Trace

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01".encode()


def test_a_request_without_names_gets_them() -> None:
    first, second = Trace.of({}), Trace.of({})
    assert first.request_id == first.trace_id != second.trace_id
    assert len(first.trace_id) == 32
    assert Trace.of({b"traceparent": first.traceparent.encode()}).trace_id == first.trace_id


def test_the_callers_names_are_kept() -> None:
    assert Trace.of({b"x-request-id": b"order-4711_a"}).request_id == "order-4711_a"
    assert Trace.of({b"traceparent": PARENT}) == Trace(TRACE, TRACE, PARENT.decode())
    both = Trace.of({b"traceparent": PARENT, b"x-request-id": b"x"})
    assert (both.request_id, both.trace_id) == ("x", TRACE)


@pytest.mark.parametrize(
    "request_id",
    [
        *(b"", b" ", b"a b", b"a'b", b"*/", b"a\nb", b"a;b", b"\xe9", b"x" * 65),
        *(b"447700900123", b"+447700900123", b"51.21356", b"0770-0900123"),
    ],
)
def test_an_id_that_is_not_sane_is_replaced(request_id: bytes) -> None:
    trace = Trace.of({b"x-request-id": request_id})
    assert trace.request_id == trace.trace_id


@pytest.mark.parametrize(
    "parent",
    [
        b"",
        PARENT[:-1],
        PARENT + b"0",
        PARENT.upper(),
        b"ff" + PARENT[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        PARENT[:-2] + b"*/",
        PARENT[:-2] + b"0'",
    ],
)
def test_a_parent_that_is_no_parent_is_left_out(parent: bytes) -> None:
    trace = Trace.of({b"traceparent": parent})
    assert trace.trace_id != TRACE
    assert parent.decode() not in trace.traceparent or not parent
