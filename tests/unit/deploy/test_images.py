"""The Dockerfile: checked by a linter, and by what it copies, installs and runs."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from config.env import read_env
from deploy.local.processes import build
from tests.unit.deploy.commands import of_process

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = ROOT / "deploy" / "containers" / "Dockerfile"
WEB_REQUIREMENTS = ROOT / "deploy" / "containers" / "requirements-web.in"
TARGETS = ("web", "worker", "worker-cuda")


@pytest.fixture(scope="module")
def stages() -> dict[str, list[dict[str, str]]]:
    """The instructions of each stage, by its name."""
    with DOCKERFILE.open("rb") as file:
        instructions = DockerfileParser(fileobj=file).structure
    stages: dict[str, list[dict[str, str]]] = {}
    for one in instructions:
        if one["instruction"] == "FROM":
            stages[one["value"].split()[-1]] = current = []
        if stages:
            current.append(one)
    return stages


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True)

    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.parametrize("target", TARGETS)
def test_containers_run_as_nobody_in_particular(stages, target: str) -> None:
    users = [one["value"] for one in stages[target] if one["instruction"] == "USER"]

    assert users == ["10001:10001"]
    after = stages[target][[one["instruction"] for one in stages[target]].index("USER") :]
    assert not {one["instruction"] for one in after} & {"RUN", "COPY", "ADD"}


def test_no_layer_is_given_a_secret(stages) -> None:
    given = {
        name
        for instructions in stages.values()
        for one in instructions
        if one["instruction"] in {"ARG", "ENV"}
        for name in re.findall(r"(\w+)=", one["value"])
    }

    assert {name for name in given if re.search("SECRET|PASSWORD|TOKEN|KEY|_URL", name)} == set()


def sources(stages) -> list[str]:
    """What is copied out of the repository."""
    found: list[str] = []
    for instructions in stages.values():
        for one in instructions:
            if one["instruction"] == "COPY" and not one["value"].startswith("--from"):
                found += one["value"].split()[:-1]
    return found


def test_what_is_copied_is_there_and_let_in(stages) -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}

    assert "*" in lines
    assert [name for name in sources(stages) if not (ROOT / name).exists()] == []
    assert [name for name in sources(stages) if Path(name).parts[0] not in let_in] == []
    # What is let in is copied by something.
    assert let_in == {Path(name).parts[0] for name in sources(stages)}


def test_the_environment_file_with_its_secrets_stays_outside() -> None:
    assert "deploy/compose" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_web_image_holds_no_models(stages) -> None:
    copied = {
        one["value"].split()[-1]
        for stage in ("runtime", "web")
        for one in stages[stage]
        if one["instruction"] == "COPY"
    }

    assert not {path for path in copied if path.startswith(("workers", "ml"))} - {
        "ml/__init__.py",
        "ml/rules/",
    }


def test_the_web_image_runs_what_the_supervisor_runs(stages) -> None:
    (command,) = [one["value"] for one in stages["web"] if one["instruction"] == "CMD"]
    web = next(process for process in build(read_env()) if process.name == "web")

    assert tuple(json.loads(command)) == of_process(web).argv


def requirements(path: Path) -> dict[str, Requirement]:
    lines = path.read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(one.name): one for one in wanted}


def test_what_the_web_needs_is_among_what_the_product_needs() -> None:
    of_product = requirements(ROOT / "requirements.in")
    of_web = requirements(WEB_REQUIREMENTS)

    assert {name: str(one) for name, one in of_web.items()} == {
        name: str(of_product[name]) for name in of_web
    }


def closure(wanted: dict[str, Requirement]) -> set[str]:
    """Return the names of all packages that these bring along."""
    found: set[str] = set()
    todo = list(wanted.values())
    while todo:
        one = todo.pop()
        name = canonicalize_name(one.name)
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:  # for another platform or Python
            continue
        found.add(name)
        for need in map(Requirement, needs):
            is_meant = need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in (*one.extras, "")
            )
            if is_meant and canonicalize_name(need.name) not in found:
                todo.append(need)
    return found


def test_everything_that_the_web_needs_is_pinned() -> None:
    pinned = requirements(ROOT / "requirements.txt")

    assert closure(requirements(WEB_REQUIREMENTS)) - set(pinned) == set()


# Refuses to import what only other packages have, then loads all modules and addresses of the site.
# Left out is what only tests and the run command have: the embedded store, and measuring, which
# starts workers.
LOADS_THE_WEB = """
import importlib, pkgutil, sys
from pathlib import Path

allowed, root = set(sys.argv[1].split(",")), Path(sys.argv[2])

class OnlyTheWebs:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if path is None and top not in allowed and top in installed:
            raise ImportError(f"{name} is not in the web's image")

installed = set(sys.argv[3].split(","))
sys.meta_path.insert(0, OnlyTheWebs())

import config.wsgi
loaded = []
left_out = ("bench.", "vectors.edge", "vectors.faiss", "config.settings.tests")
for module in pkgutil.walk_packages([str(root / "platform")]):
    if not module.name.startswith(left_out):
        importlib.import_module(module.name)
        loaded.append(module.name)
# What is only loaded when an address or a first message asks for it.
for name in ("kombu.transport.redis", "celery.backends.redis", "storages.backends.s3",
             "django.db.backends.postgresql.base", "django.db.backends.sqlite3.base",
             "gunicorn.app.wsgiapp", "deploy.containers.health"):
    importlib.import_module(name)
from django.urls import get_resolver
get_resolver().reverse_dict
print(len(loaded))
"""


def test_the_web_works_with_the_packages_of_its_image_alone(tmp_path: Path) -> None:
    modules = packages_distributions()
    installed = {
        top: {canonicalize_name(name) for name in names}
        for top, names in modules.items()
        # Folders that several packages fill have to be let through.
        if not top.startswith("_")
    }
    of_web = closure(requirements(WEB_REQUIREMENTS))
    allowed = {top for top, names in installed.items() if names & of_web}
    arguments = (",".join(sorted(allowed)), str(ROOT), ",".join(sorted(installed)))
    env = os.environ | {
        "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": str(tmp_path),
    }

    done = subprocess.run(
        [sys.executable, "-c", LOADS_THE_WEB, *arguments], env=env, capture_output=True, text=True
    )

    assert done.stderr == "", done.stderr
    assert int(done.stdout) > 100
    # The test would see a model: torch is installed here, and not let through.
    assert "torch" in installed
    assert "torch" not in allowed
