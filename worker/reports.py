"""A walk as a page to print, and as a GPX file: drawn from the facts that `tasks.report_facts`
answers with.
"""

from datetime import datetime
from math import hypot
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gpxpy.gpx import GPX, GPXTrack, GPXTrackPoint, GPXTrackSegment, GPXWaypoint
from jinja2 import Environment, FileSystemLoader, StrictUndefined

Facts = dict[str, Any]

_BARS = (5000, 2000, 1000, 500, 200, 100, 50)  # metres
_RISKY = (0.33, 0.67)
_CAUSES = {
    "sos": "SOS",
    "overdue": "not arrived in time",
    "check_in": "no check-in",
    "silence": "no positions",
    "deviation": "off the planned way",
    "geofence": "left or entered a marked area",
}
_HAPPENED = {
    "start": "Start",
    "end": "End",
    "check_in": "Check-in: all is well",
    "check_in_due": "Reminded to check in",
    "battery_low": "Battery low",
    "battery_ok": "Battery charged",
    "geofence": "Marked area",
    "settings": "Watch set",
}
_CHANNELS = {
    "live": "app",
    "sms": "SMS",
    "voice": "call",
    "email": "e-mail",
    "web_push": "browser",
    "webhook": "program",
}


def page(facts: Facts) -> str:
    """The report as one HTML page that needs nothing else: for a browser, and for paper."""
    drawn = facts["map"]
    size = max(drawn["width_m"], drawn["height_m"]) / 100
    return _template.render(
        facts,
        zone=ZoneInfo(facts["time_zone"]),
        took=_took(facts["first_point_at"], facts["last_point_at"]),
        size=size,
        marks=_marks(facts["happenings"], drawn["width_m"], 4 * size),
        bar=next((bar for bar in _BARS if bar <= drawn["width_m"] / 3), _BARS[-1]),
        risk=_risk(drawn["pieces"]),
    )


def gpx(facts: Facts) -> str:
    """The track as GPX 1.1, with what happened where as way points. Times are UTC."""
    file = GPX()
    file.creator = "Safe Route"
    file.time = datetime.fromisoformat(facts["first_point_at"])
    track = GPXTrack(name=f"Walk of {facts['first_point_at'][:10]}")
    segment = GPXTrackSegment()
    segment.points = [
        GPXTrackPoint(latitude=lat, longitude=lon, time=datetime.fromisoformat(at))
        for lon, lat, at in facts["positions"]
    ]
    track.segments.append(segment)
    file.tracks.append(track)
    file.waypoints = [
        GPXWaypoint(
            latitude=each["lat"],
            longitude=each["lon"],
            time=datetime.fromisoformat(each["at"]),
            name=_happened(each),
        )
        for each in facts["happenings"]
        if each["lat"] is not None
    ]
    xml: str = file.to_xml(version="1.1")
    return xml


def _happened(each: dict[str, Any]) -> str:
    """What happened, in words."""
    what = each["what"]
    if what in ("stay", "gap"):
        words = "Stood still" if what == "stay" else "No positions"
        return f"{words} for {_took(each['at'], each['until'])}"
    cause = _CAUSES.get(each["reason"], each["reason"])
    if what == "alert":
        return f"Alert: {cause}{' (drill)' if each['is_drill'] else ''}"
    if what == "state":
        return f"Watch: {each['state']}{f' ({cause})' if cause else ''}"
    return _HAPPENED.get(what) or str(what).replace("_", " ").capitalize()


def _marks(happenings: list[dict[str, Any]], width: float, apart: float) -> list[dict[str, Any]]:
    """Where the numbers of what happened stand on the map: side by side, towards its middle, where
    it happened at one place.
    """
    marks: list[dict[str, Any]] = []
    for number, each in enumerate(happenings, 1):
        if each["x"] is None:
            continue
        x, y = each["x"], each["y"]
        step = apart / 4 if x < width / 2 else -apart / 4
        while 0 <= x <= width and any(hypot(x - m["x"], y - m["y"]) < apart for m in marks):
            x += step
        marks.append({"number": number, "what": each["what"], "x": round(x, 1), "y": y})
    return marks


def _risk(pieces: list[dict[str, Any]]) -> dict[str, float] | None:
    """Means by length; none where no source reports on any of it."""
    length = sum(piece["length_m"] for piece in pieces)
    covered = sum(piece["length_m"] * piece["covered_share"] for piece in pieces)
    if not covered:
        return None
    mean = sum(piece["length_m"] * piece["risk"] for piece in pieces) / length
    return {"mean": mean, "covered_share": covered / length}


def _local(text: str | None, zone: ZoneInfo, pattern: str = "%H:%M:%S") -> str:
    return "" if text is None else datetime.fromisoformat(text).astimezone(zone).strftime(pattern)


def _took(since: str, until: str) -> str:
    """In hours and minutes."""
    seconds = (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _colour(piece: dict[str, Any]) -> str:
    """Class of a piece of the track."""
    if not piece["covered_share"]:
        return "unknown"
    low, high = _RISKY
    return "low" if piece["risk"] < low else "high" if piece["risk"] >= high else "middle"


_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,  # messages are written by people, and names too
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {
    "local": _local,
    "happened": _happened,
    "colour": _colour,
    "cause": lambda cause: _CAUSES.get(cause, cause),
    "channel": lambda channel: _CHANNELS.get(channel, channel),
}
_template = _environment.get_template("journey.html")
