"""What a waiting person is told of pip's output."""

import io

import pytest

from deploy.local.pip_output import Progress, describe, explain


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("Collecting torch==2.14.1 (from -r requirements.txt (line 5))", "looking at torch"),
        (
            "  Downloading torch-2.14.1-cp311-cp311-manylinux_2_28_x86_64.whl (915.2 MB)",
            "downloading torch (915.2 MB)",
        ),
        (
            "  Downloading https://x.org/a/torch-2.1-py3-none-any.whl (1.2 GB)",
            "downloading torch (1.2 GB)",
        ),
        ("  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)", None),
        ("  Downloading numpy-2.4.6-cp311-cp311-manylinux.whl (16.8 MB)", None),
        ("Installing collected packages: a, b, c", "installing 3 packages"),
        ("Installing collected packages: a", "installing 1 package"),
        ("Requirement already satisfied: six in ./.venv/lib", None),
    ],
)
def test_describe(line: str, step: str | None) -> None:
    assert describe(line) == step


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "x\nERROR: Could not install: [Errno 28] No space left on device\n",
            "The disk is full.",
        ),
        (
            "WARNING: NewConnectionError\nERROR: No matching distribution found for a\n",
            "The package registry cannot be reached.",
        ),
        (
            "ERROR: Could not find a version\nERROR: No matching distribution found for a\n",
            "No matching distribution found for a",
        ),
        ("Segmentation fault\n", "pip ended without a reason."),
    ],
    ids=["full", "offline", "unknown package", "silent"],
)
def test_explain(output: str, sentence: str) -> None:
    assert explain(output) == sentence


def test_without_a_terminal_few_lines_are_written() -> None:
    out = io.StringIO()
    with Progress(out) as progress:
        for name in ("torch", "six"):
            progress.read(f"Collecting {name}")
            progress.read(f"  Downloading {name}-1.0-py3-none-any.whl (900 MB)")
        progress.read("Installing collected packages: six, torch")
    assert out.getvalue() == (
        "  downloading torch (900 MB)\n  downloading six (900 MB)\n  installing 2 packages\n"
    )
