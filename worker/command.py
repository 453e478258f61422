"""The operators' command, which does upkeep and exports: a process of its own, settings as here."""

import subprocess
import sys


def saferoute(*words: str, timeout_s: float, told: str = "") -> "subprocess.CompletedProcess[str]":
    """Run it to its end; `told` is its standard input. Raises subprocess.TimeoutExpired."""
    line = [sys.executable, "-c", "from ops.command import main; main()", *words]
    return subprocess.run(
        line, input=told, capture_output=True, text=True, check=False, timeout=timeout_s
    )
