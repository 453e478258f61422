"""The foot rules, one row each."""

import pytest

from ops.walkable import CLOSED, NOT_FOR_WALKERS, closes, direction, is_lit, refusal


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ("highway=residential", None),
        ("highway=steps", None),
        ("highway=primary oneway=yes", None),
        ("highway=motorway", NOT_FOR_WALKERS),
        ("highway=motorway foot=yes", NOT_FOR_WALKERS),
        ("highway=construction", NOT_FOR_WALKERS),
        ("highway=proposed foot=yes", NOT_FOR_WALKERS),
        ("highway=cycleway", NOT_FOR_WALKERS),
        ("highway=cycleway foot=designated", None),
        ("highway=cycleway sidewalk=right", None),
        ("highway=cycleway sidewalk=no", NOT_FOR_WALKERS),
        ("highway=service access=private", CLOSED),
        ("highway=service access=private foot=yes", None),
        ("highway=service access=customers", None),
        ("highway=residential foot=no", CLOSED),
        ("highway=secondary foot=use_sidepath", CLOSED),
        ("highway=trunk motorroad=yes", CLOSED),
        ("highway=trunk", None),
        ("highway=track access=forestry", CLOSED),
    ],
)
def test_refusal(tags: str, reason: str | None) -> None:
    assert refusal(parsed(tags)) == reason


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("highway=residential oneway=yes", 0),
        ("highway=footway oneway:foot=yes", 1),
        ("highway=footway oneway:foot=-1", -1),
        ("highway=steps conveying=forward", 1),
        ("highway=steps conveying=backward", -1),
        ("highway=steps conveying=reversible", 0),
        ("highway=steps conveying=yes oneway=yes", 1),
        ("highway=steps conveying=yes", 0),
        ("highway=steps conveying=forward oneway:foot=no", 0),
        ("highway=path foot:backward=no", 1),
        ("highway=path foot:forward=no", -1),
    ],
)
def test_direction(tags: str, expected: int) -> None:
    assert direction(parsed(tags)) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("barrier=wall", True),
        ("barrier=fence access=yes", False),
        ("barrier=gate", False),
        ("barrier=gate access=private", True),
        ("barrier=gate access=private foot=yes", False),
        ("barrier=bollard foot=no", True),
        ("barrier=cycle_barrier", False),
        ("access=private", False),
    ],
)
def test_barriers(tags: str, expected: bool) -> None:
    assert closes(parsed(tags)) is expected


@pytest.mark.parametrize(
    ("tags", "lit"), [("lit=yes", True), ("lit=24/7", True), ("lit=no", False)]
)
def test_lighting(tags: str, lit: bool) -> None:
    assert is_lit(parsed(tags)) is lit
    assert is_lit({}) is None


def parsed(tags: str) -> dict[str, str]:
    pairs = (tag.rpartition("=") for tag in tags.split())
    return {key: value for key, _, value in pairs}
