import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from config.secret import read_or_create_secret_key

PLATFORM = Path(__file__).parents[3] / "platform"
_WAIT_AND_READ = """
import sys
from contextlib import contextmanager
from pathlib import Path
from config.secret import read_or_create_secret_key
sys.stdout.write("ready")
sys.stdout.flush()
sys.stdin.read()
sys.stdout.write("|" + read_or_create_secret_key(Path(sys.argv[1])))
"""


def test_the_key_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret_key"

    first = read_or_create_secret_key(path)

    assert len(first) == 67  # 50 random bytes in base64
    assert path.read_text() == first
    assert read_or_create_secret_key(path) == first


def test_nobody_else_may_read_it_and_no_draft_stays(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"

    read_or_create_secret_key(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_two_folders_have_two_keys(tmp_path: Path) -> None:
    assert read_or_create_secret_key(tmp_path / "a") != read_or_create_secret_key(tmp_path / "b")


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _WAIT_AND_READ, str(path)],
            env={"PYTHONPATH": str(PLATFORM)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdout.read(len("ready")) == "ready"

    for process in processes:
        process.stdin.close()
    keys = {process.stdout.read() for process in processes}

    assert [process.wait() for process in processes] == [0] * 6
    assert keys == {"|" + path.read_text()}


@contextmanager
def often_switching() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_threads_that_start_together_agree(tmp_path: Path) -> None:
    # Threads change over as often as they can.
    with often_switching(), ThreadPoolExecutor(8) as pool:
        for round_number in range(25):
            path = tmp_path / str(round_number) / "secret_key"

            keys = set(pool.map(lambda _, path=path: read_or_create_secret_key(path), range(8)))

            assert keys == {path.read_text()}
