"""The command: its output, its codes, where it has the token from."""

import io
import json
import os
import stat
import sys
from uuid import UUID

import httpx
import pytest

from semblance_client.command.bench import quantile
from semblance_client.command.main import main
from semblance_client.command.settings import BadSettings, Settings, read_settings, write_settings
from tests.unit.client.conftest import Script, answered, problem

ID = str(UUID(int=1))
REGION = {"key": "whole-0", "box": [0, 0, 9, 9], "label": "", "confidence": 1.0}
HIT = {
    "image_id": ID,
    "rank": 1,
    "verdict": "edited-copy",
    "title": "sea \x1b[31m red",
    "url": "/",
    "probability": 0.987,
    "width": 60,
    "height": 40,
}
FOUND = {
    "query": {"id": ID},
    "copies": "checked",
    "groups": [{"region": REGION, "hits": [HIT, HIT | {"rank": 2, "title": "other"}]}],
}


class Ran:
    """How a command ended."""

    def __init__(self, script, arguments, environ) -> None:
        out, err = io.StringIO(), io.StringIO()
        self.code = main(arguments, environ, out, err, httpx.MockTransport(script))
        self.out, self.err = out.getvalue(), err.getvalue()


@pytest.fixture
def environ(tmp_path):
    return {"SEMBLANCE_CONFIG": str(tmp_path / "client.json"), "SEMBLANCE_URL": "http://localhost"}


@pytest.fixture
def run(environ):
    def run(script: Script, *arguments: str) -> Ran:
        return Ran(script, ["--attempts", "1", *arguments], environ)

    return run


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"picture")
    return path


def test_a_search_is_a_table_without_orders_to_the_terminal(run, picture):
    ran = run(Script(answered(FOUND)), "search", str(picture))

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "verdict      likely  size   title          id",
        f"edited-copy  99%     60×40  sea �[31m red  {ID}",
        f"edited-copy  99%     60×40  other          {ID}",
    ]


def test_a_search_is_json_for_programs(run, picture):
    ran = run(Script(answered(FOUND)), "search", str(picture), "--json", "--limit", "1")

    (hit,) = json.loads(ran.out)["groups"][0]["hits"]
    assert (hit["image_id"], hit["title"]) == (ID, "sea \x1b[31m red")


@pytest.mark.parametrize(
    ("asked", "method", "params"),
    [
        (ID, "GET", {"image": ID}),
        ("https://example.org/a.jpg", "POST", {}),
    ],
    ids=["image", "address"],
)
def test_an_id_or_an_address_is_searched_with(run, asked, method, params):
    script = Script(answered(FOUND))

    assert run(script, "search", asked).code == 0

    assert script.asked[0].method == method
    assert dict(script.asked[0].url.params) == params


SEVERAL = {
    "these": [{"id": ID}, {"image_id": ID}],
    "unlike": [],
    "hits": [HIT | {"picture": 1}, HIT | {"rank": 2, "title": "other", "picture": None}],
    "left_out": 3,
}


def test_several_pictures_are_one_table_that_says_which_is_meant(run, picture):
    script = Script(answered(SEVERAL))

    ran = run(script, "search", str(picture), ID, "--unlike", str(picture), "--words", "sea")

    assert ran.code == 0
    assert ran.err == "Left out as copies of what is not wanted: 3.\n"
    assert ran.out.splitlines() == [
        "like  verdict      likely  size   title          id",
        f"2     edited-copy  99%     60×40  sea �[31m red  {ID}",
        f"      edited-copy  99%     60×40  other          {ID}",
    ]
    assert script.asked[0].url.params.multi_items() == [("words", "sea"), ("image", ID)]
    assert script.bodies[0].count(b'name="picture"') == 1
    assert script.bodies[0].count(b'name="unlike_picture"') == 1


def test_words_alone_are_searched_with(run):
    script = Script(answered(SEVERAL | {"these": [], "left_out": 0}))

    ran = run(script, "search", "--words", "a red bicycle", "--limit", "1")

    assert ran.out.splitlines() == [
        "verdict      likely  size   title          id",
        f"edited-copy  99%     60×40  sea �[31m red  {ID}",
    ]
    assert dict(script.asked[0].url.params) == {"words": "a red bicycle"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "search with a picture, with several, or with --words"),
        ([ID, "https://example.org/a.jpg"], "an address is searched with alone"),
    ],
    ids=["nothing", "address"],
)
def test_what_cannot_be_searched_with_is_called_wrongly(run, arguments, said):
    script = Script()

    ran = run(script, "search", *arguments)

    assert (ran.code, ran.err, script.asked) == (2, f"{said}\n", [])


def test_filters_of_a_search_are_sent(run, picture):
    script = Script(answered(FOUND))

    run(
        script,
        *("search", str(picture), "--label", "dog", "--label", "cat", "--box", "1,2,3,4"),
        *("--added-from", "2026-01-01", "--min-side", "500", "--sure", "--wait", "hits"),
    )

    assert sorted(script.asked[0].url.params.multi_items()) == [
        *(("added_from", "2026-01-01"), ("box", "1,2,3,4"), ("label", "cat"), ("label", "dog")),
        *(("min_side", "500"), ("sure", "1"), ("wait", "hits")),
    ]


WATCH = {
    "id": ID,
    "name": "walls",
    "rung": "edited-copy",
    "by_mail": True,
    "webhook": {"url": "https://a.org/", "secret": "s3"},
}


def test_a_watch_is_begun_and_the_secret_of_its_calls_is_said_once(run):
    script = Script(answered(WATCH, 201))

    ran = run(script, "watches", "add", "--album", "7", "--mail", "--webhook", "https://a.org/")

    assert (ran.code, ran.err) == (0, "Calls are signed with s3.\n")
    assert ran.out.splitlines() == [
        "name   tells of     e-mail  webhook         id",
        f"walls  edited-copy  yes     https://a.org/  {ID}",
    ]
    assert json.loads(script.bodies[0]) == {
        "album": 7,
        "rung": "edited-copy",
        "by_mail": True,
        "webhook_url": "https://a.org/",
    }


def test_what_watches_found_is_listed_and_marked_as_seen(run):
    hits = [
        {"id": number, "watch_id": ID, "image_id": ID, "rung": "edited-copy"} for number in (8, 9)
    ]
    script = Script(answered({"items": hits, "next_cursor": None}), answered({"marked": 2}))

    ran = run(script, "watches", "hits", "--unseen", "--mark-seen", "--json")

    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [8, 9]
    assert dict(script.asked[0].url.params) == {"unseen": "1"}
    assert json.loads(script.bodies[1]) == {"hits": [8, 9]}


def test_watches_and_saved_searches_are_ended_and_deleted(run):
    script = Script(*[answered(None, 204)] * 2)

    assert run(script, "watches", "end", ID).out == f"ended: {ID}\n"
    assert run(script, "saved", "delete", ID).out == f"deleted: {ID}\n"
    assert [(each.method, each.url.path) for each in script.asked] == [
        ("DELETE", f"/api/v1/watches/{ID}"),
        ("DELETE", f"/api/v1/saved-searches/{ID}"),
    ]


def test_saved_searches_watches_and_decisions_are_tables(run):
    saved = {"id": ID, "name": "mine", "search": "image=1", "created_at": "2026-05-01T10:00:00Z"}
    decision = {"id": 3, "image_id": ID, "judgement": "copy", "query_sha256": "ab"}
    script = Script(
        answered(saved, 201),
        *(answered({"items": [each], "next_cursor": None}) for each in (saved, WATCH, decision)),
    )

    added = run(script, "saved", "add", "image=1", "--name", "mine")
    listed = run(script, "saved", "list")

    assert added.out == listed.out
    assert listed.out.splitlines()[1] == f"mine  2026-05-01 10:00:00+00:00  image=1  {ID}"
    assert run(script, "watches", "list").out.splitlines()[1].split()[0] == "walls"
    assert run(script, "decisions").out.splitlines()[1].split() == ["copy", ID, "ab", "3"]


@pytest.mark.parametrize(
    "arguments", ["watches add", "watches", "watches end x", "watches add --album 1 --saved " + ID]
)
def test_a_watch_that_is_called_for_wrongly_asks_nothing(run, arguments):
    script = Script()

    with pytest.raises(SystemExit) as ended:
        run(script, *arguments.split())

    assert (ended.value.code, script.asked) == (2, [])


def test_a_picture_comes_from_standard_input(run, monkeypatch):
    script = Script(answered(FOUND))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe")))

    assert run(script, "search", "-").code == 0
    assert b"from a pipe" in script.bodies[0]


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (problem(422, "image:user:broken"), 1, "Said. (image:user:broken)"),
        (problem(401, "token:user:expired"), 3, "Said. (token:user:expired)"),
        (problem(403, "token:user:no-scope"), 3, "Said. (token:user:no-scope)"),
        (problem(429, "limit:transient:searches"), 4, "Said. (limit:transient:searches)"),
        (problem(503, "search:transient:busy"), 4, "Said. (search:transient:busy)"),
        (httpx.ConnectError("refused"), 4, "The site does not answer: refused"),
        (httpx.Response(200, content=b"<html>"), 1, "the answer is no JSON: is this a Semblance?"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
    ids=["refused", "expired", "scope", "limit", "busy", "away", "page", "ctrl-c"],
)
def test_a_command_ends_with_a_code_and_a_sentence(run, picture, answer, code, said):
    ran = run(Script(answer), "search", str(picture))

    assert (ran.code, ran.out, ran.err) == (code, "", f"{said}\n")


def test_a_file_that_there_is_not_is_said(run, tmp_path):
    ran = run(Script(), "search", str(tmp_path / "none.jpg"))

    assert ran.code == 1
    assert "none.jpg" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [[], ["nothing"], ["search", "a", "--box", "1,2"], ["search", "a", "--limit", "0"]],
    ids=["none", "unknown", "box", "limit"],
)
def test_a_wrong_call_ends_with_2(run, arguments):
    with pytest.raises(SystemExit) as ended:
        run(Script(), *arguments)

    assert ended.value.code == 2


# Ingesting


def added(result: str, **more) -> httpx.Response:
    return answered({"results": [{"name": "x", "result": result, **more}]})


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    for name in ("b/2.PNG", "b/.hidden.png", ".git/3.png", "1.jpg", "notes.txt"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return folder


def test_pictures_of_folders_are_sent_in_order(run, folder):
    script = Script(added("added", image={"id": ID}), added("duplicates"))

    ran = run(script, "ingest", str(folder), "--in-flight", "1", "--tag", "a", "--tag", "b")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"added: {folder}/1.jpg",
        f"duplicates: {folder}/b/2.PNG",
        "1 added, 1 duplicates",
    ]
    assert [b"1.jpg" in script.bodies[0], b"b/2.PNG" in script.bodies[1]] == [True, True]
    assert script.asked[0].url.params.multi_items() == [("tags", "a"), ("tags", "b")]


def test_refused_pictures_stop_no_others_and_are_a_line_each(run, folder):
    script = Script(problem(422, "image:user:broken"), added("added", image={"id": ID}))

    ran = run(script, "ingest", str(folder), "--in-flight", "1", "--json")

    assert ran.code == 1
    assert [json.loads(line) for line in ran.out.splitlines()] == [
        {
            "path": f"{folder}/1.jpg",
            "result": "failed",
            "problem": {"code": "image:user:broken", "detail": "Said.", "status": 0},
        },
        {"path": f"{folder}/b/2.PNG", "result": "added", "image_id": ID},
        {"results": {"failed": 1, "added": 1}},
    ]


@pytest.mark.parametrize(
    ("answer", "code"), [(problem(401, "token:user:missing"), 3), (httpx.ConnectError("no"), 4)]
)
def test_a_site_that_takes_nothing_is_asked_once(run, folder, answer, code):
    script = Script(answer)

    ran = run(script, "ingest", str(folder), "--in-flight", "1")

    assert (ran.code, ran.out, len(script.asked)) == (code, "", 1)


def test_what_is_wrong_with_all_files_is_said_once(run, folder):
    script = Script(problem(422, "request:user:unknown-names"))

    ran = run(script, "ingest", str(folder), "--in-flight", "1", "--album", "none")

    assert (ran.code, ran.out) == (1, "")
    assert (ran.err, len(script.asked)) == ("Said. (request:user:unknown-names)\n", 1)


def test_a_source_that_there_is_not_is_a_failure(run, folder, tmp_path):
    ran = run(Script(added("added")), "ingest", str(tmp_path / "none"), str(folder / "1.jpg"))

    assert (ran.code, ran.err) == (1, f"There is no {tmp_path}/none.\n")
    assert ran.out.splitlines()[-1] == "1 added, 1 failed"


# Lists and changes


def test_images_are_a_table_no_longer_than_asked(run):
    items = [{"id": str(UUID(int=at)), "title": f"t{at}", "status": "indexed"} for at in (1, 2, 3)]
    script = Script(answered({"items": items, "next_cursor": "more"}))

    ran = run(script, "images", "list", "--limit", "2", "--tag", "a", "--query", "sea")

    assert [line.split()[0] for line in ran.out.splitlines()] == ["status", "indexed", "indexed"]
    assert script.asked[0].url.params.multi_items() == [("tag", "a"), ("q", "sea"), ("limit", "2")]


def test_an_image_is_changed_in_what_is_named(run):
    script = Script(answered({"id": ID, "title": "new"}))

    ran = run(script, "images", "edit", ID, "--title", "new", "--owner", "", "--tag", "")

    assert json.loads(script.bodies[0]) == {"title": "new", "owner": "", "tags": []}
    assert json.loads(ran.out)["title"] == "new"


@pytest.mark.parametrize("kind", ["albums", "tags"])
def test_albums_and_tags_are_listed_and_made(run, kind):
    script = Script(
        answered({"items": [{"id": 1, "name": "a"}], "next_cursor": None}),
        answered({"id": 2, "name": "b"}, 201),
    )

    assert run(script, kind).out.splitlines() == ["id  name", "1   a"]
    assert run(script, kind, "--make", "b").out.splitlines() == ["id  name", "2   b"]
    assert [request.method for request in script.asked] == ["GET", "POST"]


def test_images_are_moved_to_the_bin(run):
    script = Script(answered(None, 204), answered(None, 204))

    ran = run(script, "images", "delete", ID, ID)

    assert [request.method for request in script.asked] == ["DELETE"] * 2
    assert ran.out == f"in the bin: {ID}\n" * 2


# The token


def test_a_token_is_read_without_an_echo_and_kept_for_this_account_alone(
    run, environ, monkeypatch, tmp_path
):
    del environ["SEMBLANCE_URL"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("smb_secret\n"))
    script = Script(answered({"items": [], "next_cursor": None}), answered(FOUND))

    ran = run(script, "--url", "https://a.example", "login")
    searched = run(script, "search", ID)

    kept = tmp_path / "client.json"
    assert (ran.code, searched.code) == (0, 0)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "smb_secret" not in ran.out + ran.err
    for request in script.asked:
        assert request.headers["Authorization"] == "Bearer smb_secret"
        assert request.url.host == "a.example"
    assert run(Script(), "logout").code == 0
    assert not kept.exists()


def test_a_token_that_the_site_refuses_is_not_kept(run, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdin", io.StringIO("smb_wrong\n"))

    ran = run(Script(problem(401, "token:user:unknown")), "login")

    assert ran.code == 3
    assert not (tmp_path / "client.json").exists()


def test_a_file_that_others_can_read_is_refused(environ, tmp_path):
    path = tmp_path / "client.json"
    write_settings(path, Settings("https://a.example", "smb_x"))
    path.chmod(0o640)

    with pytest.raises(BadSettings, match="chmod 600"):
        read_settings(environ)


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_file_of_something_else_is_refused(environ, tmp_path, content):
    path = tmp_path / "client.json"
    path.touch(0o600)
    path.write_text(content)

    with pytest.raises(BadSettings):
        read_settings(environ)


def test_the_files_token_is_for_the_files_site_alone(environ, tmp_path):
    write_settings(tmp_path / "client.json", Settings("https://a.example", "smb_x"))
    del environ["SEMBLANCE_URL"]

    assert read_settings(environ) == Settings("https://a.example", "smb_x")
    assert read_settings(environ, "https://b.example") == Settings("https://b.example", None)
    environ["SEMBLANCE_TOKEN"] = "smb_y"
    assert read_settings(environ, "https://b.example").token == "smb_y"


@pytest.mark.parametrize(
    ("url", "is_said"),
    [
        ("http://pictures.example.org", True),
        ("https://pictures.example.org", False),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
    ],
)
def test_a_token_that_travels_unencrypted_is_told(run, environ, url, is_said):
    environ |= {"SEMBLANCE_URL": url, "SEMBLANCE_TOKEN": "smb_x"}

    ran = run(Script(answered(FOUND)), "search", ID)

    assert ("unencrypted" in ran.err) is is_said


# Figures


@pytest.mark.parametrize(
    ("percent", "value"), [(50, 5.0), (95, 10.0), (90, 9.0), (100, 10.0), (1, 1.0)]
)
def test_a_quantile_is_one_of_the_values(percent, value):
    assert quantile([float(each) for each in range(1, 11)], percent) == value


def test_searches_are_timed_and_failures_counted(run, folder):
    script = Script(answered(FOUND), problem(422, "image:user:broken"), answered(FOUND))

    ran = run(script, "bench", str(folder), "--queries", "3", "--in-flight", "1", "--json")

    figures = json.loads(ran.out)
    assert ran.code == 1
    assert (figures["queries"], figures["errors"], figures["hits"]) == (3, 1, 4)
    assert figures["errors_by_kind"] == {"422 image:user:broken": 1}
    assert figures["p50_ms"] <= figures["p95_ms"] <= figures["p100_ms"]


def test_a_reader_that_leaves_is_no_traceback(environ, picture):
    read, write = os.pipe()
    os.close(read)

    with os.fdopen(write, "w") as out:
        code = main(
            ["search", str(picture)],
            environ,
            out,
            io.StringIO(),
            httpx.MockTransport(Script(BrokenPipeError())),
        )

    assert code == 1


@pytest.mark.parametrize("format_", ["/../../escaped", "../../escaped", "a/b", "..", "x\\y", ""])
def test_no_site_says_where_a_download_lies(run, tmp_path, format_):
    folder = tmp_path / "in" / "here"
    script = Script(answered({"id": ID, "format": format_}), httpx.Response(200, content=b"x"))

    run(script, "images", "download", ID, "--to", str(folder))

    assert [path.name for path in folder.iterdir()] == [ID]
