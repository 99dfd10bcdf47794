import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ml.encoders import registry
from ml.errors import CheckpointMismatch, WeightsUnavailable
from ml.types import Choice
from ml.weights.hub import Hub
from tests.contract.encoder.checkpoints import CLIP_DIM, pictures
from tests.contract.encoder.hub_server import COMMIT, REPO_ID, HubServer, put_on_disk

REPOSITORY = Path(__file__).resolve().parents[3]


def downloads(server: HubServer) -> list[str]:
    return [request for request in server.requests if request.startswith("GET")]


def test_a_checkpoint_is_downloaded_and_recorded_with_its_commit(server, cache, folder):
    found = Hub(cache, endpoint=server.endpoint).locate(REPO_ID)

    assert found.weights == f"{REPO_ID}@{COMMIT}"
    assert found.folder.is_relative_to(cache)
    assert sorted(path.name for path in found.folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
    ]
    for path in found.folder.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_what_was_downloaded_is_not_asked_for_again(server, cache):
    first = Hub(cache, endpoint=server.endpoint).locate(REPO_ID)
    server.requests.clear()

    assert Hub(cache, endpoint=server.endpoint).locate(REPO_ID) == first
    assert Hub(cache, endpoint=server.endpoint).availability(REPO_ID)[0]
    assert server.requests == []


def test_what_was_downloaded_is_found_again_by_its_commit(server, cache):
    first = Hub(cache, endpoint=server.endpoint).locate(REPO_ID)

    assert Hub(cache, is_offline=True).locate(first.weights) == first


def test_a_download_that_was_cut_off_is_completed(server, cache):
    first = Hub(cache, endpoint=server.endpoint).locate(REPO_ID)
    (first.folder / "model.safetensors").unlink()

    assert Hub(cache, endpoint=server.endpoint).locate(REPO_ID) == first
    assert (first.folder / "model.safetensors").is_file()


def test_only_the_older_format_is_fetched_where_there_is_no_other(server, cache, folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()

    found = Hub(cache, endpoint=server.endpoint).locate(REPO_ID)

    assert (found.folder / "pytorch_model.bin").is_file()


def test_nothing_is_fetched_beside_what_is_needed(server, cache, folder):
    for name in ("tf_model.h5", "pytorch_model.bin", "evil.py"):
        (folder / name).write_bytes(b"not wanted")

    Hub(cache, endpoint=server.endpoint).locate(REPO_ID)

    assert [request.rpartition("/")[2] for request in downloads(server)] == [
        "config.json",
        "preprocessor_config.json",
        "model.safetensors",
    ]


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("somebody/else", "the model hub has no somebody/else"),
        (f"{REPO_ID}@gone", f"the model hub has no such revision of {REPO_ID}"),
    ],
)
def test_what_the_hub_does_not_have_is_said_so(server, cache, reference, reason):
    hub = Hub(cache, endpoint=server.endpoint)

    with pytest.raises(WeightsUnavailable, match=reason) as error:
        hub.locate(reference)

    assert error.value.code == "ml:weights-unavailable"
    assert hub.availability(reference) == (False, reason)


def test_a_repository_without_weights_is_refused(server, cache, folder):
    (folder / "model.safetensors").unlink()

    with pytest.raises(CheckpointMismatch, match=r"none of model\.safetensors"):
        Hub(cache, endpoint=server.endpoint).locate(REPO_ID)


def test_a_place_that_cannot_hold_downloads_is_said_so(server, cache):
    cache.write_text("a file where the folder should be")

    with pytest.raises(WeightsUnavailable, match="cannot be stored on this machine: Not a dir"):
        Hub(cache, endpoint=server.endpoint).locate(REPO_ID)


def test_available_means_asked_but_not_downloaded(server, cache):
    assert Hub(cache, endpoint=server.endpoint).availability(REPO_ID) == (
        True,
        f"the model hub has {REPO_ID}",
    )
    assert downloads(server) == []


def test_an_unreachable_hub_is_said_so(cache, nobody_listens):
    hub = Hub(cache, endpoint=nobody_listens)
    reason = f"{REPO_ID} is not on this machine and the model hub cannot be reached"

    started = time.monotonic()
    with pytest.raises(WeightsUnavailable, match=reason):
        hub.locate(REPO_ID)

    assert hub.availability(REPO_ID) == (False, reason)
    assert time.monotonic() - started < 5


def test_offline_nothing_is_asked(server, cache):
    hub = Hub(cache, endpoint=server.endpoint, is_offline=True)

    with pytest.raises(WeightsUnavailable, match=f"{REPO_ID} are not on this machine"):
        hub.locate(REPO_ID)

    assert hub.availability(REPO_ID) == (False, f"{REPO_ID} is not on this machine")
    assert server.requests == []


def test_a_hub_that_never_answers_is_not_waited_for(cache):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        hub = Hub(cache, endpoint=endpoint, timeout_s=0.3)
        started = time.monotonic()

        is_available, _ = hub.availability(REPO_ID)

    assert not is_available
    assert time.monotonic() - started < 1


def test_an_encoder_is_loaded_by_hub_id_from_disk(clip_folder, cache):
    put_on_disk(cache, REPO_ID, clip_folder)

    encoder = registry.load(f"clip:{REPO_ID}", device="cpu", cache_dir=cache)

    assert encoder.spec.weights == f"{REPO_ID}@{COMMIT}"
    assert encoder.encode(pictures(2)).shape == (2, CLIP_DIM)


def test_automatic_takes_clip_where_it_is_on_disk(clip_folder, cache):
    put_on_disk(cache, registry.CLIP_WEIGHTS, clip_folder)

    assert registry.choose("auto", cache_dir=cache) == Choice(
        name="clip",
        reason="The main encoder, clip, is used: openai/clip-vit-base-patch32 is on this machine.",
    )


def chosen_with(cache: Path, **environment: str) -> tuple[str, float]:
    """What "auto" becomes in a process with other variables, and how many seconds that took."""
    program = (
        "import sys, time, pathlib; from ml.encoders.registry import choose; s = time.monotonic();"
        "c = choose('auto', cache_dir=pathlib.Path(sys.argv[1]));"
        "print(c.name, '|', c.reason, '|', time.monotonic() - s, '|', 'torch' in sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, str(cache)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | environment,
        check=True,
    )
    name, reason, seconds, has_torch = finished.stdout.strip().split(" | ")
    assert has_torch == "False"
    return f"{name}: {reason}", float(seconds)


@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "HF_HUB_OFFLINE"])
def test_automatic_takes_the_packaged_one_where_clip_cannot_be_had(cache, nobody_listens, variable):
    value = nobody_listens if variable == "HF_ENDPOINT" else "1"

    choice, seconds = chosen_with(cache, **{variable: value})

    assert choice == (
        "semblance_lite: The packaged encoder, semblance_lite, is used instead of clip: "
        "openai/clip-vit-base-patch32 is not on this machine and the model hub cannot be reached."
    )
    assert seconds < 5


def test_automatic_takes_clip_where_the_hub_has_it(clip_folder, cache):
    with HubServer(registry.CLIP_WEIGHTS, clip_folder).running() as server:
        choice, _ = chosen_with(cache, HF_ENDPOINT=server.endpoint)

    assert choice == (
        "clip: The main encoder, clip, is used: the model hub has openai/clip-vit-base-patch32."
    )
