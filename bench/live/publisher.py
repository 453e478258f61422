"""What publishes positions as an API process does after a commit: `python -m bench.live.publisher`
takes the same orders as socketio/publisher.mjs.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime

import uvloop

from api.lines import Lines
from api.publications import Publications
from common.redis import Redis
from common.settings import settings

_ANSWER = '{"accepted" : 1, "duplicates" : 0, "quarantined" : []}'


async def main() -> None:
    """Do as standard input tells."""
    redis = Redis(settings())
    assert await redis.warm()
    lines = Lines(redis)
    publications = Publications(redis, lines)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        topics = [topic.removeprefix("journey:") for topic in order["topics"]]
        begun = time.monotonic()
        for number in range(order["messages"]):
            early = begun + number / order["per_second"] - time.monotonic()
            # Where it is late too it lets answers in: what waits for too many is dropped.
            await asyncio.sleep(early if early > 0.001 else 0)
            point = {
                "recorded_at": datetime.now(UTC).isoformat(),
                "lon": -77.03654,
                "lat": 38.89768,
                "speed_mps": 1.3,
            }
            call = {"journey_id": topics[number % len(topics)], "points": [point]}
            publications.publish_position(call, _ANSWER)
        await publications.close()
        print("done", flush=True)


if __name__ == "__main__":
    uvloop.run(main())
