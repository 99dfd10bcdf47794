"""Every environment variable that Semblance reads: one frozen model per concern.

Only `config.settings`, `workers.bootstrap` and the supervisor call `read_env`; all bad values are
reported in one error. Reading opens nothing and creates no folder.
"""

import hashlib
import tempfile
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_type_hints
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ml.rules.limits import MAX_PIXELS, PILLOW_MAX_PIXELS

ROOT = Path(__file__).resolve().parents[2]

# A unix socket's path has 108 bytes on Linux, the closing zero among them (sys/un.h).
MAX_SOCKET_PATH_BYTES = 107

Port = Annotated[int, Field(ge=1, le=65535)]
Network = IPv4Network | IPv6Network
Address = TypeVar("Address", SecretStr, str)


class _Section(BaseSettings):
    # An empty variable counts as unset.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)


def _parts(value: object) -> object:
    """Return the parts of a text that commas divide."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except RuntimeError as error:
        raise ValueError(f"{path} begins with the name of nobody known here") from error


Folder = Annotated[Path, AfterValidator(_absolute)]


def _begins_with(*schemes: str) -> AfterValidator:
    """Refuse an address of a kind that nothing here can talk to; the message keeps its secrets."""

    def check(address: Address) -> Address:
        text = address.get_secret_value() if isinstance(address, SecretStr) else address
        if not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"it has to begin with {' or '.join(f'{s}://' for s in schemes)}")
        return address

    return AfterValidator(check)


DatabaseUrl = Annotated[SecretStr, _begins_with("postgres", "postgresql", "sqlite")]
BrokerUrl = Annotated[SecretStr, _begins_with("redis", "rediss", "redis+socket")]
QdrantUrl = Annotated[str, _begins_with("http", "https")]


def _names_a_server(address: SecretStr) -> SecretStr:
    _mail_server(address.get_secret_value())
    return address


MailUrl = Annotated[SecretStr, _begins_with("smtp", "smtps"), AfterValidator(_names_a_server)]


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has to be one line")
    return text


def _without_slash(address: str) -> str:
    return address.rstrip("/")


SiteUrl = Annotated[str, _begins_with("http", "https"), AfterValidator(_without_slash)]


class PathsEnv(_Section):
    """Where the product writes."""

    data_dir: Folder = ROOT / "var"
    models_dir: Folder | None = None

    @property
    def models(self) -> Path:
        """Folder that keeps fetched model weights."""
        return self.data_dir / "models" if self.models_dir is None else self.models_dir


class SiteEnv(_Section):
    """The site: its secret and who may call it under which name."""

    secret_key: SecretStr | None = None
    debug: bool = False
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ("localhost", "127.0.0.1", "[::1]")
    csrf_trusted_origins: Annotated[tuple[str, ...], NoDecode] = ()
    secure_cookies: bool = False

    @field_validator("allowed_hosts", "csrf_trusted_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _parts(value)


# Requests that a web process works on at a time. Most of them wait for the query worker, which
# takes them in their order; those that wait for a thread here are taken in none.
WEB_THREADS = 16


class WebEnv(_Section):
    """The web process: its address and size."""

    model_config = SettingsConfigDict(env_prefix="WEB_")

    host: str = "127.0.0.1"
    port: Port = 8000
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    # Address of the proxy in front, whose X-Forwarded-… are believed; "*" is whoever asks.
    trusted_proxy: str | None = None


class SearchEnv(_Section):
    """Who may search, and how long a person waits."""

    model_config = SettingsConfigDict(env_prefix="SEARCH_")

    requires_login: bool = False
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 20.0
    # Nearest pictures that decide with the query in which order hits come; 0 is the query alone.
    neighbours: Annotated[int, Field(ge=0, le=10)] = 10
    # Whether the middle of the query decides as well.
    middle: bool = True
    # Of each web process, below its threads.
    in_flight: Annotated[int, Field(ge=1, lt=WEB_THREADS, alias="SEARCHES_IN_FLIGHT")] = 12
    # Pictures that a web process fetches for searches at a time, by addresses that people name; 0
    # fetches none.
    fetches_in_flight: Annotated[int, Field(ge=0, lt=WEB_THREADS)] = 2
    # Of each web process; of one site a fifth.
    fetches_per_minute: Annotated[int, Field(ge=1)] = 60
    # Of all pictures that were searched with, and what was extracted of them.
    kept_bytes: Annotated[int, Field(gt=0, alias="QUERIES_MAX_BYTES")] = 1024 * 1024 * 1024
    # Searches that an account may save; their pictures are not counted above.
    saved_max: Annotated[int, Field(ge=0, alias="SAVED_SEARCHES_MAX")] = 200


class LimitsEnv(_Section):
    """How much one caller may ask; 0 is no limit. Callers on this machine are not counted.

    A visitor is counted by address, an account and a token by itself; see `site_http.limits`.
    """

    model_config = SettingsConfigDict(env_prefix="LIMIT_")

    # A minute.
    searches: Annotated[int, Field(ge=0)] = 120
    account_searches: Annotated[int, Field(ge=0)] = 1_200
    fetches: Annotated[int, Field(ge=0)] = 20
    account_fetches: Annotated[int, Field(ge=0)] = 300
    account_uploads: Annotated[int, Field(ge=0)] = 3_000
    unknown_tokens: Annotated[int, Field(ge=0)] = 30
    # Under way at the same time.
    searches_at_once: Annotated[int, Field(ge=0)] = 6
    account_searches_at_once: Annotated[int, Field(ge=0)] = 12
    # Of pictures that were searched with, in an hour.
    kept_bytes: Annotated[int, Field(ge=0)] = 256 * 1024 * 1024
    account_kept_bytes: Annotated[int, Field(ge=0)] = 0


class DatabaseEnv(_Section):
    """SQL: SQLite in the data folder, or what DATABASE_URL names."""

    database_url: DatabaseUrl | None = None


class QueueEnv(_Section):
    """The broker: ours on a unix socket, or what BROKER_URL names."""

    broker_url: BrokerUrl | None = None
    data_dir: Folder = ROOT / "var"

    @property
    def is_embedded(self) -> bool:
        """Whether the run command starts the broker itself."""
        return self.broker_url is None

    @property
    def socket(self) -> Path:
        """Unix socket of the embedded broker, in a folder of its own (mode 0700)."""
        path = self.data_dir / "run" / "broker.sock"
        if len(bytes(path)) <= MAX_SOCKET_PATH_BYTES:
            return path
        name = hashlib.sha256(bytes(self.data_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"semblance-{name}" / "broker.sock"

    @property
    def url(self) -> str:
        """Celery's broker and result address."""
        if self.broker_url is not None:
            return self.broker_url.get_secret_value()
        return f"redis+socket://{self.socket}"


class VectorsEnv(_Section):
    """Qdrant: our Edge process on loopback, or the server that QDRANT_URL names."""

    qdrant_url: QdrantUrl | None = None
    qdrant_api_key: SecretStr | None = None
    # Of a collection that is made in a cluster: on how many nodes each vector lies, and in how many
    # shards all of them; unset is one shard a node.
    qdrant_replication_factor: Annotated[int, Field(ge=1, le=32)] = 1
    qdrant_shard_number: Annotated[int, Field(ge=1, le=1024)] | None = None
    port: Port = Field(default=8331, validation_alias="VECTORS_PORT")

    @property
    def is_embedded(self) -> bool:
        """Whether the run command starts the vectors process itself."""
        return self.qdrant_url is None

    @property
    def url(self) -> str:
        """Address for `QdrantClient(url=…)`."""
        return self.qdrant_url or f"http://127.0.0.1:{self.port}"

    @property
    def api_key(self) -> str | None:
        """Qdrant's key, where it asks for one."""
        return None if self.qdrant_api_key is None else self.qdrant_api_key.get_secret_value()


class StorageEnv(_Section):
    """Original files: a folder, or an S3 bucket (keys come from the usual AWS variables)."""

    s3_bucket: str | None = None
    s3_endpoint_url: str | None = None
    s3_region: str | None = None


class WorkerEnv(_Section):
    """What the workers load, and on which device."""

    encoder: str = "auto"
    detector: str = "auto"
    device: str = "auto"
    encoder_batch_size: Annotated[int, Field(ge=1, le=1024)] = 16
    # Of one worker process; unset is one a core. The run command shares the cores out by it.
    worker_threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    # Unset is by cores, as many as memory allows.
    query_processes: Annotated[int, Field(ge=1, le=64)] | None = None
    # Unset is what memory allows, two at most.
    bulk_processes: Annotated[int, Field(ge=1, le=64)] | None = None


class UploadEnv(_Section):
    """The largest picture that is taken in."""

    model_config = SettingsConfigDict(env_prefix="UPLOAD_")

    max_bytes: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    # Of all files of one form.
    max_form_bytes: Annotated[int, Field(gt=0)] = 1024 * 1024 * 1024
    max_pixels: Annotated[int, Field(gt=0, le=PILLOW_MAX_PIXELS)] = MAX_PIXELS
    max_frames: Annotated[int, Field(gt=0)] = 1_000


class RetentionEnv(_Section):
    """How long what nobody needs any more is kept, in days."""

    # Images in the bin; 0 keeps them until somebody deletes them.
    bin_retention_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    # Entries of the audit log; unset keeps them.
    audit_log_retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None


class FetchEnv(_Section):
    """Pictures that are fetched from addresses which somebody names."""

    model_config = SettingsConfigDict(env_prefix="FETCH_")

    # Of one picture, redirects and all.
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    # Networks that are not public and may be fetched from all the same.
    allowed_networks: Annotated[tuple[Network, ...], NoDecode] = ()

    @field_validator("allowed_networks", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        return _parts(value)


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server that takes e-mails, and who we are to it."""

    host: str
    port: int
    user: str
    password: str
    has_tls_at_once: bool
    has_tls_later: bool


def _mail_server(address: str) -> MailServer:
    """Return what an address says; `?tls=no` leaves a log-in unencrypted.

    Raises:
        ValueError: it names no server.
    """
    parts = urlsplit(address)
    if not parts.hostname:
        raise ValueError("it has to name a server")
    is_secure = parts.scheme == "smtps"
    user = unquote(parts.username or "")
    return MailServer(
        host=parts.hostname,
        port=parts.port or (465 if is_secure else 587 if user else 25),
        user=user,
        password=unquote(parts.password or ""),
        has_tls_at_once=is_secure,
        has_tls_later=not is_secure and bool(user) and parse_qs(parts.query).get("tls") != ["no"],
    )


class MailEnv(_Section):
    """How e-mails are sent, and what they lead to; without both there are none."""

    # smtp://user:password@host:587 (STARTTLS where a name is given), smtps:// (TLS from the first).
    email_url: MailUrl | None = None
    email_from: Annotated[str, AfterValidator(_one_line)] = "Semblance <semblance@localhost>"
    # The site's own address, as people open it.
    site_url: SiteUrl | None = None

    @property
    def server(self) -> "MailServer | None":
        """The server that e-mails are handed to."""
        return None if self.email_url is None else _mail_server(self.email_url.get_secret_value())


class IngestEnv(_Section):
    """Imports: how far they run ahead of the workers, and what they may read."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    # Pictures that wait to be indexed, whoever brought them; 0 is no limit.
    max_waiting: Annotated[int, Field(ge=0)] = 2_000
    # Folders of the workers' machines that an import which was started in the admin may read.
    roots: Annotated[tuple[Folder, ...], NoDecode] = ()

    @field_validator("roots", mode="before")
    @classmethod
    def _split_roots(cls, value: object) -> object:
        return _parts(value)


class LoggingEnv(_Section):
    """How log lines look: text for people, JSON for machines."""

    model_config = SettingsConfigDict(env_prefix="LOG_")

    format: Literal["text", "json"] = "text"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class MetricsEnv(_Section):
    """Who may read what the product measures of itself; nobody, unless there is a token."""

    model_config = SettingsConfigDict(env_prefix="METRICS_")

    # What a monitoring system sends; it guards what it names like a password.
    token: Annotated[SecretStr, Field(min_length=16)] | None = None
    # Where processes of a machine share their figures; unset is in the data folder.
    dir: Folder | None = None
    # A worker without the site on its machine answers here itself.
    host: str = "127.0.0.1"
    port: Port | None = None


@dataclass(frozen=True, slots=True)
class Env:
    """All of it, read once."""

    paths: PathsEnv
    site: SiteEnv
    web: WebEnv
    search: SearchEnv
    limits: LimitsEnv
    database: DatabaseEnv
    queue: QueueEnv
    vectors: VectorsEnv
    storage: StorageEnv
    worker: WorkerEnv
    uploads: UploadEnv
    retention: RetentionEnv
    fetching: FetchEnv
    mail: MailEnv
    ingest: IngestEnv
    logging: LoggingEnv
    metrics: MetricsEnv

    @property
    def data_dir(self) -> Path:
        """Absolute path of the folder that the product writes to."""
        return self.paths.data_dir

    @property
    def metrics_dir(self) -> Path | None:
        """Folder of the figures that processes share; None where nobody may read them."""
        if self.metrics.token is None:
            return None
        return self.metrics.dir or self.data_dir / "run" / "metrics"


class InvalidEnvironment(ValueError):
    """One or more variables hold a value that cannot be used; the text names each."""


def read_env() -> Env:
    """Return every setting, typed and checked.

    Raises:
        InvalidEnvironment: names every variable that is wrong, not only the first.
    """
    concerns: dict[str, _Section] = {}
    problems: list[str] = []
    for name, model in get_type_hints(Env).items():
        try:
            concerns[name] = model()
        except ValidationError as error:
            prefix = str(model.model_config.get("env_prefix", ""))
            problems += [_sentence(prefix, detail) for detail in error.errors()]
    if problems:
        raise InvalidEnvironment("\n".join(dict.fromkeys(problems)))
    return Env(**concerns)  # type: ignore[arg-type]  # keys and types come from Env itself


def _sentence(prefix: str, detail: Any) -> str:
    name = str(detail["loc"][0])
    variable = name if name.isupper() else f"{prefix}{name}".upper()
    return f"{variable}: {detail['msg']}."
