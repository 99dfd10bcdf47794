"""`python -m deploy.containers.health web|query|bulk|maintenance`: does this container do its work?

The supervisor's own questions, asked once: exit status 0 is well, 1 is not.
"""

import argparse
import socket
import sys

from config.env import Env, read_env
from deploy.local.health import Probe, worker_answers
from deploy.local.processes import build

_WEB = "web"
_WORKERS = ("query", "bulk", "maintenance")


def question(part: str, env: Env) -> Probe:
    """Return what is asked of a part: the web its page `/healthz`, a worker a ping."""
    if part == _WEB:
        return next(process.health for process in build(env) if process.name == _WEB)()
    return worker_answers(env.queue.url, f"{part}@{socket.gethostname()}")()


def main() -> int:
    """Ask, and return the exit status."""
    parser = argparse.ArgumentParser(prog="deploy.containers.health", description=main.__doc__)
    parser.add_argument("part", choices=(_WEB, *_WORKERS))
    part = parser.parse_args().part
    return 0 if question(part, read_env())() else 1


if __name__ == "__main__":
    sys.exit(main())
