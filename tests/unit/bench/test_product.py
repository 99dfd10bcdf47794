import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from bench.builds.product import (
    Imported,
    all_running,
    image_ids,
    importing,
    ingest,
    run_python,
    running,
)
from tests.unit.bench.made_builds import read_diary


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.jpg").write_bytes(bytes([number]))
    return folder


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists()


def test_a_product_is_up_and_ended_afterwards(new_build, tmp_path: Path, diary: Path) -> None:
    with running(new_build("one"), tmp_path / "data") as product:
        assert httpx.get(product.url).status_code == 200
        assert is_running(product.supervisor_pid)
        assert 0 < product.ready_s < 60

    assert not is_running(product.supervisor_pid)
    assert read_diary(diary) == [["one", "start", []], ["one", "end"]]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_product_is_ended_after_an_error(new_build, tmp_path, diary, error) -> None:
    with pytest.raises(error), running(new_build("one"), tmp_path / "data") as product:
        raise error

    assert not is_running(product.supervisor_pid)
    assert read_diary(diary)[-1] == ["one", "end"]


def test_a_product_that_does_not_come_up_is_quoted(new_build, tmp_path: Path) -> None:
    build = new_build("one", last_words="Semblance cannot start. The disk is full.")

    with (
        pytest.raises(RuntimeError, match="The product of one did not come up") as raised,
        running(build, tmp_path / "data"),
    ):
        pytest.fail("it came up")

    assert str(raised.value).endswith("\n    Semblance cannot start. The disk is full.")


def test_a_product_is_pointed_at_nothing_real(new_build, tmp_path, diary, monkeypatch) -> None:
    theirs = ["ALLOWED_HOSTS", "BROKER_URL", "DATABASE_URL", "IMAGES", "QDRANT_URL", "S3_BUCKET"]
    for name in [*theirs, "SEARCH_REQUIRES_LOGIN", "SECURE_COOKIES", "WEB_HOST", "ENCODER"]:
        monkeypatch.setenv(name, "1")
    seen = (*theirs, "SEARCH_REQUIRES_LOGIN", "SECURE_COOKIES", "WEB_HOST", "ENCODER", "DATA_DIR")

    with running(new_build("one", variables=seen), tmp_path / "data"):
        pass

    assert read_diary(diary)[0] == ["one", "start", ["DATA_DIR", "ENCODER"]]


def test_two_products_have_folders_and_ports_of_their_own(new_build, tmp_path: Path) -> None:
    builds = [new_build("one"), new_build("two")]

    with all_running(builds, tmp_path / "scratch") as products:
        ports = [p.env[name] for p in products for name in ("WEB_PORT", "VECTORS_PORT")]
        assert len(set(ports)) == 4
        assert [p.data_dir for p in products] == [
            tmp_path / "scratch/data-0",
            tmp_path / "scratch/data-1",
        ]


def test_the_first_is_ended_when_the_second_does_not_come_up(new_build, tmp_path, diary) -> None:
    builds = [new_build("one"), new_build("two", last_words="no")]

    with pytest.raises(RuntimeError, match="two did not come up"), all_running(builds, tmp_path):
        pytest.fail("both came up")

    assert read_diary(diary) == [["one", "start", []], ["one", "end"]]


def test_an_import_ends_with_its_last_picture(new_build, tmp_path: Path, pictures: Path) -> None:
    with running(new_build("one", picture_s=0.25, loses=1), tmp_path / "data") as product:
        ingest(product, pictures)
        second = ingest(product, pictures)

    assert second == Imported(indexed=3, seconds=0.75, files=4, reading_s=0.1)
    assert (second.per_s, second.read_per_s) == (4.0, 40.0)


def test_an_import_of_nothing_is_an_error(new_build, tmp_path: Path, pictures: Path) -> None:
    with (
        running(new_build("one", loses=4), tmp_path / "data") as product,
        pytest.raises(RuntimeError, match="one indexed none of the pictures"),
    ):
        ingest(product, pictures)


def test_a_command_that_fails_is_quoted(new_build, tmp_path: Path, pictures: Path) -> None:
    with (
        running(new_build("one", fails="No worker."), tmp_path / "data") as product,
        pytest.raises(RuntimeError, match=r"one: `manage.py ingest .*` failed") as raised,
    ):
        ingest(product, pictures)

    assert str(raised.value).endswith("\n    No worker.")


def test_only_the_last_words_are_quoted(new_build) -> None:
    program = "print(*range(50), sep='\\n'); raise SystemExit(1)"

    with pytest.raises(RuntimeError) as raised:
        run_python(new_build("one"), ["-c", program], {})

    assert str(raised.value).splitlines()[1:] == [f"    {number}" for number in range(38, 50)]


def test_an_import_goes_on_meanwhile_and_is_waited_for(new_build, tmp_path, pictures) -> None:
    with running(new_build("one", lasts_s=1.0), tmp_path / "data") as product:
        with importing(product, pictures) as goes_on:
            assert goes_on()
            assert image_ids(product) == {}
        assert not goes_on()
        assert len(image_ids(product)) == 4


def test_an_import_that_fails_meanwhile_is_quoted(new_build, tmp_path, pictures) -> None:
    with (
        running(new_build("one", fails="No worker."), tmp_path / "data") as product,
        pytest.raises(RuntimeError, match=r"one: `manage.py ingest` failed[^$]*    No worker\.$"),
        importing(product, pictures) as goes_on,
    ):
        assert not goes_on()


def test_an_error_meanwhile_ends_the_import(new_build, tmp_path, pictures) -> None:
    with running(new_build("one", lasts_s=60.0), tmp_path / "data") as product:
        with pytest.raises(ValueError, match="mine"), importing(product, pictures) as goes_on:
            raise ValueError("mine")

        assert not goes_on()


def test_an_impatient_person_is_obeyed(new_build, tmp_path: Path) -> None:
    """A second Ctrl-C comes while the product is being ended."""
    ends = (
        "import signal, time\n"
        "print('Semblance is ready', flush=True)\n"
        "signal.signal(signal.SIGTERM, lambda *_: seen.append(1))\n"
        "seen = []\n"
        "while len(seen) < 2: time.sleep(0.01)\n"
    )
    build = new_build("one")
    (build.root / "deploy" / "local" / "__main__.py").write_text(ends)
    program = (
        "import sys; from pathlib import Path\n"
        "from bench.builds.checkout import Build\n"
        "from bench.builds.product import running\n"
        f"build = Build('one', Path({str(build.root)!r}), Path(sys.executable))\n"
        f"with running(build, Path({str(tmp_path / 'data')!r})) as product:\n"
        "    print(product.supervisor_pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    bench = subprocess.Popen(
        [str(build.python), "-c", program],
        env={"PYTHONPATH": "platform:."},
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    supervisor_pid = int(bench.stdout.readline())
    time.sleep(0.2)
    bench.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert is_running(supervisor_pid)

    bench.send_signal(signal.SIGINT)

    bench.wait(20)
    assert not is_running(supervisor_pid)
