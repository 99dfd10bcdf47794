"""Encoders by name. Importing this file, and choosing, loads no torch."""

from __future__ import annotations  # for types that would load torch

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ml import devices
from ml.encoders import checkpoint_files, presets
from ml.encoders.base import Encoder, WordsEncoder
from ml.encoders.presets import Preset
from ml.errors import (
    CheckpointMismatch,
    EncoderKnowsNoWords,
    EncoderNotTrainable,
    UnknownEncoder,
    WeightsUnavailable,
)
from ml.types import Choice

if TYPE_CHECKING:
    import torch

    from ml.encoders.network import EncoderNetwork

logger = logging.getLogger(__name__)

CLIP_WEIGHTS = presets.read(presets.DEFAULT).reference
# The encoder in this repository: it needs no other package and no hub.
PACKAGED = "semblance_lite"
_PACKAGED_FOLDER = Path(__file__).with_name("weights") / PACKAGED

# Whose checkpoints the inference runtime runs on a CPU.
_COMPILED_FAMILY = "efficientnet_lite"

_LITE_NETWORKS = ("lite0", "lite1", "lite2")
_FUSION_MODES = ("fusion", "concat", "clip", "blip")
KNOWN = (
    "semblance_lite",
    "clip",
    *(f"clip:{name}" for name in presets.list_names()),
    "clip:<hub id or folder>[@revision]",
    "clip_blip_fusion",
    f"clip_blip_fusion:<{'|'.join(_FUSION_MODES)} or checkpoint folder>",
    "yolo",
    "yolo:<weights name or path>",
    "efficientnet_lite",
    f"efficientnet_lite:<{'|'.join(_LITE_NETWORKS)}>",
    "<folder of a checkpoint made by training>",
)


@dataclass(frozen=True, slots=True)
class _Family:
    """How the registry deals with one kind of network.

    Attributes:
        load_network: reference and cache folder → the network.
        module: the file that builds it from a config, imported only then.
        is_transformer: those keep their embeddings in bfloat16 on a CPU. Convolutions do not: over
            495 photos the worst cosine to float32 was 0.9895, which reorders neighbours.
        is_trainable: whether training can save what it made of it.
        references: all that may stand behind the family's name, "" for nothing; None is anything.
    """

    load_network: Callable[[str, Path | None], EncoderNetwork]
    module: str
    is_transformer: bool
    is_trainable: bool = True
    references: tuple[str, ...] | None = None


def load(
    choice: str,
    *,
    device: str = "auto",
    precision: str = "auto",
    batch_size: int = 16,
    threads: int | None = None,
    cache_dir: Path | None = None,
) -> Encoder:
    """Return a loaded encoder, ready to embed.

    Args:
        choice: one of these, whose weights come from disk or are fetched:
            "semblance_lite": the packaged encoder;
            "clip", "clip:" and a preset's name, or "clip:" and a hub id or local folder of any CLIP
            or SigLIP checkpoint, with "@revision" behind a hub id where not the main one is meant;
            "clip_blip_fusion:" and a checkpoint folder, or one of concat, clip and blip for a
            comparison without training;
            "yolo", "yolo:" and a weights file of ultralytics, or its official name;
            "efficientnet_lite", or that and ":lite0" to ":lite2";
            or the folder of any checkpoint made by training.
            What is fetched stays what its first load fetched, see `ml.weights.pins`.
        device: see `ml.devices.resolve`.
        precision: one of `ml.runtime.precision.PRECISIONS`, as `EncoderSpec` records it, or "auto":
            what suits network and device. Where the device does not compute in it, which the log
            says, another is taken.
        batch_size: pictures in one forward pass of torch at most.
        threads: of the inference runtime; None is one a core. torch has a setting of its own.
        cache_dir: where downloaded weights are kept; None is the libraries' own folders.

    Raises:
        UnknownEncoder: no encoder has this name.
        WeightsUnavailable: neither on this machine nor to be fetched, or never trained.
        CheckpointMismatch: the files are not a whole checkpoint of this encoder.
        DeviceUnavailable: see `ml.devices.resolve`.
        RuntimeFailed: the inference runtime does not run the network here.
    """
    name, reference = _parsed(choice)
    folder = _compiled_folder(name, reference)
    if folder is not None and devices.is_cpu(device):
        from ml.encoders.families import efficientnet_graph
        from ml.runtime.precision import served

        return efficientnet_graph.load_encoder(folder, precision=served(precision), threads=threads)
    target = devices.resolve(device)
    if name == "clip_blip_fusion" and reference in ("", "fusion"):
        raise WeightsUnavailable(
            "Encoder clip_blip_fusion has no trained weights: train it (python -m ml --mode train "
            "with this encoder), then name the checkpoint's folder, clip_blip_fusion:<folder>.",
            choice=choice,
        )
    network = _load_network(name, reference, cache_dir)
    dtype = number_format(choice, network, target, precision=precision)
    return network.to_encoder(device=target, dtype=dtype, batch_size=batch_size)


def load_words(choice: str, *, device: str = "auto", cache_dir: Path | None = None) -> WordsEncoder:
    """Return what embeds words in the space of an encoder's pictures.

    Args:
        choice: as for `load`.
        device: as for `load`.
        cache_dir: as for `load`.

    Raises:
        UnknownEncoder: no encoder has this name.
        EncoderKnowsNoWords: the encoder embeds pictures alone.
        WeightsUnavailable: neither on this machine nor to be fetched.
        CheckpointMismatch: the files are not a whole checkpoint of this encoder.
        DeviceUnavailable: see `ml.devices.resolve`.
    """
    name, reference = _parsed(choice)
    if name != "clip" or checkpoint_folder(choice) is not None:
        # Training moves the pictures' embeddings and keeps no text tower to move with them.
        raise EncoderKnowsNoWords(
            f"Encoder {choice} embeds pictures alone: it knows no words. CLIP and SigLIP "
            "checkpoints, as they are published, do.",
            choice=choice,
        )
    from ml.weights.hub import Hub

    preset = _preset_of(name, reference)
    found = Hub(cache_dir).locate_with_tokenizer(preset.reference if preset else reference)
    from ml.encoders.families import text_towers

    target = devices.resolve(device)
    return text_towers.load(found, device=target, dtype=devices.dtype_for(target))


def load_network(choice: str, *, cache_dir: Path | None = None) -> EncoderNetwork:
    """Return a network to be trained: float32, on the CPU.

    Args:
        choice: as for `load`; "clip_blip_fusion" begins from its two towers.
        cache_dir: as for `load`.

    Raises:
        UnknownEncoder: no encoder has this name.
        EncoderNotTrainable: its network is not trained by this project.
        WeightsUnavailable: neither on this machine nor to be fetched.
        CheckpointMismatch: the files are not a whole checkpoint of this encoder.
    """
    name, reference = _parsed(choice)
    if name in _FAMILIES and not _FAMILIES[name].is_trainable:
        raise EncoderNotTrainable(
            f"Encoder {name} is not trained here; its weights are made by its own library.",
            choice=choice,
        )
    return _load_network(name, reference, cache_dir)


def number_format(
    choice: str, network: EncoderNetwork, device: torch.device, *, precision: str = "auto"
) -> torch.dtype:
    """Return the number format that an encoder is served in by torch.

    Args:
        choice: as for `load`.
        network: what the choice stands for.
        device: where it runs.
        precision: as for `load`.

    Raises:
        UnknownEncoder: no encoder has this name.
    """
    import torch

    if precision != "auto":
        wanted: torch.dtype = getattr(torch, precision)
        if wanted in (torch.float32, devices.dtype_for(device)):
            return wanted
        logger.warning("%s does not compute in %s: another format is taken.", device, precision)
    preset = _preset_of(*_parsed(choice))
    if preset is not None and preset.dtype != "auto":
        named: torch.dtype = getattr(torch, preset.dtype)
        return named
    if device.type == "cpu" and not _FAMILIES[network.family].is_transformer:
        return torch.float32
    return devices.dtype_for(device)


def choose(setting: str, *, cache_dir: Path | None = None) -> Choice:
    """Return the encoder that a setting stands for, within about 5 s.

    Args:
        setting: a choice as `load` takes it, which is returned as it is; or "auto": clip where its
            weights are on disk or the hub answers, else the packaged one.
        cache_dir: as for `load`.

    Raises:
        UnknownEncoder: neither "auto" nor a known name.
    """
    if setting != "auto":
        _parsed(setting)
        return Choice(name=setting, reason=f"{setting} was asked for by name.")
    from ml.weights.hub import Hub  # what it asks with takes longer to import than all of this

    is_available, why = Hub(cache_dir).availability(CLIP_WEIGHTS)
    if is_available:
        return Choice(name="clip", reason=f"The main encoder, clip, is used: {why}.")
    reason = f"The packaged encoder, {PACKAGED}, is used instead of clip: {why}."
    return Choice(name=PACKAGED, reason=reason)


def is_compiled(choice: str) -> bool:
    """Return whether the inference runtime runs a choice on a CPU.

    Raises:
        UnknownEncoder: no encoder has this name.
        WeightsUnavailable: the folder of a checkpoint is gone.
        CheckpointMismatch: it holds none.
    """
    return _compiled_folder(*_parsed(choice)) is not None


def checkpoint_folder(choice: str) -> Path | None:
    """Return the folder of this project's own checkpoint that a choice names, or None.

    Raises:
        UnknownEncoder: no encoder has this name.
    """
    _, reference = _parsed(choice)
    folder = Path(reference).expanduser()
    return folder if reference and checkpoint_files.is_checkpoint(folder) else None


def _compiled_folder(name: str, reference: str) -> Path | None:
    """Return the checkpoint of a network that the inference runtime runs, or None."""
    folder = Path(reference).expanduser()
    is_own = not name and checkpoint_files.read_family(folder) == _COMPILED_FAMILY
    return folder if is_own else None


def _parsed(choice: str) -> tuple[str, str]:
    """Return a family's name and the reference behind it, or "" and a checkpoint's folder."""
    if choice == PACKAGED:
        return "", str(_PACKAGED_FOLDER)
    name, colon, reference = choice.partition(":")
    if name in _FAMILIES and bool(reference) == bool(colon):
        known = _FAMILIES[name].references
        if known is None or reference in known:
            return name, reference
    is_folder = bool(choice) and Path(choice).expanduser().is_dir()
    if name not in _FAMILIES and ("/" in choice or is_folder):
        return "", choice
    raise UnknownEncoder(
        f"There is no encoder {choice!r}; known are {', '.join(KNOWN)}.", choice=choice
    )


def _load_network(name: str, reference: str, cache_dir: Path | None) -> EncoderNetwork:
    if not name:
        return _load_folder(Path(reference).expanduser(), wanted="")
    return _FAMILIES[name].load_network(reference, cache_dir)


def _load_folder(folder: Path, *, wanted: str) -> EncoderNetwork:
    """Return the network in a checkpoint of this project; `wanted` is its family, "" for any."""
    from ml.encoders import checkpoint

    family = checkpoint_files.read_family(folder)
    if family not in _TRAINED_FAMILIES or wanted not in ("", family):
        raise CheckpointMismatch(
            f"The checkpoint {folder.name} is of encoder {family!r}, not of "
            f"{wanted or ' or '.join(_TRAINED_FAMILIES)}.",
            folder=str(folder),
            family=family,
        )
    return checkpoint.load(folder, build=import_module(_FAMILIES[family].module).build)


def _preset_of(name: str, reference: str) -> Preset | None:
    wanted = reference or presets.DEFAULT
    return presets.read(wanted) if name == "clip" and wanted in presets.list_names() else None


def _load_clip(reference: str, cache_dir: Path | None) -> EncoderNetwork:
    preset = _preset_of("clip", reference)
    if preset is None and checkpoint_files.is_checkpoint(Path(reference).expanduser()):
        return _load_folder(Path(reference).expanduser(), wanted="clip")
    from ml.weights.hub import Hub

    found = Hub(cache_dir).locate(preset.reference if preset else reference)
    from ml.encoders.families import clip

    return clip.load_network(found, preprocess=preset.preprocess if preset else None)


def _load_fusion(reference: str, cache_dir: Path | None) -> EncoderNetwork:
    if reference not in ("", *_FUSION_MODES):
        return _load_folder(Path(reference).expanduser(), wanted="clip_blip_fusion")
    from ml.encoders.families import fusion

    return fusion.load_network(reference, cache_dir=cache_dir)


def _load_yolo(reference: str, cache_dir: Path | None) -> EncoderNetwork:
    from ml.encoders.families import yolo

    return yolo.load_network(reference, cache_dir=cache_dir)


def _load_efficientnet(reference: str, _: Path | None) -> EncoderNetwork:
    from ml.encoders.families import efficientnet

    return efficientnet.load_network(reference)


_FAMILIES: Mapping[str, _Family] = {
    "clip": _Family(_load_clip, "ml.encoders.families.clip", is_transformer=True),
    "clip_blip_fusion": _Family(_load_fusion, "ml.encoders.families.fusion", is_transformer=True),
    "yolo": _Family(
        _load_yolo, "ml.encoders.families.yolo", is_transformer=False, is_trainable=False
    ),
    "efficientnet_lite": _Family(
        _load_efficientnet,
        "ml.encoders.families.efficientnet",
        is_transformer=False,
        references=("", *_LITE_NETWORKS),
    ),
}
_TRAINED_FAMILIES = tuple(name for name, family in _FAMILIES.items() if family.is_trainable)
