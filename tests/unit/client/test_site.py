"""The client and the command against the site itself: the same as the page and the API."""

import io
import json
from collections.abc import Coroutine
from typing import TypeVar
from uuid import UUID

import pytest
from PIL import Image as Pillow

from catalog.models import EncoderVersion, Image
from semblance_client import ApiError, AsyncClient, Box, Client, ImageFilters, SearchFilters
from semblance_client.command.main import main
from tests.unit.client.conftest import URL, InOneThread
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload

T = TypeVar("T")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

NOBODY = UUID(int=0)
JSON = {"accept": "application/json"}


@pytest.fixture
def catalogue(searchable, worker) -> dict[str, Image]:
    return {
        name: searchable(encoded(colour), name)
        for name, colour in (("red", RED), ("dark red", DARK_RED), ("green", GREEN))
    }


def found(groups: list) -> list[tuple]:
    """Which images, in which order, as what, and how alike: of an answer as JSON."""
    return [
        (hit["image_id"], hit["rank"], hit["verdict"], hit["score"], hit["probability"])
        for group in groups
        for hit in group["hits"]
    ]


def outcome(work: Coroutine[None, None, T]) -> T:
    """Return what ends without ever waiting: in a loop it would have another database."""
    with pytest.raises(StopIteration) as stopped:
        work.send(None)
    result: T = stopped.value.value
    return result


async def _awaited(data: bytes) -> list[str]:
    async with AsyncClient(URL, transport=InOneThread()) as site:
        answer = await site.search(data)
        return [hit.title for hit in answer.hits]


async def _several_awaited(these: list[bytes], unlike: list[bytes]) -> list[str]:
    async with AsyncClient(URL, transport=InOneThread()) as site:
        answer = await site.search_several(these, unlike=unlike)
        return [hit.title for hit in answer.hits]


def test_page_api_client_and_command_find_the_same_with_several_pictures(
    client, site, catalogue, site_transport, tmp_path
):
    these, unlike = [encoded(RED), encoded(BLUE)], [encoded(DARK_RED)]
    paths = [tmp_path / name for name in ("red.png", "blue.png", "dark.png")]
    for path, data in zip(paths, [*these, *unlike], strict=True):
        path.write_bytes(data)
    out, err = io.StringIO(), io.StringIO()

    def form() -> dict:
        return {
            "picture": [upload(data) for data in these],
            "unlike_picture": [upload(data) for data in unlike],
        }

    page = client.post("/", form(), headers=JSON).json()
    api = client.post("/api/v1/search", form()).json()
    by_client = site.search_several(paths[:2], unlike=paths[2:])
    ended = main(
        ["search", *map(str, paths[:2]), "--unlike", str(paths[2]), "--json"],
        {"SEMBLANCE_URL": URL, "SEMBLANCE_CONFIG": str(tmp_path / "none")},
        out,
        err,
        site_transport,
    )
    by_command = json.loads(out.getvalue())

    expected = found([page])
    # The picture that is not wanted is of the catalogue, and left out.
    assert {title(each[0]) for each in expected} == {"red", "green"}
    assert page["left_out"] == api["left_out"] == by_client.left_out == 1
    assert found([api]) == expected
    assert [
        (str(hit.image_id), hit.rank, hit.verdict, hit.score, hit.probability)
        for hit in by_client.hits
    ] == expected
    assert [hit.picture for hit in by_client.hits] == [hit["picture"] for hit in page["hits"]]
    assert (ended, err.getvalue()) == (0, "")
    assert found([by_command]) == expected
    assert outcome(_several_awaited(these, unlike)) == [title(each[0]) for each in expected]


def title(image_id: str) -> str:
    return Image.objects.get(pk=image_id).title


def test_page_api_client_and_command_find_the_same_with_words(
    client, site, catalogue, site_transport, tmp_path
):
    EncoderVersion.objects.update(knows_words=True)
    out, err = io.StringIO(), io.StringIO()

    page = client.get("/", {"words": "red"}, headers=JSON).json()
    api = client.get("/api/v1/search", {"words": "red"}).json()
    by_client = site.search_words("red")
    ended = main(
        ["search", "--words", "red", "--json"],
        {"SEMBLANCE_URL": URL, "SEMBLANCE_CONFIG": str(tmp_path / "none")},
        out,
        err,
        site_transport,
    )

    assert title(page["hits"][0]["image_id"]) == "red"
    assert found([api]) == found([page]) == found([json.loads(out.getvalue())])
    assert [hit.title for hit in by_client.hits] == [hit["title"] for hit in page["hits"]]
    assert (ended, err.getvalue()) == (0, "")


def test_page_api_client_and_command_find_the_same(
    client, site, catalogue, site_transport, tmp_path
):
    data = encoded(RED)
    path = tmp_path / "query.png"
    path.write_bytes(data)
    out, err = io.StringIO(), io.StringIO()

    page = client.post("/", {"picture": upload(data)}, headers=JSON).json()
    api = client.post("/api/v1/search", {"picture": upload(data)}).json()
    by_client = site.search(path)
    ended = main(
        ["search", str(path), "--json"],
        {"SEMBLANCE_URL": URL, "SEMBLANCE_CONFIG": str(tmp_path / "none")},
        out,
        err,
        site_transport,
    )
    by_command = json.loads(out.getvalue())

    expected = found(page["groups"])
    assert [catalogue[name].pk.hex for name in ("red", "dark red", "green")] == [
        each[0].replace("-", "") for each in expected
    ]
    assert found(api["groups"]) == expected
    assert [
        (str(hit.image_id), hit.rank, hit.verdict, hit.score, hit.probability)
        for hit in by_client.hits
    ] == expected
    assert (ended, err.getvalue()) == (0, "")
    assert found(by_command["groups"]) == expected
    assert outcome(_awaited(data)) == ["red", "dark red", "green"]


def test_an_image_a_kept_query_and_a_part_are_searched_with(site, catalogue):
    by_file = site.search(encoded(RED), name="red.png")

    by_image = site.search_image(catalogue["red"].pk)
    again = site.search_again(by_file.query.id)
    once_more = site.search_again(by_image)
    part = site.search_again(by_file, box=Box(0, 0, 30, 40))
    early = site.search(encoded(RED), wait="hits")
    proved = site.proofs(early)

    ids = [hit.image_id for hit in by_file.hits]
    for answer in (by_image, again, once_more, proved):
        assert [hit.image_id for hit in answer.hits] == ids
    assert part.groups[0].region.box == Box(0, 0, 30, 40)
    assert (early.copies, proved.copies) == ("pending", "checked")


def test_objects_narrow_a_search_down(site, catalogue):
    answer = site.search(encoded(RED), filters=SearchFilters(label=["no such thing"]))

    assert answer.hits == []


def test_images_are_listed_page_by_page(site, add_image):
    expected = [add_image(encoded((shade, 0, 0)), f"{shade}").pk for shade in (10, 60, 110)]

    assert [image.id for image in site.images(page_size=1)] == expected[::-1]
    assert [image.title for image in site.images(ImageFilters(q="60"))] == ["60"]


def test_an_image_is_read_with_what_names_it(site, add_image):
    data = encoded(BLUE)
    image = add_image(data, "blue")

    read = site.image(image.pk)

    assert (read.title, read.width, read.height) == ("blue", 60, 40)
    assert read.etag.removeprefix("W/").startswith('"')
    assert site.image(image.pk, fields=["title"]).sha256 == ""
    assert site.original(image.pk) == data
    with Pillow.open(io.BytesIO(site.thumbnail(image.pk))) as thumbnail:
        assert thumbnail.format == "JPEG"


def test_an_original_is_downloaded(site, add_image, tmp_path):
    data = encoded(BLUE)
    image = add_image(data, "blue")

    site.download_original(image.pk, tmp_path / "blue.png")

    assert (tmp_path / "blue.png").read_bytes() == data


@pytest.mark.parametrize(
    ("ask", "status", "code"),
    [
        (lambda site: site.search(b"no picture", name="a.png"), 422, "image:user:not-a-picture"),
        (lambda site: site.search(b""), 422, "image:user:empty-file"),
        (
            lambda site: site.image(NOBODY),
            404,
            "request:user:not-found",
        ),
        (lambda site: site.images_page(cursor="x"), 422, "request:user:bad-cursor"),
        (
            lambda site: site.search_again(NOBODY),
            410,
            "search:user:query-expired",
        ),
    ],
    ids=["no-picture", "empty", "no-image", "cursor", "expired"],
)
def test_what_the_site_refuses_is_said_with_its_code(site, catalogue, ask, status, code):
    with pytest.raises(ApiError) as raised:
        ask(site)

    assert (raised.value.status, raised.value.code) == (status, code)
    assert raised.value.detail
    assert len(raised.value.request_id) == 12


def test_a_token_that_there_is_not_is_refused(site_transport, db):
    site = Client(URL, token="smb_wrong", transport=site_transport)

    with site, pytest.raises(ApiError) as raised:
        site.images_page()

    assert raised.value.is_refused_caller
    assert raised.value.code == "token:user:unknown"


def test_a_closed_site_lets_tokens_in(site_transport, site, token, settings, add_image):
    settings.SEARCH_REQUIRES_LOGIN = True
    add_image(encoded(RED), "red")
    with pytest.raises(ApiError, match="token:user:missing"):
        site.images_page()

    with Client(URL, token=token(), transport=site_transport) as known:
        assert [image.title for image in known.images()] == ["red"]
