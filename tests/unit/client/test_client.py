"""What the client sends and reads, and that both of its forms are the same."""

import ast
import asyncio
import inspect
import io
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from api.document import document
from api.schemas import (
    bulk_edits,
    decisions,
    images,
    imports,
    named_sets,
    saved_searches,
    searches,
    system,
    watches,
)
from semblance_client import (
    ApiError,
    AsyncClient,
    Box,
    Client,
    ImageFilters,
    Retries,
    Said,
    SearchFilters,
    UnexpectedAnswer,
    shapes,
)
from tests.unit.client.conftest import URL, Script, answered, problem

ID = UUID(int=1)
FOUND = {"query": {"id": str(ID)}, "groups": []}


def sent(script: Script, number: int = -1) -> tuple[str, str, list[tuple[str, str]]]:
    request = script.asked[number]
    return request.method, request.url.path, request.url.params.multi_items()


def test_both_clients_have_the_same_methods():
    def public(kind):
        return {
            name: list(inspect.signature(member).parameters.values())
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert public(Client) == public(AsyncClient)
    assert len(public(Client)) > 30


def test_a_search_says_what_is_asked():
    script = Script(answered(FOUND))
    filters = SearchFilters(
        label=["dog", "cat"], album=("Sea & sun",), min_side=500, sure=True, scope=["panels"]
    )

    script.client(token="smb_x").search(
        b"picture", box=Box(1, 2, 3, 4), filters=filters, wait="hits", name="x.png"
    )

    method, path, params = sent(script)
    assert (method, path) == ("POST", "/api/v1/search")
    assert sorted(params) == sorted(
        [
            *(("label", "dog"), ("label", "cat"), ("album", "Sea & sun"), ("min_side", "500")),
            *(("sure", "1"), ("scope", "panels"), ("box", "1,2,3,4"), ("wait", "hits")),
            ("name", "x.png"),
        ]
    )
    request = script.asked[0]
    assert request.headers["Authorization"] == "Bearer smb_x"
    assert request.headers["Accept"] == "application/json"
    assert b'name="picture"; filename="x.png"\r\nContent-Type: image/png' in script.bodies[0]


def test_the_other_ways_to_search():
    script = Script(*[answered(FOUND)] * 4)
    client = script.client()

    client.search_url("https://example.org/a.jpg")
    client.search_image(ID)
    answer = client.search_again(ID)
    object.__setattr__(answer, "proofs_url", f"/api/v1/search?query={ID}&label=a%26b&wait=proofs")
    client.proofs(answer)

    assert json.loads(script.bodies[0]) == {"url": "https://example.org/a.jpg"}
    assert [sent(script, number) for number in range(1, 4)] == [
        ("GET", "/api/v1/search", [("image", str(ID))]),
        ("GET", "/api/v1/search", [("query", str(ID))]),
        ("GET", "/api/v1/search", [("query", str(ID)), ("label", "a&b"), ("wait", "proofs")]),
    ]


def test_an_answer_of_a_later_site_is_read_as_far_as_it_is_known():
    hit = {"image_id": str(ID), "rank": 1, "verdict": "new-verdict", "title": "a", "url": "/"}
    proof = {"bits": 3, "outline": [[0, 0.5], [1, 2]], "overlap": None}
    region = {"key": "whole-0", "box": [0, 0, 9, 9], "label": "", "confidence": 1}
    group = {"region": region, "hits": [hit | {"copy": proof, "later": 1}]}
    script = Script(answered(FOUND | {"groups": [group], "later": {"x": []}}))

    answer = script.client().search(b"picture")

    (found,) = answer.hits
    assert (found.image_id, found.verdict) == (ID, "new-verdict")
    assert found.copy.outline == [(0.0, 0.5), (1.0, 2.0)]
    assert answer.groups[0].region.box == Box(0, 0, 9, 9)


SEVERAL = {"these": [], "unlike": [], "hits": []}


def test_several_pictures_are_files_images_and_pictures_of_answers(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"first")
    before = shapes.QueryPicture(id=UUID(int=2))
    script = Script(problem(503, "x"), answered(SEVERAL))

    script.client().search_several(
        [path, ID, before, b"second"],
        unlike=[b"third", UUID(int=3), shapes.AskedPicture(id=UUID(int=4))],
        words="red",
        filters=SearchFilters(tag=["x"]),
        wait="hits",
    )

    assert sent(script) == (
        "POST",
        "/api/v1/search",
        [
            *(("tag", "x"), ("words", "red"), ("image", str(ID)), ("query", str(UUID(int=2)))),
            *(("unlike_image", str(UUID(int=3))), ("unlike", str(UUID(int=4))), ("wait", "hits")),
        ],
    )
    for body in script.bodies:  # at the second try the same
        files = re.findall(rb'name="(\w+)"; filename="([\w.]+)".*?\r\n\r\n(\w+)', body, re.DOTALL)
        assert files == [
            (b"picture", b"a.jpg", b"first"),
            (b"picture", b"picture", b"second"),
            (b"unlike_picture", b"picture", b"third"),
        ]


def test_words_and_pictures_that_the_site_has_send_no_file():
    script = Script(*[answered(SEVERAL)] * 3)
    client = script.client()

    client.search_words("a red bicycle", filters=SearchFilters(medium=["photo"]))
    client.search_several([ID], unlike=[UUID(int=2)], box=Box(0, 0, 9, 9))
    client.search_several(unlike=[ID])

    words = [("medium", "photo"), ("words", "a red bicycle")]
    assert sent(script, 0) == ("GET", "/api/v1/search", words)
    known = [("image", str(ID)), ("unlike_image", str(UUID(int=2)))]
    assert sent(script, 1) == ("GET", "/api/v1/search", [*known, ("box", "0,0,9,9")])
    assert sent(script, 2) == ("GET", "/api/v1/search", [("unlike_image", str(ID))])


def test_one_picture_alone_is_no_question_for_several():
    script = Script()

    with pytest.raises(ValueError, match="`search`"):
        script.client().search_several([ID])
    with pytest.raises(UnexpectedAnswer, match="names no picture"):
        script.client().search_several([ID, shapes.AskedPicture()])
    assert script.asked == []


def test_proofs_of_several_pictures_are_an_answer_of_the_same_kind():
    early = SEVERAL | {"copies": "pending", "proofs_url": "/api/v1/search?query=a&query=b"}
    script = Script(answered(early), answered(SEVERAL | {"copies": "checked"}))
    client = script.client()

    proved = client.proofs(client.search_several(words="x"))

    assert (type(proved), proved.copies) == (shapes.SeveralAnswer, "checked")
    assert sent(script) == ("GET", "/api/v1/search", [("query", "a"), ("query", "b")])


def test_lists_are_read_page_by_page_as_they_are_needed():
    pages = [
        answered({"items": [{"id": str(UUID(int=at))} for at in ids], "next_cursor": cursor})
        for ids, cursor in (((1, 2), "a b"), ((3,), None))
    ]
    script = Script(*pages)

    listed = script.client().images(ImageFilters(tag=["x"]), fields=["title"], page_size=2)

    assert next(listed).id == UUID(int=1)
    assert len(script.asked) == 1
    assert [each.id.int for each in listed] == [2, 3]
    fixed = [("tag", "x"), ("fields", "title")]
    assert sent(script, 0) == ("GET", "/api/v1/images", [*fixed, ("limit", "2")])
    assert sent(script, 1) == ("GET", "/api/v1/images", [*fixed, ("cursor", "a b"), ("limit", "2")])


def test_what_was_read_is_what_is_changed():
    image = {"id": str(ID), "title": "old"}
    script = Script(answered(image, ETag='W/"abc"'), answered(image), answered(None, 204))
    client = script.client()

    read = client.image(ID)
    client.change_image(ID, {"title": "new"}, if_match=read.etag)
    client.delete_image(ID, if_match=read.etag)

    assert [request.headers.get("If-Match") for request in script.asked] == [None, *['W/"abc"'] * 2]
    assert json.loads(script.bodies[1]) == {"title": "new"}


def test_files_say_what_they_are_and_tell_how_far_they_are(tmp_path):
    path = tmp_path / "снимок.jpg"
    path.write_bytes(b"x" * 200_000)
    results = [{"name": "a", "result": "added"}, {"name": "b", "result": "duplicates"}]
    script = Script(problem(503, "x"), answered({"results": results}, 201))
    told = []

    added = script.client().add_images(
        [path, io.BytesIO(b"y" * 1000)],
        Said(title="T", tags=["a", "b"]),
        progress=lambda read, total: told.append((read, total)),
    )

    assert [each.result for each in added.results] == ["added", "duplicates"]
    assert sent(script)[2] == [("title", "T"), ("tags", "a"), ("tags", "b")]
    assert told[-1] == (201_000, 201_000)
    assert len(told) == 2 * 5  # four pieces of 64 kB and the second file, twice
    assert [read for read, _ in told[:5]] == [65536, 131072, 196608, 200_000, 201_000]
    assert int(script.asked[0].headers["Content-Length"]) > 201_000


def test_an_import_of_files_and_its_life():
    one = {"id": str(ID), "source": "files", "state": "planned"}
    script = Script(answered(one, 202), answered(one | {"state": "queued"}))
    client = script.client()

    planned = client.plan_import_of_files([b"zip"], tags_from_folders=True, known="update")
    started = client.do_with_import(planned.id, "start")

    assert started.state == "queued"
    assert sent(script, 0) == (
        "POST",
        "/api/v1/imports/files",
        [("tags_from_folders", "1"), ("known", "update")],
    )
    assert sent(script, 1) == ("POST", f"/api/v1/imports/{ID}/start", [])


def test_a_bulk_edit_names_images_or_filters():
    edit = {"id": 7, "kind": "add_tags", "state": "queued"}
    script = Script(*[answered(edit, 202)] * 2)
    client = script.client()

    client.bulk_edit("add_tags", [ID], names=["a"])
    client.bulk_edit("set_owner", ImageFilters(q="sea", album=["b"]), value="Ann")

    assert json.loads(script.bodies[0]) == {
        "kind": "add_tags",
        "images": [str(ID)],
        "names": ["a"],
    }
    filters = {"q": "sea", "album": ["b"]}
    assert json.loads(script.bodies[1]) == {"kind": "set_owner", "filters": filters, "value": "Ann"}


def test_a_hit_is_decided_about_by_what_the_answer_says_of_it():
    decision = {"id": 3, "image_id": str(ID), "judgement": "copy"}
    script = Script(answered(decision), answered(None, 204))
    client = script.client()
    hit = shapes.Hit(ID, 1, "similar", "a", "/", decide_with="signed")

    assert client.decide(hit, "copy").id == 3
    client.take_back_decision(3)

    assert json.loads(script.bodies[0]) == {"hit": "signed", "judgement": "copy"}
    assert sent(script) == ("DELETE", "/api/v1/decisions/3", [])
    with pytest.raises(ValueError, match="decide"):
        client.decide(shapes.Hit(ID, 1, "similar", "a", "/"), "copy")


def test_a_search_is_saved_watched_and_asked_again_from_its_answer():
    answer = FOUND | {"proofs_url": "/api/v1/search?query=1&wait=proofs"}
    saved = {"id": str(ID), "name": "mine", "search": "query=1&tag=a+b"}
    watch = {"id": str(UUID(int=2)), "name": "mine", "rung": "near-identical"}
    script = Script(
        *(answered(answer), answered(saved, 201), answered(watch, 201)),
        *(answered(FOUND), answered(SEVERAL)),
    )
    client = script.client()

    found = client.search(b"x")
    kept = client.save_search(found, "mine")
    client.begin_watch(
        search="https://example.org/?query=1", rung="near-identical", webhook_url="https://a.org/"
    )
    again = [client.search_saved(kept) for _ in range(2)]

    assert json.loads(script.bodies[1]) == {"search": "query=1&wait=proofs", "name": "mine"}
    assert json.loads(script.bodies[2]) == {
        "search": "query=1",
        "rung": "near-identical",
        "by_mail": False,
        "webhook_url": "https://a.org/",
    }
    assert sent(script) == ("GET", "/api/v1/search", [("query", "1"), ("tag", "a b")])
    assert [type(each) for each in again] == [shapes.SearchAnswer, shapes.SeveralAnswer]


def test_hits_of_watches_are_listed_and_marked():
    hit = {"id": 5, "watch_id": str(ID), "image_id": str(ID), "rung": "edited-copy"}
    script = Script(answered({"items": [hit], "next_cursor": None}), answered({"marked": 1}))
    client = script.client()

    hits = list(client.watch_hits(watch=ID, unseen=True))

    assert client.mark_hits_seen([each.id for each in hits]) == 1
    params = [("watch", str(ID)), ("unseen", "1")]
    assert sent(script, 0) == ("GET", "/api/v1/watches/hits", params)
    assert json.loads(script.bodies[1]) == {"hits": [5]}


def test_what_has_no_method_is_asked_for_by_its_address():
    script = Script(answered({"items": [1]}), answered(None, 204))
    client = script.client()

    assert client.request("get", "/watches", params={"limit": 3}) == {"items": [1]}
    assert client.request("DELETE", "/watches/1") is None
    assert sent(script, 0) == ("GET", "/api/v1/watches", [("limit", "3")])


def test_every_endpoint_of_the_site_has_a_method():
    script = Script()
    script.answers = [answered(status=404) for _ in range(100)]
    client = script.client()
    for ask in EVERYTHING:
        with suppress(ApiError):
            next(iter(ask(client)))
    assert len(script.asked) == len(EVERYTHING)
    asked = {(each.method, each.url.path) for each in script.asked}

    known = {
        (method.upper(), path)
        for path, methods in document()["paths"].items()
        for method in methods
    }
    known = {(method, path.replace("{action}", "start")) for method, path in known}
    assert {(method, re.sub(r"{\w+}", "1", path)) for method, path in known} <= asked


@pytest.mark.parametrize(
    ("ours", "theirs", "others"),
    [
        (SearchFilters, searches.SearchFilters, {"box", "wait", "name"}),
        (ImageFilters, images.ImageFilters, set()),
        (Said, images.AddingOptions, set()),
    ],
)
def test_filters_and_sayings_are_those_that_the_site_takes(ours, theirs, others):
    assert {field.name for field in fields(ours)} == set(theirs.model_fields) - others


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (shapes.SearchAnswer, searches.SearchJson),
        (shapes.SeveralAnswer, searches.SeveralJson),
        (shapes.SeveralHit, searches.SeveralHitJson),
        (shapes.AskedPicture, searches.AskedPictureJson),
        (shapes.QueryPicture, searches.QueryPictureJson),
        (shapes.HitGroup, searches.GroupJson),
        (shapes.Hit, searches.HitJson),
        (shapes.CopyProof, searches.CopyJson),
        (shapes.CatalogueImage, images.ImageJson),
        (shapes.AddedFile, images.AddedFileJson),
        (shapes.BulkEdit, bulk_edits.BulkEditJson),
        (shapes.NamedSet, named_sets.NamedSetJson),
        (shapes.CatalogueImport, imports.ImportJson),
        (shapes.ImportProgress, imports.ProgressJson),
        (shapes.ImportFailure, imports.FailureJson),
        (shapes.WorkerJob, system.JobJson),
        (shapes.EncoderVersion, system.EncoderVersionJson),
        (shapes.Decision, decisions.DecisionJson),
        (shapes.SavedSearch, saved_searches.SavedSearchJson),
        (shapes.Watch, watches.WatchJson),
        (shapes.Webhook, watches.WebhookJson),
        (shapes.WatchHit, watches.WatchHitJson),
        (shapes.MarkedSeen, watches.SeenJson),
    ],
)
def test_all_that_the_site_says_has_its_place(ours, theirs):
    ours_alone = {field.name for field in fields(ours) if field.metadata.get("is_ours")}
    said = {field.alias or name for name, field in theirs.model_fields.items()}

    assert {field.name for field in fields(ours)} - ours_alone == said


EVERYTHING = [
    lambda client: client.search(b"x"),
    lambda client: client.search_image("1"),
    lambda client: client.images(),
    lambda client: client.image("1"),
    lambda client: client.add_image(b"x"),
    lambda client: client.change_image("1", {}),
    lambda client: client.delete_image("1"),
    lambda client: client.original("1"),
    lambda client: client.thumbnail("1"),
    lambda client: client.bulk_edit("bin", ["1"]),
    lambda client: client.read_bulk_edit(1),
    lambda client: client.cancel_bulk_edit(1),
    lambda client: client.albums(),
    lambda client: client.make_album("a"),
    lambda client: client.album(1),
    lambda client: client.rename_album(1, "a"),
    lambda client: client.delete_album(1),
    lambda client: client.tags(),
    lambda client: client.make_tag("a"),
    lambda client: client.tag(1),
    lambda client: client.rename_tag(1, "a"),
    lambda client: client.delete_tag(1),
    lambda client: client.imports(),
    lambda client: client.read_import("1"),
    lambda client: client.plan_import("x"),
    lambda client: client.plan_import_of_files([b"x"]),
    lambda client: client.do_with_import("1", "start"),
    lambda client: client.import_failures("1"),
    lambda client: client.jobs(),
    lambda client: client.job("1"),
    lambda client: client.encoder_versions(),
    lambda client: client.decisions(),
    lambda client: client.decide("signed", "copy"),
    lambda client: client.take_back_decision(1),
    lambda client: client.saved_searches(),
    lambda client: client.save_search("image=1"),
    lambda client: client.read_saved_search("1"),
    lambda client: client.rename_saved_search("1", "a"),
    lambda client: client.delete_saved_search("1"),
    lambda client: client.watches(),
    lambda client: client.begin_watch(album=1),
    lambda client: client.read_watch("1"),
    lambda client: client.change_watch("1", rung="edited-copy"),
    lambda client: client.end_watch("1"),
    lambda client: client.watch_hits(),
    lambda client: client.mark_hits_seen([1]),
]


class Halves(httpx.SyncByteStream):
    """A body whose connection ends in the middle."""

    def __init__(self, data: bytes, end: int | None) -> None:
        self._data = data
        self._end = end

    def __iter__(self):
        yield self._data[: self._end]
        if self._end is not None:
            raise httpx.ReadError("reset")


def test_a_download_goes_on_where_its_connection_ended(tmp_path):
    data = bytes(range(200))
    whole = {"ETag": '"a"', "Content-Length": "200"}
    rest = {"ETag": '"a"', "Content-Length": "100", "Content-Range": "bytes 100-199/200"}
    script = Script(
        httpx.Response(200, headers=whole, stream=Halves(data, 100)),
        httpx.Response(206, headers=rest, stream=Halves(data[100:], None)),
    )
    told = []

    script.client().download_original(
        ID, tmp_path / "a.png", progress=lambda have, total: told.append((have, total))
    )

    assert (tmp_path / "a.png").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert script.asked[1].headers["Range"] == "bytes=100-"
    assert script.asked[1].headers["If-Range"] == '"a"'
    assert told == [(100, 200), (200, 200)]


def test_a_file_that_has_changed_meanwhile_is_downloaded_anew(tmp_path):
    script = Script(
        httpx.Response(
            200, headers={"ETag": '"a"', "Content-Length": "9"}, stream=Halves(b"old", 3)
        ),
        httpx.Response(
            200, headers={"ETag": '"b"', "Content-Length": "3"}, stream=Halves(b"new", None)
        ),
    )

    script.client().download_original(ID, tmp_path / "a.png")

    assert (tmp_path / "a.png").read_bytes() == b"new"


def test_a_download_that_fails_leaves_nothing(tmp_path):
    script = Script(problem(404, "request:user:not-found"))

    with pytest.raises(ApiError):
        script.client().download_original(ID, tmp_path / "a.png")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["pictures.example.org", "ftp://example.org", "", "https://"])
def test_an_address_that_is_none_of_a_site_is_refused(url):
    with pytest.raises(ValueError, match="is no address"):
        Client(url)


def test_the_awaited_client_sends_again_and_reads_pages_too(tmp_path):
    script = Script(
        problem(429, "limit:transient:searches", Retry_After="3"),
        answered({"items": [{"id": 1, "name": "a"}], "next_cursor": "n"}),
        answered({"items": [{"id": 2, "name": "b"}], "next_cursor": None}),
        answered(FOUND),
        httpx.Response(200, content=b"file", headers={"ETag": '"a"'}),
    )
    pauses = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def ask() -> list[str]:
        transport = httpx.MockTransport(script)
        async with AsyncClient(URL, transport=transport, pause=pause, retries=Retries()) as client:
            names = [tag.name async for tag in client.tags()]
            await client.search(io.BytesIO(b"the picture"), name="a.png")
            await client.download_original(ID, tmp_path / "a.png")
            return names

    with ThreadPoolExecutor(1) as thread:  # this one may have a browser's loop
        names = thread.submit(asyncio.run, ask()).result()
    assert names == ["a", "b"]
    assert pauses == [3.0]
    assert b"the picture" in script.bodies[3]
    assert (tmp_path / "a.png").read_bytes() == b"file"


def test_the_package_depends_on_httpx_alone_and_on_nothing_of_the_site():
    package = Path(__file__).parents[3] / "client" / "semblance_client"
    imported = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])

    assert imported - sys.stdlib_module_names == {"httpx", "semblance_client"}


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_without_end_of_brackets_is_no_answer(status):
    script = Script(httpx.Response(status, content=b"[" * 100_000))
    expected = UnexpectedAnswer if status < 300 else ApiError

    with pytest.raises(expected):
        script.client(retries=Retries(attempts=1)).image(ID)


def test_a_number_that_no_machine_holds_is_no_answer():
    body = (
        b'{"id": "%s", "width": 1, "regions": [{"key": "", "box": [0,0,1,1], "label": "",'
        % str(ID).encode()
    )
    script = Script(httpx.Response(200, content=body + b'"confidence": %s}]}' % (b"9" * 400)))

    with pytest.raises(UnexpectedAnswer):
        script.client().image(ID)


def test_a_download_that_does_not_say_how_long_it_is_goes_on(tmp_path):
    data = bytes(range(200))
    whole = {"ETag": '"a"', "Content-Length": "200"}
    rest = {"ETag": '"a"', "Content-Range": "bytes 100-199/200"}
    script = Script(
        httpx.Response(200, headers=whole, stream=Halves(data, 100)),
        httpx.Response(206, headers=rest, stream=Halves(data[100:], None)),
    )

    script.client().download_original(ID, tmp_path / "a.png")

    assert (tmp_path / "a.png").read_bytes() == data


def test_a_part_that_is_another_than_was_asked_for_is_refused(tmp_path):
    data = bytes(range(200))
    whole = {"ETag": '"a"', "Content-Length": "200"}
    rest = {"ETag": '"a"', "Content-Length": "100", "Content-Range": "bytes 50-149/200"}
    script = Script(
        httpx.Response(200, headers=whole, stream=Halves(data, 100)),
        httpx.Response(206, headers=rest, stream=Halves(data[50:150], None)),
    )

    with pytest.raises(UnexpectedAnswer):
        script.client().download_original(ID, tmp_path / "a.png")

    assert list(tmp_path.iterdir()) == []
