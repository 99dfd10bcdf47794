"""The bill of materials names everything that is pinned, with its licence, and every weight."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from deploy.check import sbom

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def document() -> dict:
    return sbom.build()


def packages(document: dict) -> dict[str, dict]:
    found = [one for one in document["components"] if one["type"] == "library"]
    return {sbom._name(one): one for one in found}


def test_every_pinned_package_is_there_with_its_version_and_licence(document: dict) -> None:
    listed = packages(document)
    lines = (ROOT / "requirements.txt").read_text().splitlines()

    assert {name: one["version"] for name, one in listed.items()} == sbom.pins()
    assert len(sbom.pins()) > len([line for line in lines if "==" in line]) > 100
    without = {name for name, one in listed.items() if not one.get("licenses")}
    assert without == sbom.WITHOUT_LICENCE


def test_licences_are_those_that_packages_state(document: dict) -> None:
    def said(name: str) -> str:
        return str(packages(document)[name]["licenses"])

    assert "AGPL-3.0" in said("ultralytics") or "Affero" in said("ultralytics")
    assert "BSD-3-Clause" in said("django")
    assert "Apache 2.0 License" in said("transformers")  # free words of its metadata


def test_every_weight_of_the_repository_is_there_by_its_hash(document: dict) -> None:
    weights = {one["name"]: one for one in document["components"] if one["type"] != "library"}
    tracked = subprocess.run(
        ["git", "ls-files", "ml/**/*.safetensors", "ml/**/judge*.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert set(tracked) == set(sbom.WEIGHTS)
    for name in tracked:
        sha256 = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        assert weights[name]["hashes"] == [{"alg": "SHA-256", "content": sha256}]


def test_it_is_valid_and_the_same_every_time_and_names_no_folder(document: dict) -> None:
    text = sbom.as_text(document)

    assert sbom.as_text(sbom.build()) == text
    assert str(ROOT) not in text
    with pytest.raises(sbom.IncompleteSbom):
        sbom.as_text(document | {"components": [{"type": "library"}]})


def test_what_is_missing_or_without_a_licence_is_named() -> None:
    django = {"name": "Django", "version": "5.2", "licenses": []}

    with pytest.raises(sbom.IncompleteSbom) as refused:
        sbom._check([django], {"django": "5.2.1", "numpy": "2.4.6"})

    assert "django 5.2.1 is pinned, 5.2 is installed" in str(refused.value)
    assert "numpy 2.4.6 is pinned, nothing is installed" in str(refused.value)
    assert "django states no licence" in str(refused.value)
