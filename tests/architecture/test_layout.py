"""The walls: what the tree may look like and who may load what."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest
from django.core.management import call_command

from config.env import Env
from kernel import task_names
from kernel.messages import known_codes

ROOT = Path(__file__).resolve().parents[2]
PLATFORM = ROOT / "platform"
HEAVY = ("torch", "transformers", "ultralytics", "ml", "workers")


def test_platform_is_a_source_root_and_no_package() -> None:
    """A module there would replace the standard library's `platform`, or hide behind it."""
    files = {path.name for path in PLATFORM.iterdir() if path.is_file()}

    assert files == set()


def test_no_child_of_platform_bears_a_name_of_the_standard_library() -> None:
    children = {path.name for path in PLATFORM.iterdir() if path.name != "__pycache__"}

    assert children & sys.stdlib_module_names == set()


def test_top_level_is_as_given() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    folders = {name.split("/")[0] for name in listed if "/" in name}
    files = {name for name in listed if "/" not in name}

    assert folders <= {
        *(".ci", "platform", "workers", "ml", "deploy", "tests", "docs", "findings"),
        "client",  # the package for who asks the API
    }
    # What a program left in its working folder is no part of the product.
    assert {Path(name).suffix for name in files} <= {"", ".md", ".in", ".py", ".toml", ".txt"}


ENTRIES = {
    "urls": "import django; django.setup(); from django.urls import get_resolver; "
    "get_resolver().url_patterns; get_resolver().reverse_dict",
    "wsgi": "import config.wsgi",
    "vectors process": "import vectors.edge.app",
}


def test_a_fresh_interpreter_loads_the_web_without_models(tmp_path: Path) -> None:
    """The web's memory and start-up must not pay for torch, however indirectly."""
    # One interpreter for all: what one of them loads too much is seen from there on.
    program = "import sys\n" + "".join(
        f"{entry}\nprint(*sys.modules)\n" for entry in ENTRIES.values()
    )
    env = os.environ | {
        "PYTHONPATH": f"{PLATFORM}:{ROOT}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": str(tmp_path),
    }

    done = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True
    )

    assert done.stderr == ""
    loaded = zip(ENTRIES, done.stdout.splitlines(), strict=True)
    heavy = {entry: [name for name in names.split() if _is_heavy(name)] for entry, names in loaded}
    assert heavy == {entry: [] for entry in ENTRIES}


def _is_heavy(module: str) -> bool:
    """Whether a module is no business of the web's: of `ml` it knows the shared rules alone."""
    is_shared = module in ("ml", "ml.rules") or module.startswith("ml.rules.")
    return module.split(".", maxsplit=1)[0] in HEAVY and not is_shared


def test_every_environment_variable_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", readme))

    assert _variable_names() - named == set()


def _variable_names() -> set[str]:
    names = set()
    for model in get_type_hints(Env).values():
        prefix = model.model_config.get("env_prefix", "")
        for name, field in model.model_fields.items():
            names.add(str(field.validation_alias or f"{prefix}{name}").upper())
    return names


def test_every_finding_is_listed_and_can_be_run() -> None:
    scripts = {path.name: path for path in (ROOT / "findings").glob("*.sh")}
    listed = re.findall(r"\]\(([\w-]+\.sh)\)", (ROOT / "findings" / "README.md").read_text("utf-8"))

    assert sorted(listed) == sorted(scripts)
    assert [name for name, path in scripts.items() if not os.access(path, os.X_OK)] == []


def test_every_file_that_a_document_names_exists() -> None:
    """What moves is renamed in README, architecture, glossary and decisions, too."""
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        (document.name, path)
        for document in documents
        for path in re.findall(
            r"`((?:platform|workers|ml|tests|deploy|docs|findings)/[\w./-]*)`",
            document.read_text(encoding="utf-8"),
        )
    }

    assert {name for name in named if not (ROOT / name[1]).exists()} == set()
    assert len(named) > 30


def test_every_task_name_has_a_queue_that_a_worker_serves() -> None:
    names = {
        value for key, value in vars(task_names).items() if key.isupper() and isinstance(value, str)
    }

    assert set(task_names.QUEUES) == names
    assert set(task_names.QUEUES.values()) == {"query", "bulk", "maintenance"}


def _said_by_a_fresh_worker(program: str, data_dir: Path) -> str:
    """What a program prints in an interpreter of its own, with the settings that workers choose."""
    env = os.environ | {"PYTHONPATH": f"{PLATFORM}:{ROOT}", "DATA_DIR": str(data_dir)}
    del env["DJANGO_SETTINGS_MODULE"]
    return subprocess.run(
        [sys.executable, "-c", program],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_workers_register_every_task_name_before_they_load_anything_heavy(tmp_path: Path) -> None:
    program = (
        "import sys; from workers.app import app; app.loader.import_default_modules(); "
        "print(*(n for n in app.tasks if n.startswith('workers.'))); print(*sys.modules)"
    )

    tasks, modules = _said_by_a_fresh_worker(program, tmp_path).splitlines()
    assert set(tasks.split()) == set(task_names.QUEUES)
    heavy = {"PIL", "cv2", "torch", "openvino", "unfold", "axes", "qdrant_client"}
    assert (heavy | {"prometheus_client"}) & set(modules.split()) == set()


def test_maintenance_loads_neither_models_nor_clients(tmp_path: Path) -> None:
    program = "import sys, workers.maintenance; print(*sys.modules)"

    loaded = set(_said_by_a_fresh_worker(program, tmp_path).split())
    assert "worker_api.jobs" in loaded
    assert {"cv2", "torch", "openvino", "unfold", "qdrant_client"} & loaded == set()


@pytest.mark.django_db
def test_no_model_change_lacks_its_migration() -> None:
    said = io.StringIO()

    call_command("makemigrations", "--check", "--dry-run", stdout=said)  # else it exits

    assert said.getvalue().strip() == "No changes detected"


def test_error_codes_follow_the_pattern_and_user_errors_have_a_sentence() -> None:
    sources = [*PLATFORM.rglob("*.py"), *(ROOT / "workers").rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    codes = set(re.findall(r'"([a-z]+:(?:user|conflict|transient|ours):[a-z-]+)"', text))

    spoken = {code for code in codes if ":user:" in code or ":transient:" in code}
    assert spoken - known_codes() == set()
