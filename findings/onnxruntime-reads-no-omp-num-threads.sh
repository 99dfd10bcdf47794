#!/bin/sh
# onnxruntime: OMP_NUM_THREADS does not limit its threads, on machines of two cores and more.
#
# Guess: the variable that limits torch, numpy and OpenCV limits this one, too.
# Seen:  with OMP_NUM_THREADS=1 a session starts as many threads as without it; only
#        SessionOptions.intra_op_num_threads=1 starts none.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.20.0 numpy==2.4.6
venv/bin/python - <<'PY'
import os
import subprocess
import sys

PROGRAM = """
import sys
import onnxruntime
from onnx import TensorProto, helper
def threads():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("Threads")).split()[1])
value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", value[:1], value[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
options = onnxruntime.SessionOptions()
if len(sys.argv) > 1:
    options.intra_op_num_threads = 1
before = threads()
session = onnxruntime.InferenceSession(model.SerializeToString(), options)
print(threads() - before)
"""


def started(*arguments: str, **variables: str) -> int:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    environ = {**os.environ, **variables}
    return int(subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout)


cores = len(os.sched_getaffinity(0))
plain, by_variable, by_option = started(), started(OMP_NUM_THREADS="1"), started("one")
print(f"{cores} cores: {plain} threads, {by_variable} with OMP_NUM_THREADS=1, {by_option} by option")
assert by_option == 0
assert cores == 1 or plain == by_variable > 0
PY
