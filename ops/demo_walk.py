"""`saferoute demo walk`: a walk, a watcher and a call for help, as an app would make them.

Robin walks along the safest way through the newest city; Sam, who has an account, watches and is
told in the app and by text; Alex has none and gets an e-mail. All of it goes through the gateway.
The codes are read where the local profile puts its messages: nobody outside is reached.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console
from rich.table import Table

from common.settings import settings
from ops import first_route
from ops.demo_people import Mail, Person
from ops.errors import OperatorError
from ops.profile import find_profile
from ops.progress import bar
from saferoute_client import Alert, LiveClient, Position

_STEPS = 24
_SECONDS = 12
"""The walk at speed 1."""
_TOKEN = re.compile(r"#([A-Za-z0-9_-]{43})")
_TOLD_S = 30
_console = Console(highlight=False, soft_wrap=True)


def walk(
    speed: Annotated[float, typer.Option(min=0.1, help="2: twice as fast.")] = 1,
) -> None:
    """Simulate a walk that is watched, then a call for help, and show who was told when."""
    profile, values = find_profile(), settings()
    if values.outbox_directory is None:
        raise OperatorError("the demo reads codes from SAFEROUTE_OUTBOX_DIRECTORY: run `make up`")
    city = first_route.newest_city(values.owner_conninfo)
    if city is None:
        raise OperatorError("there is no city: run `make up`, or `saferoute demo`")
    mail = Mail(values.outbox_directory)
    with (
        Person("Robin", "+442079460101", profile.url, mail) as robin,
        Person("Sam", "+442079460102", profile.url, mail) as sam,
    ):
        _meet(robin, sam, mail)
        trip, answer = first_route.ask(profile.url, values.owner_conninfo, city)
        asyncio.run(_play(profile.url, robin, sam, trip, answer["features"][-1], speed))


def _meet(robin: Person, sam: Person, mail: Mail) -> None:
    """Let the two sign in, and Robin have Sam and Alex as contacts who have agreed."""
    robin.sign_in()
    sam.sign_in()
    there = {contact["name"] for contact in robin.call("my_contacts")}
    for name, channel, address in (
        ("Sam", "sms", sam.phone),
        ("Alex", "email", "alex@wexbourne.org"),
    ):
        if name in there:
            continue
        since = time.time()
        robin.call(
            "add_contact",
            contact_id=str(uuid4()),
            name=name,
            channel=channel,
            address=address,
            from_name="Robin",
        )
        found = _TOKEN.search(mail.wait(address, since))
        if found is None:
            raise OperatorError(f"the invitation of {name} has no link")
        sam.call("accept_contact", token=found[1])
        if name == "Sam":
            sam.call("connect_contact", token=found[1])
    _console.print("Robin, Sam and Alex have signed up, and agreed to be there for Robin.")


async def _play(
    url: str,
    robin: Person,
    sam: Person,
    trip: dict[str, float],
    way: dict[str, Any],
    speed: float,
) -> None:
    live = f"ws{url.removeprefix('http')}/live"
    journey_id, alert_id = str(uuid4()), str(uuid4())
    robin.call("start_journey", journey_id=journey_id, **trip)
    soon = datetime.now(UTC) + timedelta(minutes=30)
    robin.call("watch_journey", journey_id=journey_id, expected_at=soon.isoformat())
    link = _TOKEN.search(robin.call("share_journey", journey_id=journey_id)["link"])
    if link is None:
        raise OperatorError("the walk cannot be shared")
    seen: list[Position] = []
    watched = asyncio.Event()
    told: dict[tuple[str, str], float] = {}

    async def watch_the_walk() -> None:
        async with LiveClient(live, token=link[1]) as watcher:
            async for message in watcher.watch(f"journey:{journey_id}"):
                if isinstance(message, Position):
                    seen.append(message)
                else:
                    watched.set()

    async def watch_for_alerts(person: Person) -> None:
        async with LiveClient(live, token=person.token) as watcher:
            async for message in watcher.watch(f"user:{person.user_id}"):
                if isinstance(message, Alert) and message.alert_id == alert_id:
                    told.setdefault((person.name, message.event), time.time())
                    await watcher.ack(message.seq)

    watchers = [
        asyncio.create_task(watching)
        for watching in (watch_the_walk(), watch_for_alerts(robin), watch_for_alerts(sam))
    ]
    try:
        await _until(watched.is_set)
        await _walk(robin, journey_id, way, speed)
        await _until(lambda: len(seen) == _STEPS)
        await asyncio.to_thread(robin.call, "check_in", journey_id=journey_id)
        _console.print(
            f"Robin walked {way['properties']['length_m']:,.0f} m, the safest way there is; Sam "
            f"saw {len(seen)} of {_STEPS} positions live. Robin checked in: all is well."
        )
        lon, lat = way["geometry"]["coordinates"][-1][:2]
        called = time.time()
        is_drill = await asyncio.to_thread(_call_for_help, robin, alert_id, journey_id, lon, lat)
        kind = (
            "a rehearsal, marked as one everywhere" if is_drill else "messages stay in the outbox"
        )
        _console.print(f"[bold]Robin calls for help[/] ({kind}).")
        status = await asyncio.to_thread(_until_told, robin, alert_id)
        await _until(lambda: ("Sam", "raised") in told)
        await asyncio.to_thread(sam.call, "acknowledge_alert", alert_id=alert_id)
        await _until(lambda: ("Robin", "acknowledged") in told)
        await asyncio.to_thread(robin.call, "resolve_alert", alert_id=alert_id)
        await _until(lambda: ("Sam", "resolved") in told)
    finally:
        for task in watchers:
            task.cancel()
        ends = await asyncio.gather(*watchers, return_exceptions=True)
    for failure in ends:
        if isinstance(failure, Exception):
            raise OperatorError(f"a watcher saw nothing more: {failure!r}")
    await asyncio.to_thread(robin.call, "end_journey", journey_id=journey_id)
    _show(status, told, called)


async def _walk(robin: Person, journey_id: str, way: dict[str, Any], speed: float) -> None:
    """Send positions along the way, faster than anybody walks."""
    corners = way["geometry"]["coordinates"]
    with bar("Robin walks", _STEPS) as move:
        for step in range(_STEPS):
            share = step / (_STEPS - 1)
            lon, lat = corners[round(share * (len(corners) - 1))][:2]
            now = datetime.now(UTC).isoformat()
            point = {"recorded_at": now, "lon": lon, "lat": lat, "speed_mps": 1.3}
            await asyncio.to_thread(
                robin.call, "record_points", journey_id=journey_id, points=[point]
            )
            move(1)
            await asyncio.sleep(_SECONDS / _STEPS / speed)


def _call_for_help(robin: Person, alert_id: str, journey_id: str, lon: float, lat: float) -> bool:
    """Raise the alert; whether it is a rehearsal, of which there are three in a day."""
    where = {"alert_id": alert_id, "journey_id": journey_id, "lon": lon, "lat": lat}
    try:
        robin.call("raise_drill", **where)
    except OperatorError as error:
        if "SR046" not in str(error) and "SR070" not in str(error):
            raise
        robin.call("raise_sos", **where)
        return False
    return True


def _until_told(robin: Person, alert_id: str) -> dict[str, Any]:
    """How the alert stands once all that was due at once has been sent."""
    deadline = time.monotonic() + _TOLD_S
    while True:
        status: dict[str, Any] = robin.call("alert_status", alert_id=alert_id)
        now = datetime.now(UTC)
        waits = [
            delivery
            for recipient in status["recipients"]
            for delivery in recipient["deliveries"]
            if delivery["state"] == "queued" and datetime.fromisoformat(delivery["due_at"]) < now
        ]
        if not waits or time.monotonic() > deadline:
            return status
        time.sleep(0.1)


async def _until(is_so: Callable[[], bool]) -> None:
    """Wait for what a watcher is told; it is shown as missing where that never comes."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            while not is_so():
                await asyncio.sleep(0.02)


def _show(status: dict[str, Any], told: dict[tuple[str, str], float], called: float) -> None:
    table = Table("who", "how", "what became of it", "after the call", box=None, header_style="dim")
    table.columns[3].justify = "right"
    for recipient in status["recipients"]:
        for delivery in recipient["deliveries"]:
            if delivery["channel"] != "live":
                sent = delivery["sent_at"]
                after = datetime.fromisoformat(sent).timestamp() - called if sent else None
                _add(table, recipient["name"], delivery["channel"], delivery["state"], after)
    for name, event in (("Sam", "raised"), ("Robin", "acknowledged"), ("Sam", "resolved")):
        at = told.get((name, event))
        _add(table, name, "the app, live", f"shown: {event}", at - called if at else None)
    _console.print(table)


def _add(table: Table, who: str, how: str, what: str, after: float | None) -> None:
    table.add_row(who, how, what, "-" if after is None else f"{after:.2f} s")
