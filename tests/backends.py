"""`python -m tests.backends COMMAND…`: run a command beside PostgreSQL, Valkey and an S3 server.

The three are started for this command alone and end with it. It learns where they are as the
product does, from the environment: DATABASE_URL, BROKER_URL, S3_BUCKET, S3_ENDPOINT_URL and the
AWS keys. As on other machines, whatever of them dies or hangs is started again. Where a server is
missing that is an error, or with `--if-there` a loud word.
"""

import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import boto3
import psycopg
import redis
from psycopg import sql

from config.env import ROOT
from deploy.local import broker
from deploy.local.children import Process
from deploy.local.errors import CannotStart
from deploy.local.health import Health, http_answers
from deploy.local.supervisor import Supervisor

HOST = "127.0.0.1"
NAME = "semblance"  # of the database, of its user and of the bucket
# With what an address has to quote.
PASSWORD = "of tests: 50% @/?#&+"
# In its order "b" stands between "A" and "C"; by their bytes, as SQLite sorts, it comes last.
_ICU_LOCALE = "en-US"
# Far from UTC, and not by whole hours.
_TIME_ZONE = "Asia/Kathmandu"
# PostgreSQL does not run as root.
_ACCOUNTS = ("postgres", "nobody")
_ANSWER_S = 2


def missing() -> str:
    """Return why the servers cannot run here; empty when they can."""
    if _postgresql() is None:
        return "There is no PostgreSQL server; Debian's package is named postgresql."
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        return "PostgreSQL does not run as root, and there is no setpriv to leave root by."
    try:
        broker.binary()
    except CannotStart as error:
        return str(error)
    return ""


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Run the servers; yields the variables that point at them."""
    sql_port, queue_port, files_port = (_free_port() for _ in range(3))
    secret = quote(PASSWORD, safe="")
    variables = {
        "DATABASE_URL": f"postgres://{NAME}:{secret}@{HOST}:{sql_port}/{NAME}",
        "BROKER_URL": f"redis://:{secret}@{HOST}:{queue_port}/0",
        "S3_BUCKET": NAME,
        "S3_ENDPOINT_URL": f"http://{HOST}:{files_port}",
        "S3_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
    }
    with tempfile.TemporaryDirectory(prefix="semblance-backends-") as name:
        folder = Path(name)
        servers = (
            _sql_server(folder, sql_port),
            _queue_server(folder, queue_port, variables["BROKER_URL"]),
            _files_server(files_port, variables["S3_ENDPOINT_URL"]),
        )
        with Supervisor(servers, log_folder=folder / "logs", cwd=ROOT, say=_say):
            _create_database(sql_port)
            _create_bucket(variables)
            yield variables


def _sql_server(folder: Path, port: int) -> Process:
    binaries = _postgresql()
    assert binaries is not None
    home = folder / "postgresql"
    home.mkdir(mode=0o700)
    password = home / "password"
    password.write_text(PASSWORD)
    as_account: tuple[str, ...] = ()
    if os.getuid() == 0:
        account = _account()
        folder.chmod(0o711)  # it passes through to its own folder
        for path in (home, password):
            os.chown(path, account.pw_uid, account.pw_gid)
        ids = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
        as_account = ("setpriv", *ids)
    command = (
        *(str(binaries / "initdb"), "--pgdata", str(home / "data"), "--no-sync"),
        *("--username", NAME, "--pwfile", str(password), "--auth", "scram-sha-256"),
        *("--encoding", "UTF8", "--locale", "C.UTF-8"),
        *("--locale-provider", "icu", "--icu-locale", _ICU_LOCALE),
    )
    subprocess.run([*as_account, *command], check=True, cwd=home, stdout=subprocess.DEVNULL)
    settings = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "timezone": _TIME_ZONE,
        # What kill -9 ends loses nothing by these.
        "fsync": "off",
        "full_page_writes": "off",
    }
    argv = (
        *(*as_account, str(binaries / "postgres"), "-D", str(home / "data")),
        *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
    )
    # SIGINT, unlike SIGTERM, does not wait for clients to leave.
    return Process("postgresql", argv, health=_sql_answers(port), stop_signal=signal.SIGINT)


def _queue_server(folder: Path, port: int, url: str) -> Process:
    home = folder / "valkey"
    home.mkdir()
    lines = (f"bind {HOST}", f"port {port}", f'requirepass "{PASSWORD}"')
    lines += (f"dir {home}", "appendonly yes", 'save ""')
    config = home / "valkey.conf"
    config.write_text("\n".join(lines))
    return Process("valkey", (str(broker.binary()), str(config)), health=_queue_answers(url))


def _files_server(port: int, url: str) -> Process:
    argv = (sys.executable, "-m", "moto.server", "--host", HOST, "--port", str(port))
    return Process("s3", argv, health=http_answers(f"{url}/moto-api/"))


def _connect(port: int, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=HOST,
        port=port,
        user=NAME,
        password=PASSWORD,
        dbname=database,
        connect_timeout=_ANSWER_S,
        autocommit=True,
    )


def _sql_answers(port: int) -> Health:
    def probe() -> bool:
        try:
            with _connect(port, "postgres"):
                return True
        except psycopg.OperationalError:
            return False

    return lambda: probe


def _queue_answers(url: str) -> Health:
    def probe() -> bool:
        try:
            with redis.Redis.from_url(url, socket_timeout=_ANSWER_S) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    return lambda: probe


def _create_database(port: int) -> None:
    with _connect(port, "postgres") as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))


def _create_bucket(variables: dict[str, str]) -> None:
    boto3.client(
        "s3",
        endpoint_url=variables["S3_ENDPOINT_URL"],
        region_name=variables["S3_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    ).create_bucket(Bucket=NAME)


def _postgresql() -> Path | None:
    """Return the folder of PostgreSQL's programs, in Debian of the newest."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda bin: int(bin.parts[-2])
    )
    found = [bin / "initdb" for bin in reversed(debian)] + [shutil.which("initdb")]
    return next((Path(each).parent for each in found if each and Path(each).exists()), None)


def _account() -> pwd.struct_passwd:
    """Return the account that PostgreSQL runs as where we are root."""
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError(f"There is no account {' or '.join(_ACCOUNTS)}.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def main() -> int:
    """Run the command beside the servers; return its exit code."""
    parser = argparse.ArgumentParser(prog="tests.backends", description=main.__doc__)
    parser.add_argument("--if-there", action="store_true", help="else skip the command")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    reason = missing()
    if reason:
        rule = "!" * 78
        _say(f"{rule}\n!! THE TESTS ON OTHER BACKENDS DO NOT RUN\n!! {reason}\n{rule}")
        return 0 if options.if_there else 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running() as variables:
        return subprocess.run(options.command, env={**os.environ, **variables}).returncode


if __name__ == "__main__":
    sys.exit(main())
