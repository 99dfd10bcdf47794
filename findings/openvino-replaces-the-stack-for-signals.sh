#!/bin/sh
# OpenVINO: asking a device for one property gives the calling thread another stack for signals.
#
# Guess: a library that computes leaves signals alone, and the stack that faulthandler set up for them.
# Seen:  the first question to a core replaces it; releasing the core brings the old one back. All of a
#        Python process's signal handlers run on it, faulthandler's report of a crash too. (A test
#        process of ours ended by SIGSEGV now and then, without a report: the stack in place had gone with
#        a core. One core for the life of the process mended it.)
#        at first faulthandler's; after the question another one; after the release faulthandler's
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check openvino==2026.4.1
venv/bin/python - <<'PY'
import ctypes
import faulthandler

import openvino


class Stack(ctypes.Structure):
    _fields_ = [
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("size", ctypes.c_size_t),
    ]


def stack_for_signals() -> tuple[int | None, int]:
    stack = Stack()
    assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack)) == 0
    return stack.address, stack.size


nobodys = stack_for_signals()
faulthandler.enable()
own = stack_for_signals()
assert own != nobodys

core = openvino.Core()
assert stack_for_signals() == own
core.get_property("CPU", "INFERENCE_PRECISION_HINT")
asked = stack_for_signals()
del core
released = stack_for_signals()

of = {own: "faulthandler's"}
print(
    f"at first {of[own]}; after the question {of.get(asked, 'another one')}; "
    f"after the release {of.get(released, 'another one')}"
)
assert asked != own
assert released == own
PY
