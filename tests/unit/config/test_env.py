import tempfile
from ipaddress import ip_network
from pathlib import Path

import pytest
from PIL import Image

from config.env import ROOT, InvalidEnvironment, read_env

VARIABLES = (
    *("DATA_DIR", "MODELS_DIR", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"),
    *("SECURE_COOKIES", "WEB_HOST", "WEB_PORT", "WEB_WORKERS", "SEARCH_REQUIRES_LOGIN"),
    *(
        "SEARCH_TIMEOUT_S",
        "SEARCHES_IN_FLIGHT",
        "SEARCH_FETCHES_IN_FLIGHT",
        "DATABASE_URL",
        "BROKER_URL",
        "QDRANT_URL",
    ),
    *("QDRANT_API_KEY", "WEB_TRUSTED_PROXY", "UPLOAD_MAX_FORM_BYTES", "QUERIES_MAX_BYTES"),
    *("QDRANT_REPLICATION_FACTOR", "QDRANT_SHARD_NUMBER"),
    *("VECTORS_PORT", "S3_BUCKET", "S3_ENDPOINT_URL", "S3_REGION", "ENCODER", "DETECTOR", "DEVICE"),
    *("ENCODER_BATCH_SIZE", "UPLOAD_MAX_BYTES", "UPLOAD_MAX_PIXELS", "UPLOAD_MAX_FRAMES"),
    *("FETCH_TIMEOUT_S", "FETCH_ALLOWED_NETWORKS"),
    *("LOG_FORMAT", "LOG_LEVEL", "METRICS_TOKEN", "METRICS_DIR", "METRICS_HOST", "METRICS_PORT"),
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which none of our variables is set."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_nothing_set_gives_the_documented_defaults() -> None:
    env = read_env()

    assert env.data_dir == ROOT / "var"
    assert env.paths.models == ROOT / "var" / "models"
    assert (env.web.host, env.web.port, env.web.workers) == ("127.0.0.1", 8000, 2)
    assert (env.search.requires_login, env.search.timeout_s) == (False, 20.0)
    assert env.search.in_flight == 12
    assert env.database.database_url is None
    assert env.queue.is_embedded
    assert env.queue.socket == ROOT / "var" / "run" / "broker.sock"
    assert env.queue.url == f"redis+socket://{ROOT}/var/run/broker.sock"
    assert env.vectors.is_embedded
    assert (env.vectors.url, env.vectors.api_key) == ("http://127.0.0.1:8331", None)
    assert (env.vectors.qdrant_replication_factor, env.vectors.qdrant_shard_number) == (1, None)
    assert env.storage.s3_bucket is None
    assert (env.worker.encoder, env.worker.device) == ("auto", "auto")
    assert env.worker.encoder_batch_size == 16
    assert env.uploads.max_bytes == 52_428_800
    assert (env.uploads.max_pixels, env.uploads.max_frames) == (100_000_000, 1000)
    assert (env.logging.format, env.logging.level) == ("text", "INFO")
    assert (env.metrics.token, env.metrics_dir, env.metrics.port) == (None, None, None)


def test_an_empty_variable_counts_as_unset(bare: pytest.MonkeyPatch) -> None:
    expected = read_env()
    for name in VARIABLES:
        bare.setenv(name, "")

    assert read_env() == expected


def test_all_bad_values_are_named_in_one_error(bare: pytest.MonkeyPatch) -> None:
    bad = {
        "WEB_PORT": "70000",
        "WEB_WORKERS": "0",
        "SEARCH_TIMEOUT_S": "soon",
        "SEARCH_REQUIRES_LOGIN": "perhaps",
        "VECTORS_PORT": "0",
        "ENCODER_BATCH_SIZE": "-1",
        "UPLOAD_MAX_BYTES": "a lot",
        "UPLOAD_MAX_PIXELS": "0",
        "UPLOAD_MAX_FRAMES": "1.5",
        "LOG_FORMAT": "xml",
        "LOG_LEVEL": "LOUD",
        "METRICS_TOKEN": "too-short",
        "METRICS_PORT": "0",
        "DEBUG": "2",
        "DATA_DIR": "~nobody-of-this-name/var",
        "DATABASE_URL": "mysql://somebody:hush-hush@host/db",
        "BROKER_URL": "amqp://somebody:hush-hush@host",
        "QDRANT_URL": "qdrant:6333",
        "QDRANT_REPLICATION_FACTOR": "0",
        "QDRANT_SHARD_NUMBER": "many",
    }
    for name, value in bad.items():
        bare.setenv(name, value)

    with pytest.raises(InvalidEnvironment) as caught:
        read_env()

    named = [line.split(":")[0] for line in str(caught.value).splitlines()]
    assert sorted(named) == sorted(bad)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("DATABASE_URL", "postgres://host/db"),
        ("DATABASE_URL", "postgresql://host/db"),
        ("DATABASE_URL", "sqlite:////tmp/db"),
        ("BROKER_URL", "redis://host"),
        ("BROKER_URL", "rediss://host"),
        ("BROKER_URL", "redis+socket:///run/redis.sock"),
        ("QDRANT_URL", "http://host:6333"),
        ("QDRANT_URL", "https://host"),
    ],
)
def test_addresses_of_known_kinds_are_taken(
    bare: pytest.MonkeyPatch, name: str, address: str
) -> None:
    bare.setenv(name, address)

    read_env()


def test_more_pixels_than_pillow_opens_cannot_be_allowed(bare: pytest.MonkeyPatch) -> None:
    largest = 2 * Image.MAX_IMAGE_PIXELS
    bare.setenv("UPLOAD_MAX_PIXELS", str(largest))
    assert read_env().uploads.max_pixels == largest

    bare.setenv("UPLOAD_MAX_PIXELS", str(largest + 1))
    with pytest.raises(InvalidEnvironment, match="UPLOAD_MAX_PIXELS"):
        read_env()


def test_the_data_folder_holds_models_and_the_brokers_socket(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare.setenv("DATA_DIR", str(tmp_path / "data"))

    env = read_env()

    assert env.data_dir == tmp_path / "data"
    assert env.paths.models == tmp_path / "data" / "models"
    assert env.queue.url == f"redis+socket://{tmp_path}/data/run/broker.sock"
    assert not env.data_dir.exists()


def test_relative_and_home_folders_become_absolute(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare.setenv("HOME", str(tmp_path))
    bare.setenv("DATA_DIR", "~/semblance/../data")
    bare.setenv("MODELS_DIR", "~/models")

    env = read_env()

    assert env.data_dir == tmp_path / "data"
    assert env.queue.socket == tmp_path / "data" / "run" / "broker.sock"
    assert env.paths.models == tmp_path / "models"


@pytest.mark.parametrize(
    ("length", "is_moved"),
    [pytest.param(107, False, id="fits"), pytest.param(108, True, id="one-byte-too-long")],
)
def test_a_socket_path_too_long_for_the_system_moves_to_the_temporary_folder(
    bare: pytest.MonkeyPatch, length: int, is_moved: bool
) -> None:
    folder = "/" + "d" * (length - len("/" + "/run/broker.sock"))
    bare.setenv("DATA_DIR", folder)

    socket = read_env().queue.socket

    assert len(bytes(socket)) <= 107
    assert str(socket).startswith(f"{tempfile.gettempdir()}/semblance-") == is_moved
    assert socket == read_env().queue.socket


def test_two_long_data_folders_have_two_sockets(bare: pytest.MonkeyPatch) -> None:
    sockets = set()
    for letter in "ab":
        bare.setenv("DATA_DIR", "/" + letter * 120)
        sockets.add(read_env().queue.socket)

    assert len(sockets) == 2


def test_a_path_is_measured_in_bytes_not_letters(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DATA_DIR", "/" + "ж" * 60)

    assert len(bytes(read_env().queue.socket)) <= 107


def test_addresses_of_servers_switch_the_embedded_parts_off(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("BROKER_URL", "redis://:secret@broker:6379/0")
    bare.setenv("QDRANT_URL", "https://qdrant:6333")
    bare.setenv("QDRANT_API_KEY", "key")

    env = read_env()

    assert not env.queue.is_embedded
    assert env.queue.url == "redis://:secret@broker:6379/0"
    assert not env.vectors.is_embedded
    assert (env.vectors.url, env.vectors.api_key) == ("https://qdrant:6333", "key")


def test_secrets_are_not_in_the_text_of_the_settings(bare: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "QDRANT_API_KEY"):
        bare.setenv(name, "hush-hush")
    bare.setenv("DATABASE_URL", "postgres://somebody:hush-hush@host/db")
    bare.setenv("BROKER_URL", "redis://:hush-hush@host")

    assert "hush" not in repr(read_env())


def test_lists_are_split_at_commas(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("ALLOWED_HOSTS", "a.example, b.example ,")

    assert read_env().site.allowed_hosts == ("a.example", "b.example")


def test_networks_that_are_fetched_from_are_parsed(bare: pytest.MonkeyPatch) -> None:
    assert read_env().fetching.allowed_networks == ()
    bare.setenv("FETCH_ALLOWED_NETWORKS", "10.1.0.0/16, fd00::/8")

    networks = (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
    assert read_env().fetching.allowed_networks == networks


@pytest.mark.parametrize("value", ["example.org", "10.0.0.1/8", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(bare: pytest.MonkeyPatch, value: str) -> None:
    bare.setenv("FETCH_ALLOWED_NETWORKS", value)

    with pytest.raises(InvalidEnvironment, match="FETCH_ALLOWED_NETWORKS"):
        read_env()


def test_settings_cannot_be_changed() -> None:
    env = read_env()

    with pytest.raises(ValueError, match="frozen"):
        env.web.port = 1


def test_figures_are_shared_in_the_data_folder_once_somebody_may_read_them(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare.setenv("DATA_DIR", str(tmp_path))
    bare.setenv("METRICS_DIR", str(tmp_path / "elsewhere"))
    assert read_env().metrics_dir is None

    bare.setenv("METRICS_TOKEN", "a-token-of-this-test")
    assert read_env().metrics_dir == tmp_path / "elsewhere"

    bare.delenv("METRICS_DIR")
    assert read_env().metrics_dir == tmp_path / "run" / "metrics"
    assert "a-token" not in repr(read_env())
