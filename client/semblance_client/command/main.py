"""The command itself: `semblance search photo.jpg`.

It ends with 0 where it did all that it was asked for; 1 where the site refused something, or a file
cannot be read; 2 where it was called wrongly; 3 where the token is missing, counts no more or may
not do this; 4 where the site does not answer, or is too busy; 130 where it was interrupted.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

import httpx

from semblance_client.client import Client
from semblance_client.command import bench, ingesting, listing, searching, watching
from semblance_client.command.arguments import count
from semblance_client.command.output import Output
from semblance_client.command.settings import (
    Settings,
    file_of,
    forget_settings,
    read_settings,
    write_settings,
)
from semblance_client.errors import ApiError, NotReachable, SemblanceError
from semblance_client.exchange import VERSION
from semblance_client.retries import Retries

DONE, REFUSED, CALLED_WRONGLY, NOT_ALLOWED, NOT_THERE, INTERRUPTED = 0, 1, 2, 3, 4, 130


def run() -> None:
    """Do what the command line says, and end with its code."""
    sys.exit(main(sys.argv[1:]))


def main(
    arguments: Sequence[str],
    environ: Mapping[str, str] = os.environ,
    out: TextIO | None = None,
    err: TextIO | None = None,
    transport: httpx.BaseTransport | None = None,
) -> int:
    """Do what a command line says; return the code to end with.

    Args:
        arguments: without the command's name.
        environ: where the site and the token are named.
        out: standard output.
        err: standard error.
        transport: how httpx sends; None is over the network.
    """
    asked = parser().parse_args(arguments)
    output = Output(out or sys.stdout, err or sys.stderr, is_json=asked.json)
    try:
        if asked.do in {login, logout}:
            code: int = asked.do(asked, environ, output, transport)
            return code
        return _ask(asked, environ, output, transport)
    except KeyboardInterrupt:
        output.say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:  # who read the output has left
        return REFUSED
    except (SemblanceError, OSError, ValueError) as error:
        output.say(_sentence(error))
        return _code(error)


def parser() -> argparse.ArgumentParser:
    """Return what the command takes."""
    described = argparse.ArgumentParser(
        prog="semblance",
        description="Search a Semblance site for copies of pictures, and keep its catalogue.",
        epilog="SEMBLANCE_URL and SEMBLANCE_TOKEN name the site and the token; so does `semblance "
        "login`, for good. Ends with 0 done, 1 refused, 2 called wrongly, 3 not allowed, 4 no "
        "answer, 130 interrupted.",
    )
    described.add_argument("--version", action="version", version=f"semblance-client {VERSION}")
    described.add_argument("--url", help="the site's address")
    described.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS")
    described.add_argument("--attempts", type=count, default=Retries().attempts, metavar="N")
    described.set_defaults(json=False)
    commands = described.add_subparsers(required=True, metavar="COMMAND")
    searching.add_parser(commands)
    ingesting.add_parser(commands)
    listing.add_parsers(commands)
    watching.add_parsers(commands)
    bench.add_parser(commands)
    for name, said, do in (
        (
            "login",
            "keep a site and a token for it, read from the terminal or standard input",
            login,
        ),
        ("logout", "forget them", logout),
    ):
        commands.add_parser(name, help=said).set_defaults(do=do)
    _add_json(commands)
    return described


def _add_json(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Let every command, also those below others, write JSON."""
    for each in set(commands.choices.values()):
        nested = [
            action for action in each._actions if isinstance(action, argparse._SubParsersAction)
        ]
        for action in nested:
            _add_json(action)
        if not nested:
            each.add_argument("--json", action="store_true", help="write JSON")


def _ask(
    asked: argparse.Namespace,
    environ: Mapping[str, str],
    output: Output,
    transport: httpx.BaseTransport | None,
) -> int:
    settings = read_settings(environ, asked.url)
    if settings.is_token_in_clear:
        output.say(f"The token travels unencrypted to {settings.url}.")
    with _client(settings, asked, transport) as site:
        code: int = asked.do(site, asked, output)
        return code


def _client(
    settings: Settings, asked: argparse.Namespace, transport: httpx.BaseTransport | None
) -> Client:
    return Client(
        settings.url,
        token=settings.token,
        timeout_s=asked.timeout,
        retries=Retries(attempts=asked.attempts),
        transport=transport,
    )


def login(
    asked: argparse.Namespace,
    environ: Mapping[str, str],
    output: Output,
    transport: httpx.BaseTransport | None,
) -> int:
    """Keep a site's address and a token that the site takes."""
    url = read_settings(environ, asked.url).url
    if sys.stdin.isatty():
        token = getpass.getpass(f"Token for {url}: ").strip()
    else:
        token = sys.stdin.readline().strip()
    settings = Settings(url, token)
    with _client(settings, asked, transport) as site:
        try:
            site.images_page(limit=1)
        except ApiError as error:
            # One that may not read images is a token all the same.
            if not error.code.startswith("token:user:no-"):
                raise
    path = file_of(environ)
    write_settings(path, settings)
    output.text(f"Kept in {path}.")
    return DONE


def logout(
    asked: argparse.Namespace,
    environ: Mapping[str, str],
    output: Output,
    transport: httpx.BaseTransport | None,
) -> int:
    """Forget the site and the token; the token itself is revoked in the site's admin."""
    had = forget_settings(file_of(environ))
    output.text("Forgotten; revoke the token in the site's admin." if had else "Nothing is kept.")
    return DONE


def _sentence(error: Exception) -> str:
    if isinstance(error, ApiError):
        more = "".join(f"\n  {each.get('at')}: {each.get('detail')}" for each in error.errors)
        code = f" ({error.code})" if error.code else f" ({error.status})"
        return f"{error.detail}{code}{more}"
    if isinstance(error, NotReachable):
        return f"The site does not answer: {error}"
    return str(error)


def _code(error: Exception) -> int:
    if isinstance(error, NotReachable):
        return NOT_THERE
    if isinstance(error, ApiError):
        if error.is_refused_caller:
            return NOT_ALLOWED
        return NOT_THERE if error.is_passing else REFUSED
    return CALLED_WRONGLY if isinstance(error, ValueError) else REFUSED
