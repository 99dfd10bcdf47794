#!/bin/sh
# kombu: with celery and redis installed, the first message to a Redis broker is a ModuleNotFoundError.
#
# Guess: Celery needs the package redis for a redis:// broker, and nothing else; what is missing is
#        missed when the application is made.
# Seen:  kombu's transport imports packaging, which only the extra celery[redis] brings along. Most
#        environments have it by way of something else, so that a lean image is the first to fail, and
#        only when it sends.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check celery==5.7.0 kombu==5.7.0 redis==8.1.0
cat > send.py <<'PY'
from celery import Celery
from kombu.exceptions import OperationalError

app = Celery("finding", broker="redis://127.0.0.1:1/0")
app.conf.broker_transport_options = {"max_retries": 0}
print("the application is made")
try:
    app.send_task("work", retry=False)
except OperationalError:
    print("the broker was looked for")
except ModuleNotFoundError as error:
    print("sending:", error)
PY
venv/bin/python send.py | tee without
venv/bin/python -m pip install --quiet --disable-pip-version-check "celery[redis]==5.7.0"
venv/bin/python send.py | tee with
grep -q "the application is made" without
grep -q "sending: No module named 'packaging'" without
grep -q "the broker was looked for" with
