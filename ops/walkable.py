"""Which OSM ways a person on foot may use, and which way round.

Source of the tags: the OSM wiki, "OSM tags for routing/Access restrictions" and "Key:foot". The
most specific tag decides: `foot` before `access` before the kind of way. A bare `oneway` is for
vehicles and never binds a walker.
"""

from typing import Protocol


class Tags(Protocol):
    """Tags of an OSM object: a dictionary, or pyosmium's list without the cost of a copy."""

    def get(self, key: str, /) -> str | None:
        """The value of a key; None where the object has no such tag."""


WALKABLE = {
    *("trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link"),
    *("tertiary", "tertiary_link", "unclassified", "residential", "living_street", "road"),
    *("service", "track", "pedestrian", "footway", "path", "steps", "corridor", "platform"),
    *("crossing", "elevator"),
}
# Open to walkers only where a tag says so: the law differs from country to country.
NEEDS_INVITATION = {"cycleway", "bridleway"}

ALLOWED = {"yes", "designated", "permissive", "destination", "official", "customers"}
FORBIDDEN = {
    *("no", "private", "use_sidepath", "military", "restricted", "permit", "emergency"),
    *("agricultural", "forestry", "delivery"),
}
SIDEWALK = {"yes", "both", "left", "right"}
SOLID_BARRIERS = {"wall", "city_wall", "retaining_wall", "fence", "hedge"}

NOT_FOR_WALKERS = "not a kind of way for walkers"
CLOSED = "closed to walkers"


def refusal(tags: Tags) -> str | None:
    """Why a way with a `highway` tag is not walkable, in words; None where it is."""
    highway = tags.get("highway")
    invited = tags.get("foot") in ALLOWED
    if highway not in WALKABLE and highway not in NEEDS_INVITATION:
        return NOT_FOR_WALKERS
    if tags.get("foot") in FORBIDDEN:
        return CLOSED
    if not invited and (tags.get("access") in FORBIDDEN or tags.get("motorroad") == "yes"):
        return CLOSED
    if not invited and highway in NEEDS_INVITATION and tags.get("sidewalk") not in SIDEWALK:
        return NOT_FOR_WALKERS
    return None


def direction(tags: Tags) -> int:
    """0 where a walker may go both ways, 1 only as drawn, -1 only against it."""
    oneway = tags.get("oneway:foot") or tags.get("foot:oneway")
    conveying = tags.get("conveying")
    if oneway is None and conveying == "yes":  # a moving stair that only says how it is drawn
        oneway = tags.get("oneway")
    if oneway is not None:
        return _ONEWAY.get(oneway, 0)
    if conveying in _CONVEYING:
        return _CONVEYING[conveying]
    if tags.get("foot:backward") in FORBIDDEN:
        return 1
    if tags.get("foot:forward") in FORBIDDEN:
        return -1
    return 0


def is_lit(tags: Tags) -> bool | None:
    """Whether the way has street lighting; None where nobody has said."""
    lit = tags.get("lit")
    return None if lit is None else lit not in ("no", "disused")


def closes(tags: Tags) -> bool:
    """Whether a node with a `barrier` tag stops a walker."""
    barrier, foot, access = tags.get("barrier"), tags.get("foot"), tags.get("access")
    if barrier is None or foot in ALLOWED:
        return False
    if foot in FORBIDDEN or access in FORBIDDEN:
        return True
    return barrier in SOLID_BARRIERS and access not in ALLOWED


_ONEWAY = {"yes": 1, "true": 1, "1": 1, "-1": -1, "reverse": -1}
_CONVEYING = {"forward": 1, "backward": -1}
