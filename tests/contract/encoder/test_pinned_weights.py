import hashlib
import json
import shutil
from pathlib import Path

import pytest

from ml.detection import registry as detectors
from ml.encoders import registry
from ml.encoders.families import fusion
from ml.errors import CheckpointMismatch, WeightsUnavailable
from ml.weights import yolo as yolo_weights
from ml.weights.hub import Hub
from tests.contract.encoder.hub_server import COMMIT, REPO_ID, put_on_disk

LATER = "b" * 40


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def record(cache: Path) -> dict[str, dict[str, str | None]]:
    return dict(json.loads((cache / "pins.json").read_text()))


def change(file: Path) -> None:
    """Other bytes of the same length, as a weights file of another training would be."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.unlink()  # the hub's library links to a file that others may share
    file.write_bytes(content)


def test_the_first_load_records_commit_and_hash(server, cache, folder):
    found = Hub(cache, endpoint=server.endpoint).locate(REPO_ID)

    assert found.sha256 == digest(folder / "model.safetensors")
    assert record(cache) == {f"{REPO_ID}@main": {"commit": COMMIT, "sha256": found.sha256}}


def test_a_branch_that_moved_on_is_not_followed(server, cache):
    hub = Hub(cache, endpoint=server.endpoint)
    first = hub.locate(REPO_ID)
    # Another program fetched the newer commit into the same cache.
    root = first.folder.parents[1]
    shutil.copytree(first.folder, root / "snapshots" / LATER)
    change(root / "snapshots" / LATER / "model.safetensors")
    (root / "refs" / "main").write_text(LATER)
    server.commits["main"] = LATER

    assert hub.locate(REPO_ID) == first
    assert hub.availability(REPO_ID) == (True, f"{REPO_ID}@{COMMIT} is on this machine")


def test_the_recorded_commit_is_what_is_fetched_again(server, cache):
    hub = Hub(cache, endpoint=server.endpoint)
    first = hub.locate(REPO_ID)
    shutil.rmtree(first.folder.parents[1])
    server.commits["main"] = LATER
    server.requests.clear()

    assert hub.availability(REPO_ID) == (True, f"the model hub has {REPO_ID}@{COMMIT}")
    assert hub.locate(REPO_ID) == first
    assert {request.split("/")[4] for request in server.requests} == {COMMIT}


def test_a_recorded_commit_that_the_hub_lost_is_said_so(server, cache):
    hub = Hub(cache, endpoint=server.endpoint)
    shutil.rmtree(hub.locate(REPO_ID).folder.parents[1])
    server.lost.add(COMMIT)
    reason = (
        f"the model hub no longer has {REPO_ID}@{COMMIT}, the commit of the first load; to load "
        f"what it has now, take {REPO_ID}@main out of {cache / 'pins.json'}"
    )

    with pytest.raises(WeightsUnavailable) as error:
        hub.locate(REPO_ID)

    assert str(error.value) == reason
    assert hub.availability(REPO_ID) == (False, reason)


def test_other_weights_of_the_same_commit_are_refused_until_they_are_deleted(server, cache):
    hub = Hub(cache, endpoint=server.endpoint)
    first = hub.locate(REPO_ID)
    change(first.folder / "model.safetensors")

    with pytest.raises(CheckpointMismatch, match="are not those of the first load"):
        hub.locate(REPO_ID)

    shutil.rmtree(first.folder.parents[1])
    assert hub.locate(REPO_ID) == first


def test_a_record_of_other_weights_is_heeded(server, cache, nobody_listens):
    Hub(cache, endpoint=server.endpoint).locate(REPO_ID)
    recorded = {"commit": LATER, "sha256": "2" * 64}
    (cache / "pins.json").write_text(json.dumps({f"{REPO_ID}@main": recorded}))
    unreachable = Hub(cache, endpoint=nobody_listens)
    offline = Hub(cache, is_offline=True)

    with pytest.raises(WeightsUnavailable, match=f"{REPO_ID}@{LATER} are not on this machine"):
        offline.locate(REPO_ID)
    with pytest.raises(WeightsUnavailable, match=f"{REPO_ID}@{LATER} is not on this machine and"):
        unreachable.locate(REPO_ID)
    with pytest.raises(CheckpointMismatch, match="are not those of the first load"):
        Hub(cache, endpoint=server.endpoint).locate(REPO_ID)


def test_a_damaged_record_stops_the_load_and_is_said_before(server, cache):
    hub = Hub(cache, endpoint=server.endpoint)
    hub.locate(REPO_ID)
    (cache / "pins.json").write_text("{")

    with pytest.raises(CheckpointMismatch, match=r"cannot be read\. Delete it"):
        hub.locate(REPO_ID)

    is_available, why = hub.availability(REPO_ID)
    assert not is_available
    assert "cannot be read. Delete it" in why


def test_without_the_cache_it_is_a_first_load_again(server, cache, folder):
    hub = Hub(cache, endpoint=server.endpoint)
    hub.locate(REPO_ID)
    shutil.rmtree(cache)
    server.commits["main"] = LATER
    change(folder / "model.safetensors")

    found = hub.locate(REPO_ID)

    assert found.weights == f"{REPO_ID}@{LATER}"
    assert record(cache)[f"{REPO_ID}@main"]["commit"] == LATER


def test_a_cache_that_cannot_be_written_is_used_as_it_is(cache, clip_folder):
    put_on_disk(cache, REPO_ID, clip_folder)
    (cache / "pins.json.lock").mkdir()

    assert Hub(cache, is_offline=True).locate(REPO_ID).weights == f"{REPO_ID}@{COMMIT}"
    assert not (cache / "pins.json").exists()


def test_a_commit_that_was_asked_for_is_the_one_that_is_loaded(server, cache):
    server.commits[LATER] = COMMIT

    with pytest.raises(CheckpointMismatch, match=f"gave commit {COMMIT} for {REPO_ID}@{LATER}"):
        Hub(cache, endpoint=server.endpoint).locate(f"{REPO_ID}@{LATER}")

    assert not (cache / "pins.json").exists()


def test_each_branch_of_a_repository_is_recorded_by_itself(server, cache):
    server.commits["other"] = LATER
    hub = Hub(cache, endpoint=server.endpoint)

    hub.locate(f"{REPO_ID}@main")
    hub.locate(f"{REPO_ID}@other")

    assert {name: pin["commit"] for name, pin in record(cache).items()} == {
        f"{REPO_ID}@main": COMMIT,
        f"{REPO_ID}@other": LATER,
    }


def test_a_folder_of_ones_own_is_not_recorded(cache, clip_folder):
    assert Hub(cache).locate(str(clip_folder)).sha256 == digest(clip_folder / "model.safetensors")
    assert not cache.exists()


def test_an_encoder_of_the_hub_is_refused_when_its_weights_changed(cache, clip_folder):
    put_on_disk(cache, REPO_ID, clip_folder)
    spec = registry.load(f"clip:{REPO_ID}", device="cpu", cache_dir=cache).spec
    assert record(cache)[f"{REPO_ID}@main"]["sha256"] == spec.weights_sha256
    change(next(cache.rglob("model.safetensors")))

    with pytest.raises(CheckpointMismatch, match="are not those of the first load"):
        registry.load(f"clip:{REPO_ID}", device="cpu", cache_dir=cache)


def test_both_towers_of_the_fusion_are_recorded(cache, clip_folder, blip_folder):
    put_on_disk(cache, fusion.CLIP_WEIGHTS, clip_folder)
    put_on_disk(cache, fusion.BLIP_WEIGHTS, blip_folder)
    registry.load_network("clip_blip_fusion", cache_dir=cache)

    assert set(record(cache)) == {f"{fusion.CLIP_WEIGHTS}@main", f"{fusion.BLIP_WEIGHTS}@main"}

    change(next(cache.glob("models--Salesforce*/snapshots/*/model.safetensors")))
    with pytest.raises(CheckpointMismatch, match=f"The weights of {fusion.BLIP_WEIGHTS}@main"):
        registry.load_network("clip_blip_fusion", cache_dir=cache)


def test_official_weights_of_ultralytics_are_recorded_by_their_hash(cache, yolo_file):
    official = cache / "ultralytics" / yolo_weights.DEFAULT_WEIGHTS
    official.parent.mkdir(parents=True)
    shutil.copy(yolo_file, official)

    detectors.load("yolo", device="cpu", cache_dir=cache)

    assert record(official.parent) == {
        yolo_weights.DEFAULT_WEIGHTS: {"sha256": digest(yolo_file), "commit": None}
    }
    assert yolo_weights.default_availability(cache) == (
        True,
        f"{yolo_weights.DEFAULT_WEIGHTS} is on this machine",
    )
    change(official)
    for load in (detectors.load, registry.load):
        with pytest.raises(CheckpointMismatch, match="are not those of the first load"):
            load("yolo", device="cpu", cache_dir=cache)


def test_a_damaged_record_of_official_weights_is_said_before_the_load(cache, yolo_file):
    folder = cache / "ultralytics"
    folder.mkdir(parents=True)
    shutil.copy(yolo_file, folder / yolo_weights.DEFAULT_WEIGHTS)
    (folder / "pins.json").write_text("{")

    is_available, why = yolo_weights.default_availability(cache)

    assert not is_available
    assert "cannot be read. Delete it" in why


def test_a_weights_file_of_ones_own_is_not_recorded(cache, yolo_file):
    assert yolo_weights.locate(str(yolo_file), cache_dir=cache) == yolo_file
    assert not cache.exists()
