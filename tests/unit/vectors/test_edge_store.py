"""The data folder of the embedded store: what it survives and what it refuses to open."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from vectors.edge.errors import AlreadyExists, EdgeCannotStart, NotFound, RequestRefused
from vectors.edge.store import Store

NAME = "regions__fake__v1"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store with one empty collection."""
    store = Store(tmp_path / "data")
    store.open()
    store.create(NAME, 4)
    yield store
    store.close()


@pytest.fixture
def data(store: Store, tmp_path: Path) -> Path:
    """The folder of a store with one empty collection, closed."""
    store.close()
    return tmp_path / "data"


def refusal(data: Path) -> str:
    with pytest.raises(EdgeCannotStart) as raised:
        Store(data).open()
    return str(raised.value)


def test_a_closed_store_opens_again_as_it_was(store: Store, tmp_path: Path) -> None:
    store.close()

    again = Store(tmp_path / "data")
    again.open()

    assert again.names == [NAME]
    assert again.get(NAME).dim == 4
    again.close()


def test_a_folder_with_an_alias_of_an_earlier_release_opens_and_the_alias_is_no_name(
    data: Path,
) -> None:
    catalogue = data / "collections.json"
    collections = {NAME: {"dim": 4}}
    catalogue.write_text(
        json.dumps({"format": 1, "collections": collections, "aliases": {"regions": NAME}})
    )
    store = Store(data)
    store.open()

    with pytest.raises(NotFound):
        store.get("regions")
    assert store.get(NAME).dim == 4
    store.create("regions__fake__v2", 8)
    store.close()

    # What is written an earlier release opens, too.
    assert json.loads(catalogue.read_text()) == {
        "format": 1,
        "collections": {**collections, "regions__fake__v2": {"dim": 8}},
        "aliases": {},
    }


def test_an_open_folder_has_no_second_owner(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "data"

    assert refusal(folder) == f"Another process already serves the data folder {folder}."


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    said = refusal(tmp_path / "data")

    assert said.startswith(f"The data folder {tmp_path / 'data'} cannot be used: ")


def test_a_lost_collection_folder_is_refused(data: Path) -> None:
    folder = data / "collections" / NAME
    shutil.rmtree(folder)

    said = refusal(data)
    assert said.startswith(f"The folder {folder} of the collection {NAME} is missing.")
    assert f"move {data} away" in said


def test_a_damaged_collection_is_refused(data: Path) -> None:
    folder = data / "collections" / NAME
    (folder / "edge_config.json").write_text("{")

    said = refusal(data)

    assert said.startswith(f"The collection {NAME} in {folder} cannot be opened: ")


def test_a_lost_catalogue_is_refused(data: Path) -> None:
    catalogue = data / "collections.json"
    catalogue.unlink()

    said = refusal(data)
    assert said.startswith(f"{catalogue} is missing although there are collections beside it.")
    assert f"move {data} away" in said


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", json.dumps({"format": 2, "collections": {}, "aliases": {}})],
    ids=["empty", "broken", "list", "newer"],
)
def test_a_catalogue_that_cannot_be_read_is_refused(data: Path, content: str) -> None:
    catalogue = data / "collections.json"
    catalogue.write_text(content)

    said = refusal(data)

    assert said.startswith(f"{catalogue} is ")
    assert "\n" not in said


def test_a_folder_left_by_an_unfinished_creation_is_made_anew(store: Store, tmp_path: Path) -> None:
    leftover = tmp_path / "data" / "collections" / "regions__fake__v2" / "segments"
    leftover.mkdir(parents=True)

    store.create("regions__fake__v2", 4)

    assert store.get("regions__fake__v2").shard.info().points_count == 0


def test_the_folder_is_closed_to_other_accounts(data: Path) -> None:
    assert data.stat().st_mode & 0o077 == 0
    assert (data / "collections").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", ".", "..", "../evil", "/evil", ".hidden", "a b", "x" * 129])
def test_a_name_that_is_no_folder_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(RequestRefused):
        store.create(name, 4)

    assert store.names == [NAME]


def test_a_taken_name_is_refused(store: Store) -> None:
    with pytest.raises(AlreadyExists):
        store.create(NAME, 4)


def test_a_dropped_collection_is_gone(store: Store) -> None:
    assert store.drop("regions__fake__v2") is False
    assert store.drop(NAME) is True
    with pytest.raises(NotFound):
        store.get(NAME)
