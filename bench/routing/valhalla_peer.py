"""Valhalla's side of the comparison, run by the Python that has pyvalhalla.

`python valhalla_peer.py MAP.osm.pbf FOLDER` builds tiles in FOLDER, then answers requests, one
JSON object a line, with [milliseconds in Actor.route, metres]; null metres where it finds no walk.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import valhalla
from valhalla.config import get_config


def main(pbf: str, folder: Path) -> None:
    settings = get_config(tile_extract="", tile_dir=folder)
    settings["mjolnir"]["concurrency"] = 2
    config = folder / "valhalla.json"
    config.write_text(json.dumps(settings))
    program = Path(valhalla.__file__).parent / "bin" / "valhalla_build_tiles"
    subprocess.run([program, "-c", config, pbf], check=True, capture_output=True)
    actor = valhalla.Actor(str(config))
    print(valhalla.__version__, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        try:
            answer = actor.route(line)
        except RuntimeError:
            answer = None
        milliseconds = 1000 * (time.perf_counter() - start)
        metres = answer and 1000 * json.loads(answer)["trip"]["summary"]["length"]
        print(json.dumps([milliseconds, metres]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
