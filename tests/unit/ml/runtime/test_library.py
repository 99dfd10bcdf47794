import subprocess
import sys

from config.env import ROOT

_PROGRAM = """
import sys
REACHES_OUT = {"os.fork", "os.posix_spawn", "socket.connect", "socket.getaddrinfo"}
sys.addaudithook(lambda event, _: event in REACHES_OUT and print(event))

import threading
from PIL import Image
from ml.detection import registry as detectors
from ml.encoders import registry as encoders

picture = Image.new("RGB", (64, 48), "teal")
encoders.load("semblance_lite").encode([picture])
detectors.load("ssd_mobilenet").detect([picture])
print(*(thread.name for thread in threading.enumerate() if "network" not in thread.name))
"""


def test_packaged_networks_start_no_process_and_call_nobody():
    """A plain `import openvino` does both: it reports itself, from a thread of its own."""
    assert output_of(_PROGRAM) == ["MainThread"]


_RELEASED_ELSEWHERE = """
import signal
import threading

import numpy as np
from ml.runtime.library import openvino, ops
from ml.runtime.network import CompiledNetwork

pixels = ops.parameter([-1, 4, 4, 3], np.uint8)
sums = ops.reduce_sum(ops.convert(pixels, np.float32), np.array([1, 2, 3]), keep_dims=False)
graph = openvino.Model([sums], [pixels], "sums")
networks = [CompiledNetwork(graph, precision="float32", threads=1)]
print(networks[0].run(np.ones((1, 4, 4, 3), np.uint8))[0])
del graph, pixels, sums
thread = threading.Thread(target=networks.clear)
thread.start()
thread.join()
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
signal.raise_signal(signal.SIGTERM)
"""


def test_a_process_takes_signals_after_another_thread_released_its_network():
    """The runtime left the first thread a stack for signals that was gone."""
    assert output_of(_RELEASED_ELSEWHERE) == ["[48.]", "handled"]


def output_of(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout.split()
