"""`python -m ml bench`: time one kind of work on a folder's pictures and print the figures."""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ml.bench.timing import Clock, table
from ml.commands.flags import positive

_PROG = "python -m ml bench"


def main(argv: Sequence[str], *, clock: Clock = time.perf_counter) -> int:
    """Time what the first word names and print the figures.

    Args:
        argv: the words after `bench`.
        clock: seconds, of which only differences matter.

    Returns:
        0; 1 where a case took longer than it may, or the encoder was slower than the plain loop by
        more than 10 %.

    Raises:
        MlError: the encoder or detector cannot be loaded, or the folder holds no picture.
    """
    options = _parser().parse_args(_as_subcommand(argv))
    # Each imports what it times, because `--help` and a wrong flag should not wait for torch.
    networks = {"encoder": _encoder, "detector": _detector, "peers": _peers}
    bench = networks.get(options.work, _on_one_core)
    return bench(options, clock)


def _encoder(options: argparse.Namespace, clock: Clock) -> int:
    from ml import devices
    from ml.bench import encoder
    from ml.bench.pictures import network_pictures
    from ml.bench.plain_loop import plain_loop
    from ml.encoders import registry

    images = network_pictures(options.data, options.count)
    loaded = registry.load(options.name, device=options.device, batch_size=options.batch_size)
    plain = plain_loop(options.name, device=devices.resolve(options.device))
    speed = encoder.measure(loaded.encode, plain, images, rounds=options.rounds, clock=clock)
    sys.stdout.write(
        f"{_measured(options)}"
        f"encoder     {speed.encoder_per_s:8.1f} pictures/s\n"
        f"plain loop  {speed.plain_per_s:8.1f} pictures/s\n"
        f"ratio       {speed.ratio:8.2f}\n"
    )
    return 0 if speed.is_kept else 1


def _detector(options: argparse.Namespace, clock: Clock) -> int:
    from ml.bench import detector
    from ml.bench.pictures import network_pictures
    from ml.detection import registry

    images = network_pictures(options.data, options.count)
    loaded = registry.load(options.name, device=options.device, batch_size=options.batch_size)
    picture_ms = detector.measure_ms(loaded.detect, images, rounds=options.rounds, clock=clock)
    sys.stdout.write(f"{_measured(options)}detector    {picture_ms:8.1f} ms a picture\n")
    return 0


def _peers(options: argparse.Namespace, clock: Clock) -> int:
    from ml.bench import peers

    speeds = peers.measure(
        options.data,
        count=options.count,
        batch_size=options.batch_size,
        rounds=options.rounds,
        clock=clock,
    )
    for speed in speeds:
        sys.stdout.write(f"{speed.name:<20}{speed.per_s:8.1f} pictures/s\n")
    return 0


def _measured(options: argparse.Namespace) -> str:
    return (
        f"{options.name}: {options.count} pictures, batches of {options.batch_size}, "
        f"median of {options.rounds} rounds\n"
    )


def _on_one_core(options: argparse.Namespace, clock: Clock) -> int:
    from ml.bench import copies, panels
    from ml.bench.threads import one_thread

    measure = panels.measure if options.work == "panels" else copies.measure
    with one_thread():
        times = measure(options.data, rounds=options.rounds, count=options.count, clock=clock)
    sys.stdout.write(table(times))
    return 0 if all(each.is_kept for each in times) else 1


def _as_subcommand(argv: Sequence[str]) -> list[str]:
    """Return the words with `--encoder X`, `--detector X` or `--part X` as the command they name.

    That is how a benchmark was named before there were sub-commands.
    """
    parser = argparse.ArgumentParser(prog=_PROG, add_help=False, allow_abbrev=False)
    named = parser.add_mutually_exclusive_group()
    add = partial(named.add_argument, dest="words", metavar="NAME", default=[])
    add("--encoder", type=lambda name: ["encoder", name])
    add("--detector", type=lambda name: ["detector", name])
    add("--part", type=lambda name: [name])
    given, rest = parser.parse_known_args(argv)
    return [*given.words, *rest]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROG,
        description="Time one kind of work on a folder's pictures.",
        epilog="--encoder NAME, --detector NAME and --part panels|copies name the work as well.",
    )
    works = parser.add_subparsers(dest="work", required=True)
    networks, cores = _network_flags(), _core_flags()
    encoder = works.add_parser(
        "encoder", parents=[networks], help="embedding, beside a plain loop over the library"
    )
    encoder.add_argument("name", help="as `evaluate --encoder` takes it")
    detector = works.add_parser("detector", parents=[networks], help="finding objects")
    detector.add_argument("name", help="as `evaluate --detector` takes it")
    works.add_parser("panels", parents=[cores], help="segmenting into panels, on one core")
    works.add_parser("copies", parents=[cores], help="looking up and proving copies, on one core")
    peers = works.add_parser(
        "peers",
        parents=[_shared_flags(rounds=3, rounds_help="timed passes of each")],
        help="imagededup's hash and open_clip's network, which are installed apart",
    )
    peers.add_argument("--count", type=positive, default=990, help="pictures a round, at most")
    peers.add_argument("--batch-size", type=positive, default=16, help="in one forward pass")
    return parser


def _network_flags() -> argparse.ArgumentParser:
    flags = _shared_flags(rounds=5, rounds_help="timed passes of each way")
    flags.add_argument("--count", type=positive, default=128, help="pictures a round")
    flags.add_argument("--batch-size", type=positive, default=16, help="in one forward pass")
    flags.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:<number>, mps")
    return flags


def _core_flags() -> argparse.ArgumentParser:
    flags = _shared_flags(rounds=3, rounds_help="timed passes of each picture")
    flags.add_argument("--count", type=positive, help="how many pictures at most; all")
    return flags


def _shared_flags(*, rounds: int, rounds_help: str) -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("--data", required=True, type=Path, help="folder of pictures")
    flags.add_argument("--rounds", type=positive, default=rounds, help=rounds_help)
    return flags
