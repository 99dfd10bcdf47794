"""OpenVINO without the report that a plain import of it sends. Nothing else here imports it.

Its conversion tools, which an import of the package loads, fork this process from a thread, send
"general_import" to Google Analytics with an id that they keep in the home folder, and ask nobody.
The package does without them where they are missing; they are also a quarter of its memory.
"""

import sys

sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment] # "missing", to an import

import openvino  # noqa: E402
from openvino import opset13 as ops  # noqa: E402

__all__ = ["core", "openvino", "ops"]

# The one core of this process, which nothing may release before it ends. A core's first use gives
# the thread that makes it another stack for signals; its release unmaps that, and takes it back
# only from the thread that releases. Where these are two, the next signal ends the process without
# a word (2026.4.1).
core = openvino.Core()
