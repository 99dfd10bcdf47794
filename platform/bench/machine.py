"""What this machine is, in one line that belongs above its figures: no names, no paths."""

import os
import re
from pathlib import Path

_PROC = Path("/proc")
# What networks on CPUs are faster by, the names as Linux has them.
_FEATURES = (
    *("avx2", "fma", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_bf16", "amx_int8", "asimd", "asimddp", "bf16", "i8mm", "sve"),
)
_KIBIBYTES_A_GIBIBYTE = 1024 * 1024


def describe(*, proc: Path = _PROC) -> str:
    """Return cores that may be used, the CPU's model and features, and the memory.

    Args:
        proc: where the kernel tells of the machine.
    """
    cpu = (proc / "cpuinfo").read_text()
    cores = len(os.sched_getaffinity(0))
    model = re.search(r"^model name\s*:\s*(.+)$", cpu, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", cpu, re.MULTILINE)
    there = set(flags[1].split()) if flags else set()
    has = " ".join(feature for feature in _FEATURES if feature in there) or "no wide instructions"
    kibibytes = re.search(r"^MemTotal:\s*(\d+) kB", (proc / "meminfo").read_text(), re.MULTILINE)
    memory = round(int(kibibytes[1]) / _KIBIBYTES_A_GIBIBYTE) if kibibytes else 0
    return f"{cores} cores, {model[1] if model else 'unnamed CPU'} ({has}), {memory} GiB"
