"""`python -m tests.faults`: parts are killed, stopped and starved while pictures come in.

A report of so many rounds. It ends with 1 where anything was lost, doubled or orphaned, where a
search was answered with anything but 200 or 503, where a part came back late or a process was left.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle, islice
from pathlib import Path

from tests.faults.clients import Ingester, Searcher
from tests.faults.kinds import Fault, Outcome, faults
from tests.faults.product import Product, is_root
from tests.integration.pictures import draw, jpeg

_DISK_MIB = 2048
_SIDES = (96, 72)
_SETTLE_S = 5.0
_HEALED_S = 300.0
_ORPHANS_END_WITHIN_S = 20.0


def main() -> int:
    """Run the rounds, print the report, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--pictures", type=int, default=1500)
    parser.add_argument("--only", default="", help="kinds of harm whose name has this in it")
    options = parser.parse_args()
    if is_root() and os.environ.get("FAULTS_MOUNTED") is None:
        # Mounts of our own, which are gone with us.
        os.environ["FAULTS_MOUNTED"] = "1"
        command = ["unshare", "--mount", sys.executable, "-m", "tests.faults", *sys.argv[1:]]
        return subprocess.run(command).returncode
    scratch = Path(tempfile.mkdtemp(prefix="semblance-faults-"))
    try:
        return _report(scratch, options)
    finally:
        if is_root():
            subprocess.run(["umount", "--lazy", str(scratch / "data")])
        shutil.rmtree(scratch, ignore_errors=True)


def _report(scratch: Path, options: argparse.Namespace) -> int:
    folders = _write_pictures(scratch / "pictures", options.pictures, options.rounds)
    data_dir = scratch / "data"
    data_dir.mkdir()
    if is_root():
        size = f"size={_DISK_MIB}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(data_dir)], check=True)
    product = Product(data_dir)
    try:
        problems = _rounds(product, folders, options)
        problems += _losses(product, folders, options.pictures)
        left = product.kill_supervisor(within_s=_ORPHANS_END_WITHIN_S)
        if left:
            problems.append(f"{left} processes were left after the supervisor's kill -9")
    finally:
        product.end()
    for problem in problems:
        _say(f"PROBLEM: {problem}")
    _say(f"{options.rounds} rounds, {len(problems)} problems")
    return 1 if problems else 0


def _write_pictures(folder: Path, count: int, folders: int) -> list[Path]:
    """Draw small pictures, in as many folders as there are rounds."""
    made = [folder / f"{number:03}" for number in range(folders)]
    for each in made:
        each.mkdir(parents=True)
    for seed in range(count):
        picture = draw(seed, width=_SIDES[0], height=_SIDES[1])
        (made[seed % folders] / f"{seed:05}.jpg").write_bytes(jpeg(picture))
    return made


def _rounds(product: Product, folders: list[Path], options: argparse.Namespace) -> list[str]:
    kinds = [fault for fault in faults(_roles(product)) if options.only in fault.name]
    pictures = sorted(path for folder in folders for path in folder.iterdir())
    product.manage("ingest", str(folders[0]))
    searcher, ingester = Searcher(product, pictures), Ingester(product)
    problems, all_answers = [], Counter[str]()
    for number, fault in enumerate(islice(cycle(kinds), options.rounds)):
        ingester.bring(folders[number])
        outcome = fault.do(product)
        time.sleep(_SETTLE_S)
        answers = searcher.take()
        all_answers += answers
        _print_round(number, fault, outcome, answers)
        problems += _problems(f"round {number}, {fault.name}", fault, outcome, answers)
    ingester.end()
    searcher.end()
    _say(f"Searches: {dict(all_answers)}. Imports begun again: {ingester.repeats}.")
    return problems


def _roles(product: Product) -> list[str]:
    """Return the parts of the product that are restarted, by what the supervisor calls them."""
    return [said.text.split()[1] for said in product.said if said.text.endswith(" is up")]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _print_round(number: int, fault: Fault, outcome: Outcome, answers: Counter[str]) -> None:
    back = "" if outcome.back_s is None else f"back after {outcome.back_s:.1f} s"
    counts = ", ".join(f"{count} × {answer}" for answer, count in sorted(answers.items()))
    downs = f"started again, too: {', '.join(outcome.downs)}" if outcome.downs else ""
    _say(f"{number:3}  {fault.name:<24}{back:<22}{counts}  {downs}  {outcome.problem}")


def _problems(name: str, fault: Fault, outcome: Outcome, answers: Counter[str]) -> list[str]:
    allowed = {"200", "503"} | ({"no connection"} if fault.ends_site else set())
    wrong = {answer: count for answer, count in answers.items() if answer not in allowed}
    problems = [f"{name}: searches were answered with {wrong}"] if wrong else []
    return [*problems, f"{name}: {outcome.problem}"] if outcome.problem else problems


def _losses(product: Product, folders: list[Path], count: int) -> list[str]:
    """Return what is missing or too much once all pictures came in."""
    wanted, images = [("indexed", count)], "SELECT status, count(*) FROM catalog_image GROUP BY 1"
    ends_at = time.monotonic() + _HEALED_S
    while product.rows(images) != wanted and time.monotonic() < ends_at:
        time.sleep(1.0)
    problems = []
    if product.rows(images) != wanted:
        problems.append(f"images are {product.rows(images)}, not {wanted}")
    again = product.manage("ingest", str(folders[0].parent)).stdout
    if f"0 added, {count} already there" not in again:
        problems.append(f"pictures were lost: {again}")
    audit = product.manage("audit").stdout
    _say(audit.strip())
    if "Catalogue, index and files agree." not in audit:
        problems.append("catalogue, index and files do not agree")
    return problems


if __name__ == "__main__":
    sys.exit(main())
