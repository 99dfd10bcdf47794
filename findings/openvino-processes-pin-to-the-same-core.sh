#!/bin/sh
# OpenVINO: two processes that ask for one thread each compute on the same core.
#
# Guess: the threads of a network go wherever the kernel has room, as those of OpenMP and torch do.
# Seen:  by default the one thread may run on a single core, in every process on the same one, so that
#        further processes share it while other cores idle. With ENABLE_CPU_PINNING off it may run on all.
#        Two workers of ours indexed 28 pictures a second that way, and 37 without pinning.
#        cores of the computing thread: pinned 1, the same in both: True; not pinned: all
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check numpy==2.4.6 openvino==2026.4.1
cat > cores.py <<'PY'
import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as ops

pixels = ops.parameter([1, 16, 256, 256], np.float32)
kernel = np.ones((16, 16, 3, 3), np.float32)
values = ops.convolution(pixels, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
options = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
if sys.argv[1] == "free":
    options["ENABLE_CPU_PINNING"] = False
model = openvino.Model([values], [pixels], "one")
request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()


def compute() -> None:
    for _ in range(600):
        request.infer([np.ones((1, 16, 256, 256), np.float32)])


seen = set()
computing = threading.Thread(target=compute)
computing.start()
while computing.is_alive():
    for task in Path("/proc/self/task").iterdir():
        try:
            seen.add(tuple(sorted(os.sched_getaffinity(int(task.name)))))
        except OSError:  # it has just ended
            continue
    time.sleep(0.005)
print(json.dumps(min(seen, key=len)))
PY
venv/bin/python - <<'PY'
import json
import os
import subprocess
import sys

cores = sorted(os.sched_getaffinity(0))
if len(cores) < 2:
    sys.exit("this machine has one core: nothing to see")


def of_two_processes(how: str) -> list[list[int]]:
    running = [
        subprocess.Popen([sys.executable, "cores.py", how], stdout=subprocess.PIPE) for _ in range(2)
    ]
    return [json.loads(process.communicate()[0]) for process in running]


pinned, free = of_two_processes("pinned"), of_two_processes("free")
print(
    f"cores of the computing thread: pinned {len(pinned[0])}, the same in both: "
    f"{pinned[0] == pinned[1]}; not pinned: {'all' if free[0] == cores else free[0]}"
)
assert pinned[0] == pinned[1]
assert len(pinned[0]) == 1
assert free == [cores, cores]
PY
