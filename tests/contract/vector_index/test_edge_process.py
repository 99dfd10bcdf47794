"""The embedded store as a process: what it keeps when it dies, and when it refuses to start."""

import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.contract.vector_index.edge_process import EdgeProcess
from tests.contract.vector_index.gallery import DIM, clustered, gallery, naive_search
from vectors.index import CollectionSpec, EditablePayload, Point
from vectors.qdrant import QdrantIndex, connect, drop

ROUNDS = 2


def index_at(process: EdgeProcess) -> QdrantIndex:
    return QdrantIndex(connect(process.url), CollectionSpec("regions__fake__v1", DIM))


def test_a_killed_process_loses_no_acknowledged_write(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    expected: dict[object, Point] = {}
    for _ in range(ROUNDS):
        with EdgeProcess(tmp_path) as process:
            index = index_at(process)
            index.ensure()
            added = gallery(rng, 70)
            index.upsert(added)
            index.delete([added[0].id, added[1].id])
            expected |= {point.id: point for point in added[2:]}
            process.kill()

    with EdgeProcess(tmp_path) as process:
        index = index_at(process)
        query = clustered(rng, 1)
        [found] = index.search(query, k=50)
        assert list(index.scroll()) == sorted(
            (point.id, point.payload.image_id) for point in expected.values()
        )
        assert [hit.point_id for hit in found] == [
            one for one, _, _ in naive_search(expected.values(), query[0], 50)
        ]


def test_a_killed_process_loses_no_acknowledged_payload(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    new = EditablePayload(medium="drawing", tags=("b",), albums=("2025",))
    points = gallery(rng, 30)
    image_ids = sorted({point.payload.image_id for point in points})
    with EdgeProcess(tmp_path) as process:
        index = index_at(process)
        index.ensure()
        index.upsert(points)
        index.set_payload(image_ids[:4], new)
        process.kill()

    with EdgeProcess(tmp_path) as process:
        carried = index_at(process).scroll_payloads()
        assert {image_id for image_id, payload in carried if payload == new} == set(image_ids[:4])


def test_an_ended_process_keeps_points_and_indexes(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    points = gallery(rng, 20)
    process = EdgeProcess(tmp_path).wait_until_healthy()
    client = connect(process.url)
    index = QdrantIndex(client, CollectionSpec("regions__fake__v1", DIM))
    index.ensure()
    index.upsert(points)
    indexed = client.get_collection(index.spec.name).payload_schema

    status, _ = process.end()

    assert status == 0
    with EdgeProcess(tmp_path, process.port) as again:
        # The old client goes on, over a new connection.
        [found] = index_at(again).search(points[3].embedding[np.newaxis], k=1)
        assert [hit.image_id for hit in found] == [points[3].payload.image_id]
        assert index.count() == 20
        assert client.get_collection(index.spec.name).payload_schema == indexed
        drop(client, index.spec.name)
        assert not (tmp_path / "collections" / index.spec.name).exists()
        assert again.end(signal.SIGINT)[0] == 0


def refusal(data: Path, port: int | None = None) -> str:
    """What a process that cannot start says, after checking that it ends with 1 and one line."""
    status, errors = EdgeProcess(data, port).wait()
    assert (status, errors.count("\n")) == (1, 1)
    return errors.strip()


def test_a_second_owner_of_the_folder_is_refused(edge: EdgeProcess) -> None:
    assert refusal(edge.data) == (
        f"vectors: Another process already serves the data folder {edge.data}."
    )


def test_a_port_in_use_is_refused(edge: EdgeProcess, tmp_path: Path) -> None:
    said = refusal(tmp_path, edge.port)

    assert said.startswith(f"vectors: Cannot listen on 127.0.0.1:{edge.port}: ")


def way_out(data: Path) -> str:
    return (
        f" Nothing here is the only copy: move {data} away, start again, and "
        "`manage.py audit --repair` has every picture indexed anew."
    )


def test_a_damaged_folder_is_refused_and_the_way_out_is_named(tmp_path: Path) -> None:
    (tmp_path / "collections.json").write_text("{")

    said = refusal(tmp_path)

    assert said.startswith(f"vectors: {tmp_path / 'collections.json'} is damaged: ")
    assert said.endswith(way_out(tmp_path))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one collection, from a process that ended well."""
    data = tmp_path_factory.mktemp("vectors")
    with EdgeProcess(data) as process:
        index_at(process).ensure()
    return data


@pytest.mark.parametrize(
    ("damaged", "content"),
    [
        ("collections/*/edge_config.json", b"rubbish"),
        ("collections/*/wal/open-1", b""),
        ("collections/*/segments/*/segment.json", None),
        # Edge panics at this one, and says so in lines of its own.
        ("collections/*/segments/*/vector_storage/vectors/status.dat", b""),
        ("collections.json", None),
    ],
)
def test_damaged_files_of_a_collection_name_it_and_the_way_out(
    written: Path, tmp_path: Path, damaged: str, content: bytes | None
) -> None:
    data = tmp_path / "vectors"
    shutil.copytree(written, data)
    [file] = data.glob(damaged)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)

    status, errors = EdgeProcess(data).wait()

    assert status == 1
    [said] = [line for line in errors.splitlines() if line.startswith("vectors: ")]
    assert str(data / "collections") in said
    assert said.endswith(way_out(data))
    assert "Traceback" not in errors

    data.rename(tmp_path / "away")
    with EdgeProcess(data) as process:
        index_at(process).ensure()
        assert index_at(process).count() == 0


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc/net")
def test_the_process_listens_on_its_own_machine_only(edge: EdgeProcess) -> None:
    port = f":{edge.port:04X}"
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
    ]

    listening = {row[1] for row in rows if row[3] == "0A" and row[1].endswith(port)}

    assert listening == {f"0100007F{port}"}
