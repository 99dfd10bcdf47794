"""Searches that are narrowed down: by everything that can be asked for, and never beyond sight."""

import io
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, User
from django.http import QueryDict
from PIL import Image as Pillow

from catalog.models import Album, Image, Tag
from kernel.regions import FoundRegion
from kernel.task_messages import Copy, QueryRegion
from ml.rules.media import Medium
from search.known_values import MAX_KNOWN
from tests.pictures import plain
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]
JSON = {"accept": "application/json"}

DOG = FoundRegion("object", 0, 5, 5, 40, 30, label="dog", confidence=0.9)
DOUBTFUL = FoundRegion("object", 1, 5, 5, 20, 20, label="", confidence=0.2)
LEFT = FoundRegion("panel", 0, 0, 0, 30, 40)


def ask(client, address: str = "", *, data: bytes = encoded(RED)):
    fields = {**dict(QueryDict(address).lists()), "picture": upload(data)}
    return client.post("/", fields, headers=JSON)


def titles(client, address: str = "") -> list[str]:
    answer = ask(client, address)
    assert answer.status_code == 200, answer.content
    return [hit["title"] for group in answer.json()["groups"] for hit in group["hits"]]


def same_as(region_id: int) -> Copy:
    """The proof that a query is the same picture as a region."""
    outline = ((0, 0), (60, 0), (60, 40), (0, 40))
    return Copy(
        region_id=region_id,
        is_near_identical=True,
        is_shared_design=False,
        bits=0,
        outline=outline,
        overlap=None,
    )


@pytest.fixture
def catalogue(searchable, add_image):
    """Three images of which each field says something else."""
    rows = {
        "one": (RED, (60, 40), "photo", "Ann", "CC BY", "2019/May/a.png", (2024, 5, 1)),
        "two": (DARK_RED, (80, 200), "drawing", "Bob", "CC0", "2019/Maya/b.png", (2024, 5, 2)),
        "three": (BLUE, (100, 100), "unknown", "", "", "", (2024, 5, 3)),
    }
    images = {}
    for title, (colour, size, medium, owner, licence, path, day) in rows.items():
        fields = {"medium": medium, "owner": owner, "licence": licence, "path": path}
        fields["created_at"] = datetime(*day, 12, tzinfo=UTC)
        parts = (DOG, LEFT) if title == "one" else (DOUBTFUL,)
        data = encoded(colour, size=size)
        image = add_image(data, title, **fields)
        image.tags.add(Tag.objects.create(name=f"tag {title}"))
        image.albums.add(Album.objects.create(name=f"album {title}"))
        images[title] = searchable(data, title, *parts)
    return images


CASES = {
    "": ["one", "two", "three"],
    "label=dog": ["one"],
    "label=cat": [],
    "medium=drawing": ["two"],
    "medium=drawing&medium=photo": ["one", "two"],
    "medium=photo&tag=tag two": [],
    "tag=tag one&tag=tag three": ["one", "three"],
    "album=album two": ["two"],
    "album=nobody's": [],
    "owner=Bob": ["two"],
    "owner=bob": [],
    "licence=CC BY&licence=CC0": ["one", "two"],
    "folder=2019": ["one", "two"],
    "folder=2019/May": ["one"],
    "folder=2019/May/a.png": [],
    "folder=2019/Ma_a": [],
    "added_from=2024-05-02": ["two", "three"],
    "added_to=2024-05-02": ["one", "two"],
    "added_from=2024-05-02&added_to=2024-05-02": ["two"],
    "min_side=100": ["two", "three"],
    "max_side=100": ["one", "three"],
    "min_side=101&max_side=199": [],
    "scope=panels": ["one"],
    "scope=full-image": ["one", "two", "three"],
    "scope=objects": ["one", "two", "three"],
    "scope=objects&sure=1": ["one"],
    "sure=1": ["one", "two", "three"],
}


@pytest.mark.parametrize("address", CASES)
def test_only_what_is_asked_for_is_found(admin_client, catalogue, address):
    found = titles(admin_client, address)

    assert sorted(found) == sorted(CASES[address])


@pytest.mark.parametrize("address", [each for each in CASES if each])
def test_copies_that_the_models_prove_are_narrowed_down_too(
    admin_client, catalogue, version, address
):
    full_images = [image.regions.get(kind="whole").pk for image in catalogue.values()]
    copies = [same_as(each) for each in full_images]
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 60, 40): copies})

    assert sorted(titles(admin_client, address)) == sorted(CASES[address])


def test_who_may_not_know_where_pictures_came_from_finds_nothing_by_folders(client, catalogue):
    assert titles(client, "folder=2019") == []
    assert sorted(titles(client, "")) == ["one", "three", "two"]


def test_points_that_carry_outdated_values_show_nothing_wrong(client, catalogue):
    assert titles(client, "owner=Bob&medium=drawing") == ["two"]
    Image.objects.filter(title="two").update(owner="Carl", medium="photo")
    Tag.objects.filter(name="tag one").delete()

    assert titles(client, "owner=Bob") == titles(client, "medium=drawing") == []
    assert titles(client, "tag=tag one") == []


def test_the_answer_says_what_was_asked(client, catalogue):
    body = ask(client, "tag=tag two&min_side=7&sort=oldest&wait=hits").json()

    assert (body["filters"]["tag"], body["filters"]["min_side"]) == (["tag two"], 7)
    assert body["sort"] == "oldest"
    assert "tag=tag+two&min_side=7&sort=oldest&wait=proofs" in body["proofs_url"]
    again = client.get(body["proofs_url"], headers=JSON).json()
    assert (again["filters"], again["sort"]) == (body["filters"], body["sort"])


@pytest.mark.parametrize(
    "address", ["medium=oil", "added_from=soon", "scope=corners", "sort=worst"]
)
def test_what_cannot_be_understood_is_refused_and_nothing_is_kept(client, catalogue, address):
    answer = ask(client, address)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"].startswith("search:user:bad-")
    assert fake_worker.extract_requests() == []


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("verdict", ["one", "two", "three"]),
        ("similarity", ["one", "two", "three"]),
        ("newest", ["three", "two", "one"]),
        ("oldest", ["one", "two", "three"]),
        ("largest", ["two", "three", "one"]),
    ],
)
def test_images_come_in_the_order_that_is_asked_for(client, catalogue, sort, order):
    answer = ask(client, f"sort={sort}").json()

    [group] = answer["groups"]
    assert [hit["title"] for hit in group["hits"]] == order
    assert [hit["rank"] for hit in group["hits"]] == [1, 2, 3]


def test_by_similarity_a_copy_gets_no_better_place(client, searchable, version):
    searchable(encoded(DARK_RED), "near")
    far = searchable(encoded(GREEN), "far")
    region = far.regions.get(kind="whole").pk
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 60, 40): [same_as(region)]})

    assert titles(client) == ["far", "near"]
    assert titles(client, "sort=similarity") == ["near", "far"]


# An image's own medium


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("one", ["three", "two"]),
        ("two", ["one", "three"]),
        ("three", ["one", "three", "two"]),
    ],
)
def test_other_media_leave_out_the_querys_own_where_it_is_known(client, catalogue, title, found):
    address = {"image": catalogue[title].pk, "other_media": "1"}
    first = client.get("/", address, headers=JSON).json()
    again = client.get(first["proofs_url"], headers=JSON).json()

    for body in (first, again):
        assert body["query"]["medium"] == catalogue[title].medium
        assert sorted(hit["title"] for hit in body["groups"][0]["hits"]) == found


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (Medium.PHOTO, ["three", "two"]),
        (Medium.SKETCH, ["one", "three", "two"]),
        (Medium.DRAWING, ["one", "three"]),
        (Medium.UNKNOWN, ["one", "three", "two"]),
    ],
)
def test_the_medium_of_an_upload_is_told_from_it(client, catalogue, version, told, found):
    fake_worker.answer_with(version_id=version.pk, medium=told)
    picture = encoded(GREEN)  # which the catalogue has not

    first = ask(client, "other_media=1", data=picture).json()
    again = client.get(first["proofs_url"], headers=JSON).json()

    for body in (first, again):
        assert body["query"]["medium"] == told
        assert sorted(hit["title"] for hit in body["groups"][0]["hits"]) == found


def test_a_drawing_may_be_a_cartoon_or_a_sketch(client, catalogue, version):
    Image.objects.filter(title="one").update(medium="sketch")
    fake_worker.answer_with(version_id=version.pk, medium=Medium.DRAWING)

    body = ask(client, "other_media=1", data=encoded(GREEN)).json()

    assert [hit["title"] for hit in body["groups"][0]["hits"]] == ["three"]


def test_what_somebody_says_of_the_querys_medium_counts_more(client, catalogue, version):
    fake_worker.answer_with(version_id=version.pk, medium=Medium.SKETCH)

    body = client.get("/", {"image": catalogue["one"].pk}, headers=JSON).json()

    assert body["query"]["medium"] == "photo"


def test_own_and_other_media_together_find_nothing(client, catalogue):
    address = {"image": catalogue["one"].pk, "other_media": "1", "medium": "photo"}

    body = client.get("/", address, headers=JSON).json()

    assert body["groups"][0]["hits"] == []


# What may not be seen


def test_an_album_that_is_hidden_is_as_one_that_is_not_there(client, catalogue):
    press = Group.objects.create(name="press")
    Album.objects.get(name="album one").groups.add(press)
    member = User.objects.create_user("member")
    member.groups.add(press)

    hidden = ask(client, "album=album one").json()
    missing = ask(client, "album=none of all").json()
    assert hidden["groups"][0]["hits"] == missing["groups"][0]["hits"] == []
    assert hidden["facets"] == missing["facets"] == []
    assert titles(client, "album=album one&album=album two") == ["two"]
    assert titles(client, "tag=tag one") == titles(client, "owner=Ann") == []

    client.force_login(member)
    assert titles(client, "album=album one") == ["one"]


def test_the_medium_of_a_hidden_image_is_not_told(client, catalogue):
    Album.objects.get(name="album one").groups.add(Group.objects.create(name="press"))

    body = ask(client, "other_media=1").json()

    assert body["query"]["medium"] == "unknown"


def test_doubtful_objects_of_the_query_are_left_out(client, searchable, version):
    searchable(plain(RED), "red")
    query = Pillow.new("RGB", (60, 40), BLUE)
    query.paste(RED, (0, 0, 60, 20))
    png = io.BytesIO()
    query.save(png, "PNG")
    doubtful = QueryRegion("object", 0, (0, 0, 60, 20), "", 0.2)
    fake_worker.answer_with(version_id=version.pk, regions=[doubtful])

    for address, key in (("", "object-0"), ("sure=1", "whole-0")):
        [hit] = ask(client, address, data=png.getvalue()).json()["groups"][0]["hits"]
        assert hit["query_region"]["key"] == key


# Values that are not among those of the images found


def typed(client, field: str) -> list[str] | None:
    """What a field of the panel is completed to; None where nothing can be typed."""
    page = client.post("/", {"picture": upload(encoded(RED)), "medium": "photo"}, follow=True)
    has_field = f'<input class="another" name="{field}" list="known-{field}"' in page.text
    values = client.get("/filters/values").json().get(field)
    assert has_field == (values is not None)
    return values


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("tag", ["tag one", "tag three", "tag two"]),
        ("album", ["album one", "album three", "album two"]),
        ("owner", ["Ann", "Bob"]),
        ("licence", ["CC BY", "CC0"]),
        ("label", None),
        ("medium", None),
        ("folder", None),
    ],
)
def test_values_of_images_that_were_not_found_can_be_typed(client, catalogue, field, expected):
    assert typed(client, field) == expected


def test_staff_can_type_a_folder(client, catalogue, log_in):
    log_in("catalog.view_image", staff=True)

    assert typed(client, "folder") == ["2019/May", "2019/Maya"]


def test_staff_can_type_a_folder_where_no_picture_has_one(client, searchable, log_in):
    searchable(encoded(RED), "red", DOG)
    Image.objects.update(medium="photo")
    log_in("catalog.view_image", staff=True)

    assert typed(client, "folder") == []


def test_what_is_private_to_others_is_not_offered(client, catalogue):
    for album in Album.objects.all():
        album.groups.set([Group.objects.create(name=f"of {album}")])

    fields = ("tag", "album", "owner", "licence")
    assert {field: typed(client, field) for field in fields} == {field: [] for field in fields}


def test_so_many_are_offered_and_no_more(client, catalogue):
    Tag.objects.bulk_create(Tag(name=f"tag {number:04}") for number in range(200))

    offered = typed(client, "tag")

    assert (len(offered), offered[0]) == (MAX_KNOWN, "tag 0000")
