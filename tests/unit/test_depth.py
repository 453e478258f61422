"""How deep JSON is nested."""

import json
from typing import Any

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.body import DEPTH_LIMIT, is_too_deep


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(part) for part in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(part) for part in value), default=0)
    return 0


def nested(levels: int, text: str) -> Any:
    """As many lists and objects within each other, with the text in keys and values."""
    value: Any = text
    for level in range(levels):
        value = {text: value, "b": text} if level % 2 else [text, value, text]
    return value


tricky = st.text(st.sampled_from('[]{}"\\ax,:'), max_size=12)


@example(levels=DEPTH_LIMIT, text="[\\")
@example(levels=DEPTH_LIMIT + 1, text="]\\")
@example(levels=DEPTH_LIMIT + 1, text='\\"')
@given(levels=st.integers(0, 2 * DEPTH_LIMIT), text=tricky)
@settings(max_examples=300, deadline=None)
def test_brackets_in_strings_do_not_count(levels: int, text: str) -> None:
    value = nested(levels, text)
    assert is_too_deep(orjson.dumps(value)) == (depth(value) > DEPTH_LIMIT)
    assert is_too_deep(json.dumps(value).encode()) == (depth(value) > DEPTH_LIMIT)


@given(
    st.recursive(
        st.none() | tricky | st.floats(allow_nan=False),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(tricky, inner, max_size=5),
        max_leaves=80,
    ),
    st.integers(0, DEPTH_LIMIT),
)
@settings(max_examples=300, deadline=None)
def test_any_value(value: Any, levels: int) -> None:
    for _ in range(levels):
        value = [value]
    assert is_too_deep(json.dumps(value).encode()) == (depth(value) > DEPTH_LIMIT)


def test_the_limit() -> None:
    for levels in (DEPTH_LIMIT, DEPTH_LIMIT + 1):
        for text in (b"[" * levels + b"]" * levels, b'{"a":' * levels + b"1" + b"}" * levels):
            assert is_too_deep(text) == (levels > DEPTH_LIMIT)


@given(st.binary(min_size=2 * DEPTH_LIMIT, max_size=1000) | tricky.map(lambda t: t.encode() * 50))
@settings(max_examples=200, deadline=None)
def test_what_is_no_json_is_no_mistake(text: bytes) -> None:
    assert is_too_deep(text) in (True, False)
