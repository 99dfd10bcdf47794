import os
from pathlib import Path

import pytest

from bench.machine import describe

X86 = (
    "processor\t: 0\nmodel name\t: A Processor @ 2.00GHz\nflags\t\t: fpu avx2 amx_bf16 sse\n\n"
    "processor\t: 1\nmodel name\t: A Processor @ 2.00GHz\nflags\t\t: fpu avx2 amx_bf16 sse\n"
)
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd bf16 i8mm\n"


@pytest.mark.parametrize(
    ("cpu", "described"),
    [
        (X86, "A Processor @ 2.00GHz (avx2 amx_bf16)"),
        (ARM, "unnamed CPU (asimd bf16 i8mm)"),
        ("", "unnamed CPU (no wide instructions)"),
    ],
    ids=["x86", "ARM", "nothing"],
)
def test_a_machine_in_a_line(tmp_path: Path, cpu: str, described: str) -> None:
    (tmp_path / "cpuinfo").write_text(cpu)
    (tmp_path / "meminfo").write_text("MemTotal:       24117248 kB\nMemFree:  1 kB\n")

    cores = len(os.sched_getaffinity(0))

    assert describe(proc=tmp_path) == f"{cores} cores, {described}, 23 GiB"
