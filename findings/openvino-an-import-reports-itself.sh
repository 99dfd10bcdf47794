#!/bin/sh
# OpenVINO: a plain `import openvino` forks the process and calls Google Analytics.
#
# Guess: an import computes nothing and sends nothing; a tool that reports asks first, or says so.
# Seen:  the package imports its conversion tools, which start a thread, which forks the process, whose
#        child opens www.google-analytics.com; an id of this user is kept in the home folder. Nothing is
#        asked or printed. Without `openvino.tools.ovc` the import does none of it, says nothing of what
#        is missing, and computes as before.
#        plain: os.fork www.google-analytics.com, id kept True; without the tools: nothing, id kept False
#        The fork happens while other threads run, so in a test process or a worker it copies whatever
#        locks they hold. Our import leaves the tools out (`ml/runtime/library.py`).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 openvino==2026.4.1 openvino-telemetry==2025.2.0
cat > watch.py <<'PY'
import os
import sys
from concurrent.futures import thread
from pathlib import Path

events = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_APPEND)


def hear(event: str, arguments: tuple[object, ...]) -> None:
    if event == "os.fork":
        os.write(events, b"os.fork\n")
    elif event == "socket.getaddrinfo":
        os.write(events, f"{arguments[0]}\n".encode())
        raise OSError("not from here")  # nothing is sent


sys.addaudithook(hear)
if "without" in sys.argv:
    sys.modules["openvino.tools.ovc"] = None
import openvino  # noqa: E402

assert openvino.Core().available_devices
thread._python_exit()  # as at the end of the process: reports on their way are waited for
print(Path("~/intel/openvino_ga_cid").expanduser().exists())
PY
mkdir home-plain home-without
plain=$(env -u CI HOME="$work/home-plain" venv/bin/python watch.py plain.txt 2> /dev/null | tail -n 1)
left_out=$(env -u CI HOME="$work/home-without" venv/bin/python watch.py without.txt without | tail -n 1)
seen=$(sort -u plain.txt | paste -s -d ' ')
seen_without=$(sort -u without.txt | paste -s -d ' ')
echo "plain: $seen, id kept $plain; without the tools: ${seen_without:-nothing}, id kept $left_out"
test "$seen, $plain" = "os.fork www.google-analytics.com, True"
test "$seen_without, $left_out" = ", False"
