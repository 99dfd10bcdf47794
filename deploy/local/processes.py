"""The topology: which processes make up Semblance on one machine, and in which order they start."""

import os
import socket
import sys
from pathlib import Path

from config.env import Env
from deploy.local.children import Process
from deploy.local.health import broker_answers, http_answers, touched_lately, worker_answers
from kernel import task_names

ROOT = Path(__file__).resolve().parents[2]

# A first start may fetch an encoder's weights: some 600 MB over a slow line.
_PREPARE_S = 3600.0
# Searches that a process of the query worker works on at a time: they share its models, and a pass
# of one takes along what the others want.
_QUERY_THREADS = 4
# Where cores are short, pages go before searches, whose models take all cores, and an import takes
# what both leave; see nice(2): five steps are three times the share.
_SEARCH_NICENESS, _IMPORT_NICENESS = 5, 15
# Of what has many threads.
_SMALL = (
    # Of numpy: our products are small, and OpenBLAS's other threads spin while they wait: with two
    # of them on two busy cores a product took 10 to 30 times as long.
    "OPENBLAS_NUM_THREADS=1",
    # Of glibc: else every thread keeps free memory of its own. After its first hundred searches
    # a web process grew by 42 MB in the next 600, and by 9 with this.
    "MALLOC_ARENA_MAX=2",
)
# Its file is touched every second.
_MAINTENANCE_SIGN_S = 5.0
# Importing torch and reading the weights takes 5 s on two idle cores.
_WARM_UP_S = 300.0


def build(env: Env, *, query_processes: int = 1, bulk_processes: int = 2) -> tuple[Process, ...]:
    """Return the processes in the order of starting; stopping goes backwards.

    A part that a variable points elsewhere (BROKER_URL, QDRANT_URL) is left out.

    Args:
        env: the product's environment.
        query_processes: how many answer searches, each with models of its own.
        bulk_processes: how many index pictures at a time.
    """
    parts = [_database(), *_stores(env)]
    stores = tuple(part.name for part in parts)
    prepare = Process(
        "prepare",
        _python("workers.prepare"),
        needs=stores,
        start_timeout_s=_PREPARE_S,
        runs_once=True,
        shows_output=True,
    )
    workers = (*_query_workers(env, query_processes), _bulk_worker(env, bulk_processes))
    return (*parts, prepare, *workers, _maintenance(env), _web(env))


def _database() -> Process:
    return Process(
        "prepare_database",
        (sys.executable, str(ROOT / "manage.py"), "prepare_database"),
        # A migration of a large catalogue takes its time.
        start_timeout_s=3600.0,
        runs_once=True,
        shows_output=True,
    )


def _stores(env: Env) -> list[Process]:
    stores = []
    if env.queue.is_embedded:
        folder, path = env.data_dir / "broker", env.queue.socket
        argv = _python("deploy.local.broker", "--folder", str(folder), "--socket", str(path))
        stores.append(Process("broker", argv, health=broker_answers(path)))
    if env.vectors.is_embedded:
        folder, port = env.data_dir / "vectors", str(env.vectors.port)
        address = ("--host", "127.0.0.1", "--port", port)
        argv = _python("vectors.edge", "--data", str(folder), *address)
        health = http_answers(f"{env.vectors.url}/healthz")
        stores.append(Process("vectors", argv, health=health, stop_timeout_s=30.0))
    return stores


def _query_workers(env: Env, count: int) -> list[Process]:
    names = ["query"] if count == 1 else [f"query{number}" for number in range(1, count + 1)]
    return [
        Process(
            name,
            _worker(
                *(env, name, "query"),
                *("--pool", "threads", "--concurrency", str(_QUERY_THREADS)),
                processes=count,
            ),
            needs=("prepare",),
            health=worker_answers(env.queue.url, _node(name), warm_up=task_names.WARM_UP),
            start_timeout_s=_WARM_UP_S,
            stop_timeout_s=30.0,
            niceness=_SEARCH_NICENESS,
        )
        for name in names
    ]


def _bulk_worker(env: Env, processes: int) -> Process:
    return Process(
        "bulk",
        _worker(
            *(env, "bulk", "bulk,maintenance"),
            *("--pool", "prefork", "--concurrency", str(processes)),
            processes=processes,
        ),
        needs=("prepare",),
        health=worker_answers(env.queue.url, _node("bulk")),
        # A chunk of large pictures on a slow machine; what is cut off is delivered again.
        stop_timeout_s=120.0,
        niceness=_IMPORT_NICENESS,
    )


def _node(name: str) -> str:
    """Return a worker's full name on this machine."""
    return f"{name}@{socket.gethostname()}"


def _maintenance(env: Env) -> Process:
    health = touched_lately(env.data_dir / "run" / "maintenance", within_s=_MAINTENANCE_SIGN_S)
    return Process("maintenance", _python("workers.maintenance"), needs=("prepare",), health=health)


def _web(env: Env) -> Process:
    gunicorn = _python("gunicorn", "--config", "python:config.gunicorn", "config.wsgi")
    health = http_answers(f"{web_address(env)}healthz", host=_known_name(env))
    return Process(
        "web",
        ("env", *_SMALL, *gunicorn),
        needs=("prepare",),
        health=health,
        stop_timeout_s=25.0,
    )


def web_address(env: Env) -> str:
    """Return the site's address as seen from this machine, with a slash at its end."""
    if env.web.host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        return f"http://localhost:{env.web.port}/"
    host = f"[{env.web.host}]" if ":" in env.web.host else env.web.host
    return f"http://{host}:{env.web.port}/"


def _known_name(env: Env) -> str | None:
    """Return a Host that the site accepts, where the list of them was set to other names."""
    names = [name for name in env.site.allowed_hosts if name != "*" and not name.startswith(".")]
    return None if not names or "localhost" in names or "127.0.0.1" in names else names[0]


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _celery(env: Env, app: str, *arguments: str) -> tuple[str, ...]:
    level = ("--loglevel", env.logging.level)
    return _python("celery", "--app", app, *arguments, *level)


def _worker(env: Env, name: str, queues: str, *pool: str, processes: int) -> tuple[str, ...]:
    """Return the command of a worker, one of so many processes that do the same work."""
    node = ("--hostname", f"{name}@%h", "--queues", queues)
    # Workers tell each other nothing here: looking for neighbours costs a second at each start.
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    # As many threads as cores in all: processes that each use every core stand in each other's way.
    threads = max(1, (os.cpu_count() or 1) // processes)
    shares = (
        *(f"OMP_NUM_THREADS={threads}", f"WORKER_THREADS={threads}"),
        *_SMALL,
        # The site on the same machine shows what all of them count.
        "METRICS_PORT=",
    )
    return ("env", *shares, *_celery(env, "workers.app", "worker", *node, *pool, *alone))
