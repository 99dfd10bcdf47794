#!/bin/sh
# Celery: a worker with --pool=solo runs a task beyond its hard time limit, without a word.
#
# Guess: time_limit=1 ends a task of three seconds, whatever the pool.
# Seen:  the solo pool has no second process that could end it: the task returns "done" after 3 s. Only
#        prefork enforces limits.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check celery==5.7.0
venv/bin/python - <<'PY'
import time

from celery import Celery
from celery.contrib.testing.worker import start_worker

app = Celery("finding", broker="memory://", backend="cache+memory://")


@app.task(time_limit=1, soft_time_limit=1)
def slow() -> str:
    time.sleep(3)
    return "done"


with start_worker(app, pool="solo", perform_ping_check=False):
    began = time.monotonic()
    answer = slow.delay().get(timeout=20)
    seconds = time.monotonic() - began
print(answer, f"after {seconds:.1f} s with time_limit=1")
assert answer == "done"
assert seconds >= 3
PY
