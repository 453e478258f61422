"""What etcd says of the primary's office: the key that it is held by, and who leads etcd itself."""

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from ops.ha.inventory import ETCD_PORT, Host
from tests.ha.scene import Scene

_EVERY_S = 0.05


@dataclass
class Seen:
    """Seconds of CLOCK_MONOTONIC; none as long as it was not seen."""

    gone: float | None = None
    """The key of the host that held it."""
    taken: float | None = None
    """By another."""


@contextmanager
def watched(scene: Scene, holder: Host) -> Iterator[Seen]:
    """Look at the key from the other hosts meanwhile."""
    seen, over = Seen(), threading.Event()
    watching = threading.Thread(target=_watch, args=(scene, holder, seen, over))
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


def remove_key(scene: Scene, holder: Host) -> None:
    """What nobody may do who does not know that the holder is off: there would be two primaries."""
    url = f"http://{_others(scene, holder)[0].at(ETCD_PORT)}/v3/kv/deleterange"
    httpx.post(url, json=_key(scene), timeout=5).raise_for_status()


def lead(scene: Scene, host: Host) -> None:
    """Let the member on this host lead etcd."""
    members = {
        each["Endpoint"]: each["Status"]
        for each in json.loads(_etcdctl(scene, "endpoint", "status", "-w", "json"))
    }
    mine = members[host.at(ETCD_PORT)]
    if mine["leader"] != mine["header"]["member_id"]:
        _etcdctl(scene, "move-leader", f"{mine['header']['member_id']:x}")


def lead_elsewhere(scene: Scene, host: Host) -> None:
    """Let a member on another host lead it."""
    lead(scene, _others(scene, host)[0])


def _watch(scene: Scene, holder: Host, seen: Seen, over: threading.Event) -> None:
    asked = _key(scene)
    with httpx.Client(timeout=0.5) as client:
        while not over.wait(_EVERY_S) and seen.taken is None:
            for host in _others(scene, holder):
                try:
                    answer = client.post(f"http://{host.at(ETCD_PORT)}/v3/kv/range", json=asked)
                    found = answer.raise_for_status().json().get("kvs", [])
                except httpx.HTTPError:
                    continue
                who = base64.b64decode(found[0]["value"]).decode() if found else None
                if who != holder.name:
                    seen.gone = seen.gone or time.monotonic()
                if who not in (None, holder.name):
                    seen.taken = time.monotonic()
                break


def _others(scene: Scene, host: Host) -> list[Host]:
    return [each for each in scene.cluster.inventory.hosts if each != host]


def _key(scene: Scene) -> dict[str, str]:
    path = f"/saferoute/{scene.cluster.inventory.name}/leader"
    return {"key": base64.b64encode(path.encode()).decode()}


def _etcdctl(scene: Scene, *words: str) -> str:
    endpoints = ",".join(host.at(ETCD_PORT) for host in scene.cluster.inventory.hosts)
    command = ["etcdctl", f"--endpoints={endpoints}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
