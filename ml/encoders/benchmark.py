"""How fast an encoder embeds, beside a plain loop over the library that its network comes from.

Or how fast a detector finds.

The loop takes one picture at a time: the library's own preprocessing, then its own forward pass, on
the same device, in the same number format. Both are timed in turns, so that whatever else the
machine does meanwhile slows both.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ml import devices
from ml.encoders import registry
from ml.encoders.base import PreprocessConfig
from ml.encoders.network import EncoderNetwork
from ml.errors import NoPictures, TooManyPixels, UndecodableImage
from ml.flags import positive
from ml.images.decode import decode

# Pictures are kept in memory, decoded, at no more than this; an encoder's input is smaller yet.
_LONGEST_SIDE_PX = 1024
_MAX_PIXELS = 100_000_000
# What "never slower than the plain loop by more than 10 %" allows.
_LEAST_RATIO = 0.9

Embed = Callable[[Sequence[Image.Image]], object]


@dataclass(frozen=True, slots=True)
class Timing:
    """What was measured.

    Attributes:
        encoder_per_s: pictures a second through the encoder, median of the rounds.
        plain_per_s: the same through the plain loop.
        ratio: how many times as fast the encoder was, median of the rounds.
    """

    encoder_per_s: float
    plain_per_s: float
    ratio: float


def main(argv: Sequence[str]) -> int:
    """Time an encoder or a detector and print the figures.

    Args:
        argv: the flags, without the command's name.

    Returns:
        0; 1 where the encoder was slower than the plain loop by more than 10 %.

    Raises:
        MlError: it cannot be loaded, or the folder holds no picture.
    """
    flags = _parser().parse_args(argv)
    images = _pictures(flags.data, flags.count)
    if flags.detector:
        return _time_detector(flags, images)
    encoder = registry.load(flags.encoder, device=flags.device, batch_size=flags.batch_size)
    plain = plain_loop(flags.encoder, device=devices.resolve(flags.device))
    timing = measure(encoder.encode, plain, images, rounds=flags.rounds)
    sys.stdout.write(
        f"{flags.encoder}: {len(images)} pictures, batches of {flags.batch_size}, "
        f"median of {flags.rounds} rounds\n"
        f"encoder     {timing.encoder_per_s:8.1f} pictures/s\n"
        f"plain loop  {timing.plain_per_s:8.1f} pictures/s\n"
        f"ratio       {timing.ratio:8.2f}\n"
    )
    return 0 if timing.ratio >= _LEAST_RATIO else 1


def _time_detector(flags: argparse.Namespace, images: Sequence[Image.Image]) -> int:
    from ml.detection import registry as detectors

    detector = detectors.load(flags.detector, device=flags.device, batch_size=flags.batch_size)
    median_ms = 1000 * statistics.median(seconds_of(detector.detect, images, rounds=flags.rounds))
    sys.stdout.write(
        f"{flags.detector}: {len(images)} pictures, batches of {flags.batch_size}, "
        f"median of {flags.rounds} rounds\n"
        f"detector    {median_ms / len(images):8.1f} ms a picture\n"
    )
    return 0


def seconds_of(
    work: Embed,
    images: Sequence[Image.Image],
    *,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Return what each of `rounds` passes over the pictures took, after one that does not count."""
    work(images)
    taken = []
    for _ in range(rounds):
        started = clock()
        work(images)
        taken.append(clock() - started)
    return taken


def measure(
    encode: Embed,
    plain: Embed,
    images: Sequence[Image.Image],
    *,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Time both ways in turns, after one pass of each that does not count.

    Args:
        encode: embeds pictures.
        plain: embeds them the other way.
        images: N ≥ 1 upright RGB pictures.
        rounds: how often each is timed, ≥ 1.
        clock: seconds, of which only differences matter.
    """
    seconds: dict[Embed, list[float]] = {encode: [], plain: []}
    for embed in seconds:
        embed(images)
    for _ in range(rounds):
        for embed, taken in seconds.items():
            started = clock()
            embed(images)
            taken.append(clock() - started)
    return Timing(
        encoder_per_s=len(images) / statistics.median(seconds[encode]),
        plain_per_s=len(images) / statistics.median(seconds[plain]),
        ratio=statistics.median(
            slow / fast for fast, slow in zip(seconds[encode], seconds[plain], strict=True)
        ),
    )


def plain_loop(choice: str, *, device: torch.device) -> Embed:
    """Return the loop over the library underneath; it gives (N, D) embeddings of any length.

    Args:
        choice: as `ml.encoders.registry.load` takes it.
        device: where it runs.

    Raises:
        MlError: as `ml.encoders.registry.load`.
    """
    if choice.partition(":")[0] == "yolo":
        return _plain_yolo(choice.partition(":")[2], device)
    network = registry.load_network(choice)
    dtype = registry.number_format(choice, network, device)
    prepare = _preparation(network)
    module = network.module.eval().to(device, dtype)

    def embed(images: Sequence[Image.Image]) -> torch.Tensor:
        with torch.inference_mode():
            return torch.cat([module(prepare(image).to(device, dtype)).cpu() for image in images])

    return embed


def _plain_yolo(reference: str, device: torch.device) -> Embed:
    from ml.encoders import yolo
    from ml.weights import yolo as yolo_weights

    size_px = yolo.load_network(reference).preprocess.size_px  # refuses what is not safe to load
    from ultralytics.models.yolo.model import YOLO

    model: Any = YOLO(yolo_weights.locate(reference))
    options = {"imgsz": size_px, "rect": False, "verbose": False, "device": device}
    if devices.dtype_for(device) == torch.float16:
        options["quantize"] = 16

    def embed(images: Sequence[Image.Image]) -> torch.Tensor:
        return torch.stack([model.embed([image], **options)[0].cpu() for image in images])

    return embed


def _preparation(network: EncoderNetwork) -> Callable[[Image.Image], torch.Tensor]:
    """Return the library's own way from a picture to (1, 3, S, S)."""
    if network.family == "efficientnet_lite":
        return _timm_transform(network.preprocess)
    return _transformers_processor(network.preprocess)


def _timm_transform(preprocess: PreprocessConfig) -> Callable[[Image.Image], torch.Tensor]:
    from timm.data.transforms_factory import create_transform

    transform: Any = create_transform(
        input_size=(3, preprocess.size_px, preprocess.size_px),
        interpolation=preprocess.interpolation,
        mean=preprocess.mean,
        std=preprocess.std,
        crop_pct=preprocess.size_px / preprocess.resize_px,
        crop_mode="squash" if preprocess.resize == "squash" else "center",
    )
    return lambda image: transform(image)[None]


def _transformers_processor(preprocess: PreprocessConfig) -> Callable[[Image.Image], torch.Tensor]:
    from transformers import CLIPImageProcessor

    square = {"height": preprocess.size_px, "width": preprocess.size_px}
    is_squashed = preprocess.resize == "squash"
    resample = Image.Resampling[preprocess.interpolation.upper()]
    processor: Any = CLIPImageProcessor(
        size=square if is_squashed else {"shortest_edge": preprocess.resize_px},
        do_center_crop=not is_squashed,
        crop_size=square,
        resample=resample,
        image_mean=list(preprocess.mean),
        image_std=list(preprocess.std),
    )
    return lambda image: processor(images=image, return_tensors="pt")["pixel_values"]


def _pictures(folder: Path, count: int) -> list[Image.Image]:
    """Return the first pictures below a folder, over again where there are fewer than asked for."""
    found = []
    for image in _decoded(folder):
        found.append(image)
        if len(found) == count:
            break
    if not found:
        raise NoPictures(f"There is no picture in {folder}.", folder=str(folder))
    return [found[number % len(found)] for number in range(count)]


def _decoded(folder: Path) -> Iterator[Image.Image]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            image = decode(path.read_bytes(), max_pixels=_MAX_PIXELS, min_side_px=_LONGEST_SIDE_PX)
        except (OSError, TooManyPixels, UndecodableImage):
            continue
        image.thumbnail((_LONGEST_SIDE_PX, _LONGEST_SIDE_PX))
        yield image


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml bench", description="Time an encoder or a detector."
    )
    timed = parser.add_mutually_exclusive_group(required=True)
    timed.add_argument("--encoder", help="as `evaluate` takes it")
    timed.add_argument("--detector", help="as `evaluate` takes it")
    parser.add_argument("--data", required=True, type=Path, help="folder of pictures")
    parser.add_argument("--count", type=positive, default=128, help="pictures a round")
    parser.add_argument("--batch-size", type=positive, default=16, help="in one forward pass")
    parser.add_argument("--rounds", type=positive, default=5, help="timed passes of each way")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:<number>, mps")
    return parser
