"""Detectors by name. Importing this file loads no torch; choosing "auto" does."""

from importlib.util import find_spec
from pathlib import Path

from ml.detection.base import Detector
from ml.detection.none import NoDetector
from ml.errors import UnknownDetector
from ml.types import Choice

NONE = "none"
KNOWN = ("yolo", "yolo:<weights name or path>", "ssd_mobilenet", NONE)
_WEIGHTS_SUFFIXES = (".pt", ".onnx")


def load(
    choice: str,
    *,
    device: str = "auto",
    precision: str = "auto",
    batch_size: int = 8,
    threads: int | None = None,
    cache_dir: Path | None = None,
) -> Detector:
    """Return a loaded detector, ready to be used.

    Args:
        choice: one of these, whose weights come from disk or are fetched:
            "yolo", or "yolo:" and a weights file of ultralytics (.pt, or exported to .onnx), or its
            official name; the path of such a file alone means the same;
            "ssd_mobilenet": the packaged detector, which runs on the CPU;
            "none": finds nothing.
        device: see `ml.devices.resolve`.
        precision: of "ssd_mobilenet", see `ml.runtime.precision.served`; yolo has that of its
            device.
        batch_size: pictures in one forward pass of yolo at most.
        threads: of "ssd_mobilenet"; None is one a core.
        cache_dir: where downloaded weights are kept; None is the libraries' own folders.

    Raises:
        UnknownDetector: no detector has this name.
        WeightsUnavailable: neither on this machine nor to be fetched.
        CheckpointMismatch: the file is no network that this detector runs.
        DeviceUnavailable: see `ml.devices.resolve`.
        RuntimeFailed: the inference runtime does not run the network here.
    """
    name, reference = _parsed(choice)
    if name == NONE:
        return NoDetector()
    if name == "ssd_mobilenet":
        from ml.detection import ssd
        from ml.runtime.precision import served

        return ssd.load(precision=served(precision), threads=threads, cache_dir=cache_dir)
    import torch

    from ml import devices
    from ml.detection import yolo

    target = devices.resolve(device)
    # As encoders do: convolutions in bfloat16 find other things, and are no faster on a CPU.
    dtype = torch.float32 if target.type == "cpu" else devices.dtype_for(target)
    return yolo.load(
        reference, device=target, dtype=dtype, batch_size=batch_size, cache_dir=cache_dir
    )


def choose(setting: str, *, cache_dir: Path | None = None) -> Choice:
    """Return the detector that a setting stands for, within about 5 s; no weights are loaded.

    Args:
        setting: a choice as `load` takes it, which is returned as it is; or "auto": yolo where its
            weights are on disk or can be downloaded, else ssd_mobilenet where its package is
            installed, else none.
        cache_dir: as for `load`.

    Raises:
        UnknownDetector: neither "auto" nor a known name.
    """
    if setting != "auto":
        _parsed(setting)
        return Choice(name=setting, reason=f"{setting} was asked for by name.")
    from ml.detection import ssd

    is_available, why = _yolo_availability(cache_dir)
    if is_available:
        return Choice(name="yolo", reason=f"The main detector, yolo, is used: {why}.")
    if ssd.is_installed():
        reason = f"The packaged detector, {ssd.NAME}, is used instead of yolo: {why}."
        return Choice(name=ssd.NAME, reason=reason)
    reason = f"No objects are looked for: {why}, and {ssd.PACKAGE} is not installed."
    return Choice(name=NONE, reason=reason)


def _yolo_availability(cache_dir: Path | None) -> tuple[bool, str]:
    """Return whether yolo can be used, and why; an installation may lack ultralytics."""
    if find_spec("ultralytics") is None:
        return False, "ultralytics is not installed"
    from ml.weights import yolo

    return yolo.default_availability(cache_dir)


def _parsed(choice: str) -> tuple[str, str]:
    """Return a detector's name and the weights behind it, "" for its own."""
    name, colon, reference = choice.partition(":")
    if name == "yolo" and bool(reference) == bool(colon):
        return name, reference
    if choice in ("ssd_mobilenet", NONE):
        return choice, ""
    if not choice.startswith("yolo:") and choice.lower().endswith(_WEIGHTS_SUFFIXES):
        return "yolo", choice
    raise UnknownDetector(
        f"There is no detector {choice!r}; known are {', '.join(KNOWN)}.", choice=choice
    )
