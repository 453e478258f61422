"""What watchers are told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Alert:
    """Something happened to an alert: of topic `user:<id>`, without gaps in `seq`."""

    topic: str
    seq: int
    alert_id: str
    event: str
    """raised, acknowledged, cancelled, resolved, duress, ..."""
    at: datetime
    is_drill: bool
    """A rehearsal: show it as one."""
    content: Mapping[str, Any]
    """The whole message as it came."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """To a walker: their watched walk is not as planned. In the topic and sequence of alerts."""

    topic: str
    seq: int
    journey_id: str
    event: str
    """check_in_due, late or overdue"""
    reason: str
    at: datetime
    act_before: datetime
    """Until then the walker can check in before it goes a step further."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walker was: of topic `journey:<id>`, `seq` is the time in microseconds."""

    topic: str
    seq: int
    lon: float
    lat: float
    recorded_at: datetime
    speed_mps: float | None


@dataclass(frozen=True, slots=True)
class State:
    """How a walk stands from now on; of topic `journey:<id>`, `seq` is the time in microseconds."""

    topic: str
    seq: int
    state: str
    """planned, active, late, overdue, alarm or ended"""
    reason: str | None
    eta: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A walk as it stands, with the path since what was shown before: first of `journey:<id>`, and
    again whenever the connection was made anew.
    """

    topic: str
    seq: int
    """Of the newest position."""
    state_seq: int
    state: str
    reason: str | None
    expected_at: datetime | None
    eta: datetime | None
    ended_at: datetime | None
    position: Position | None
    path: tuple[tuple[float, float], ...]
    """Longitudes and latitudes, oldest first."""


Message = Alert | Reminder | Position | State | Snapshot


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _alert(frame: Mapping[str, Any]) -> Alert:
    return Alert(
        topic=frame["topic"],
        seq=frame["seq"],
        alert_id=frame["alert_id"],
        event=frame["event"],
        at=datetime.fromisoformat(frame["at"]),
        is_drill=frame["drill"],
        content=frame,
    )


def _reminder(frame: Mapping[str, Any]) -> Reminder:
    return Reminder(
        topic=frame["topic"],
        seq=frame["seq"],
        journey_id=frame["journey_id"],
        event=frame["event"],
        reason=frame["reason"],
        at=datetime.fromisoformat(frame["at"]),
        act_before=datetime.fromisoformat(frame["act_before"]),
    )


def _position(frame: Mapping[str, Any]) -> Position:
    return Position(
        topic=frame["topic"],
        seq=frame["seq"],
        lon=frame["lon"],
        lat=frame["lat"],
        recorded_at=datetime.fromisoformat(frame["recorded_at"]),
        speed_mps=frame.get("speed_mps"),
    )


def _state(frame: Mapping[str, Any]) -> State:
    return State(
        topic=frame["topic"],
        seq=frame["seq"],
        state=frame["state"],
        reason=frame.get("reason"),
        eta=_time(frame.get("eta")),
    )


def _snapshot(frame: Mapping[str, Any]) -> Snapshot:
    position = frame.get("position")
    return Snapshot(
        topic=frame["topic"],
        seq=frame["seq"] or 0,
        state_seq=frame["state_seq"] or 0,
        state=frame["state"],
        reason=frame.get("reason"),
        expected_at=_time(frame.get("expected_at")),
        eta=_time(frame.get("eta")),
        ended_at=_time(frame.get("ended_at")),
        position=_position({"topic": frame["topic"], **position}) if position else None,
        path=tuple((lon, lat) for lon, lat, *_ in frame.get("path") or ()),
    )


READERS: Mapping[str, Callable[[Mapping[str, Any]], Message]] = {
    "alert": _alert,
    "watch": _reminder,
    "position": _position,
    "state": _state,
    "snapshot": _snapshot,
}
"""By `type` of the frame. Others are for the client itself, or of a newer gateway."""
