"""`python -m deploy.containers.health web|query|bulk|maintenance`: does this container do its work?

The supervisor's own questions, asked once: exit status 0 is well, 1 is not.
"""

import argparse
import socket
import sys

from config.env import Env, read_env
from deploy.local.health import Probe, worker_answers
from deploy.local.processes import build

_WORKERS = ("query", "bulk")
_OTHERS = ("maintenance", "web")


def question(part: str, env: Env) -> Probe:
    """Return what is asked of a part: a worker answers a ping, whether it is warm or not."""
    if part in _OTHERS:
        return next(process.health for process in build(env) if process.name == part)()
    return worker_answers(env.queue.url, f"{part}@{socket.gethostname()}")()


def main() -> int:
    """Ask, and return the exit status."""
    parser = argparse.ArgumentParser(prog="deploy.containers.health", description=main.__doc__)
    parser.add_argument("part", choices=(*_WORKERS, *_OTHERS))
    part = parser.parse_args().part
    return 0 if question(part, read_env())() else 1


if __name__ == "__main__":
    sys.exit(main())
