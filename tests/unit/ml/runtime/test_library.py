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
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True
    )

    assert (done.stdout.split(), done.returncode) == (["MainThread"], 0), done.stderr
