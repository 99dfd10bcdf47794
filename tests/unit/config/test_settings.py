import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLATFORM = Path(__file__).parents[3] / "platform"


def load(module: str, data_dir: Path, then: str = "", **variables: str) -> str:
    """Import settings in a fresh interpreter with this data folder; return what it printed."""
    code = f"import sys, {module} as settings; {then or 'pass'}"
    environment = {
        **{"PYTHONPATH": str(PLATFORM), "DATA_DIR": str(data_dir), "PATH": os.defpath},
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_secret_key_is_kept_from_start_to_start(tmp_path: Path) -> None:
    key = "sys.stdout.write(str(settings.SECRET_KEY))"

    first = load("config.settings", tmp_path / "data", key)

    assert first == (tmp_path / "data" / "secret_key").read_text()
    assert load("config.settings", tmp_path / "data", key) == first


@pytest.mark.parametrize("module", ["config.settings", "config.settings.tests"])
def test_reading_settings_makes_nothing_in_the_data_folder(tmp_path: Path, module: str) -> None:
    load(module, tmp_path / "data")

    assert not (tmp_path / "data").exists()


def test_the_secret_key_is_one_for_django(tmp_path: Path) -> None:
    use = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; "
        "from django.core import signing; "
        "sys.stdout.write(signing.loads(signing.dumps('signed')))"
    )

    assert load("config.settings", tmp_path / "data", use) == "signed"
    assert (tmp_path / "data" / "secret_key").exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CELERY_TASK_TIME_LIMIT", "720"),
        ("CELERY_TASK_SOFT_TIME_LIMIT", "600"),
        ("CELERY_TASK_ACKS_LATE", "True"),
        ("CELERY_WORKER_PREFETCH_MULTIPLIER", "1"),
        ("CELERY_ACCEPT_CONTENT", "['json']"),
        ("USE_TZ", "True"),
    ],
)
def test_how_work_is_limited(settings, name: str, expected: str) -> None:
    assert str(getattr(settings, name)) == expected


def test_a_task_is_not_handed_out_twice_while_it_may_still_run(settings) -> None:
    again_after_s = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]

    assert again_after_s > settings.CELERY_TASK_TIME_LIMIT > settings.CELERY_TASK_SOFT_TIME_LIMIT


OPTIONS = "import json; sys.stdout.write(json.dumps(settings.DATABASES['default']['OPTIONS']))"


def test_a_person_waits_seconds_for_a_locked_database_and_a_worker_longer(tmp_path: Path) -> None:
    page, worker = (
        json.loads(load(module, tmp_path, OPTIONS))
        for module in ("config.settings", "config.settings.workers")
    )

    assert page["timeout"] <= 5
    assert worker["timeout"] == 30
    assert {**page, "timeout": 30} == worker


@pytest.mark.parametrize("module", ["config.settings", "config.settings.workers"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"connect_timeout": 3}),
        ("?sslmode=require", {"connect_timeout": 3, "sslmode": "require"}),
        ("?connect_timeout=9", {"connect_timeout": 9}),
    ],
)
def test_a_database_server_that_is_gone_is_not_waited_for(
    tmp_path: Path, module: str, query: str, expected: dict[str, object]
) -> None:
    url = f"postgresql://semblance:secret@db.example/semblance{query}"

    assert json.loads(load(module, tmp_path, OPTIONS, DATABASE_URL=url)) == expected


def test_workers_know_every_row_that_goes_with_an_image(tmp_path: Path) -> None:
    from django.apps import apps
    from django.db.models import ForeignObjectRel

    from catalog.models import Image

    say = "sys.stdout.write(' '.join(settings.INSTALLED_APPS))"

    known = {
        name.rpartition(".")[2]
        for name in load("config.settings.workers", tmp_path / "data", say).split()
    }

    relations = [each for each in Image._meta.get_fields() if isinstance(each, ForeignObjectRel)]
    of_others = {each.related_model._meta.app_label for each in relations}
    assert {apps.get_app_config(label).name for label in of_others} <= known
