"""People who watch for alerts, in a process of their own: `python -m bench.alerts.watchers URL...`.

Standard input begins with a JSON array of accounts; `ready` is printed once each of them was shown
something. Then each line is an object of numbers, answered `shown` once every account was shown so
many messages; or null, answered with what each was: [[seq, alert_id, event, seconds since 1970]].
"""

import asyncio
import json
import sys

import uvloop

from tests.ha.watchers import Watcher


async def main(urls: list[str]) -> None:
    """Watch until the input ends."""
    watchers = [Watcher(account) for account in json.loads(sys.stdin.readline())]
    tasks = [
        asyncio.create_task(watcher.watch(urls[number % len(urls)]))
        for number, watcher in enumerate(watchers)
    ]
    for watcher in watchers:
        await watcher.until_shown(1)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        wanted = json.loads(line)
        if wanted is None:
            print(json.dumps(told(watchers)), flush=True)
            continue
        for watcher in watchers:
            await watcher.until_shown(wanted.get(watcher.account, 0))
        print("shown", flush=True)
    for task in tasks:
        task.cancel()


def told(watchers: list[Watcher]) -> dict[str, list[list[object]]]:
    """What each was shown."""
    return {
        watcher.account: [
            [alert.seq, alert.alert_id, alert.event, at]
            for alert, at in zip(watcher.shown, watcher.times, strict=True)
        ]
        for watcher in watchers
    }


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
