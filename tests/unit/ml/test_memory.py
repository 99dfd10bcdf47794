import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

_FAULTS = """
import resource
import torch
from ml.memory import keep_freed_memory

assert keep_freed_memory()
block = 64 * 1024 * 1024
for _ in range(10):
    torch.ones(block, dtype=torch.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(block, dtype=torch.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_memory_of_one_pass_serves_the_next():
    """20 blocks of 64 MB are 320,000 pages; a process of its own, since the setting stays."""
    done = subprocess.run(
        [sys.executable, "-c", _FAULTS], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert int(done.stdout) < 1000


_RESIDENT = """
import numpy as np
import psutil
from ml.memory import give_back_freed_memory, keep_freed_memory

assert keep_freed_memory()
for _ in range(3):
    np.ones(256 * 1024 * 1024, np.uint8)
before = psutil.Process().memory_info().rss
assert give_back_freed_memory()
print((before - psutil.Process().memory_info().rss) // (1024 * 1024))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_what_was_kept_is_given_back_between_jobs():
    done = subprocess.run(
        [sys.executable, "-c", _RESIDENT], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert int(done.stdout) >= 250  # of 256 MiB
