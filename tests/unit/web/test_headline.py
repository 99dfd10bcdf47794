"""The first sentence of an answer, and what is folded below it."""

import pytest
from django.contrib.auth.models import Group

from catalog.models import Album, EncoderVersion, Image
from kernel.task_messages import Copy, Overlap, QueryRegion
from ml.rules.layout import Layout
from search.verdicts import SameSubjectMark, same_subject_mark
from tests.pictures import plain
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

JSON = {"headers": {"accept": "application/json"}}
ALL, LEFT, RIGHT = (0, 0, 60, 40), (0, 0, 30, 40), (30, 0, 60, 40)
PANELS = [QueryRegion("panel", 0, LEFT), QueryRegion("panel", 1, RIGHT)]
CALIBRATION = {
    "method": "rising",
    "curve": {"scores": [-1.0, 0.5, 1.0], "probabilities": [0.01, 0.5, 0.9]},
    "thresholds": [{"asked_precision": 0.9, "threshold": 0.8, "precision": 0.9, "recall": 0.4}],
    "origin": {"pairs": 4950, "pictures": 100},
}


@pytest.fixture
def calibrated(version) -> None:
    EncoderVersion.objects.update(calibration=CALIBRATION)


@pytest.fixture
def catalogue(searchable, worker) -> dict[str, Image]:
    colours = {"dark red": DARK_RED, "green": GREEN, "blue": BLUE}
    return {name: searchable(encoded(colour), name) for name, colour in colours.items()}


def copy_of(image: Image, **changes: bool) -> Copy:
    corners = ((0, 0), (60, 0), (60, 40), (0, 40))
    overlap = Overlap(40, False, query_percent=90.0, image_percent=90.0)
    kinds = {"is_near_identical": False, "is_shared_design": False} | changes
    return Copy(image.regions.get(kind="whole").pk, *kinds.values(), 90, corners, overlap)


def ask(client, data=None, *, wait="proofs", **fields) -> dict:
    picture = {} if "image" in fields else {"picture": upload(data or encoded(RED))}
    return client.post("/", {**picture, "wait": wait, **fields}, **JSON).json()


def headline(client, data=None, **fields) -> str:
    return ask(client, data, **fields)["headline"]


def test_without_a_copy_it_says_so(client, catalogue):
    assert headline(client) == "No copy among 3 pictures"


def test_every_rung_is_counted_and_named_the_best_first(
    client, catalogue, searchable, version, calibrated
):
    searchable(encoded(RED), "itself")
    near, edited = searchable(plain(GREEN), "near"), searchable(plain(BLUE), "edited")
    other, design = searchable(plain((9, 9, 9)), "other"), searchable(plain((9, 9, 99)), "design")
    copies = [
        copy_of(near, is_near_identical=True),
        copy_of(edited),
        copy_of(other),
        copy_of(design, is_shared_design=True),
    ]
    fake_worker.answer_with(version_id=version.pk, copies={ALL: copies})

    body = ask(client)

    assert body["headline"] == (
        "1 identical file, 1 same picture, 2 edited copies, 1 picture of the same design or object "
        "and 1 picture of the same subject among 8 pictures"
    )
    assert body["verdict_counts"] == {
        "identical": 1,
        "near-identical": 1,
        "edited-copy": 2,
        "shared-design": 1,
        "same-subject": 1,
        "copies": 4,
        "searched": 8,
        "may_be_more": False,
    }


def test_what_is_no_copy_is_told_after_that(client, catalogue, calibrated):
    said = "No copy, but 1 picture of the same subject among 3 pictures"

    assert headline(client) == said


def test_while_copies_are_looked_for_nothing_is_called_no_copy(
    client, catalogue, searchable, calibrated
):
    before = headline(client, wait="hits")
    searchable(encoded(RED), "itself")
    after = headline(client, wait="hits")

    assert before == ("1 picture of the same subject among 3 pictures; still looking for copies…")
    assert after == (
        "1 identical file and 1 picture of the same subject among 4 pictures; "
        "still looking for copies…"
    )
    EncoderVersion.objects.update(calibration=None)
    Image.objects.filter(title="itself").update(status=Image.Status.DELETING)
    said = "No copy so far among 3 pictures; still looking for copies…"
    assert headline(client, wait="hits") == said


def test_what_could_not_be_compared_is_said(client, catalogue, version):
    fake_worker.answer_with(version_id=version.pk, copies_error="search:transient:no-answer")

    assert headline(client) == "No copy so far among 3 pictures; not all could be compared"


def test_the_picture_itself_is_not_counted(client, catalogue):
    image = catalogue["green"]

    body = ask(client, image=str(image.pk))

    assert body["headline"] == "No copy among 2 other pictures"
    assert body["verdict_counts"]["copies"] == 0
    assert body["groups"][0]["hits"][0]["verdict"] == "identical"


def test_the_picture_itself_is_called_so_and_folds_nothing_away(client, catalogue, calibrated):
    text = client.get("/", {"image": str(catalogue["green"].pk)}).content.decode()

    assert "the picture itself</span>" in text
    assert "identical file</span>" not in text
    assert '<details data-fold="less" open><summary>2 less similar pictures</summary>' in text


def test_of_a_collage_it_says_how_many_pictures_have_copies(client, catalogue, version, calibrated):
    copies = {LEFT: [copy_of(catalogue["blue"])]}
    collage = {"version_id": version.pk, "layout": Layout.COLLAGE, "regions": PANELS}
    fake_worker.answer_with(**collage, copies=copies)
    page = client.post("/", {"picture": upload(encoded(GREEN))}, follow=True)
    with_copy = headline(client, encoded(GREEN))
    fake_worker.answer_with(**collage)
    without = headline(client, encoded((0, 0, 0)))
    pending = headline(client, encoded((0, 0, 0)), wait="hits")

    assert with_copy == (
        "1 of 2 pictures have copies, the same subject or design for 1 among 3 pictures"
    )
    [first, *_] = page.context["result"].groups
    assert (first.part.key, first.summary) == ("panel-0", "edited copy")
    assert without == "No copy of any of the 2 pictures in it among 3 pictures"
    assert pending == "No copy so far among 3 pictures; still looking for copies…"


def test_where_a_group_is_full_there_may_be_more(client, searchable, version, worker):
    images = [searchable(plain((220, 30, shade)), f"shade {shade}") for shade in range(25)]
    copies = {ALL: [copy_of(image) for image in images]}
    fake_worker.answer_with(version_id=version.pk, copies=copies)

    assert headline(client) == "24 edited copies among 25 pictures; there may be more"


def test_with_filters_the_number_of_all_pictures_says_nothing(client, catalogue):
    said = "No copy among the pictures that your filters let through"

    assert headline(client, medium="photo") == said


def test_what_a_person_may_not_see_is_neither_counted_nor_searched(client, catalogue, version):
    album = Album.objects.create(name="private")
    album.groups.add(Group.objects.create(name="owners"))
    catalogue["blue"].albums.add(album)
    copies = {ALL: [copy_of(catalogue["blue"])]}
    fake_worker.answer_with(version_id=version.pk, copies=copies)

    assert headline(client) == "No copy among 2 pictures"


def test_an_empty_catalogue_is_said_to_be_that(client, version, worker):
    from catalog.vector_store import open_index

    open_index(version).ensure()

    assert headline(client) == "There is no picture to compare with yet"


@pytest.mark.parametrize(
    ("many", "said"),
    [
        (1, "1 изменённая копия среди 5 изображений"),
        (3, "3 изменённые копии среди 5 изображений"),
        (5, "5 изменённых копий среди 5 изображений"),
    ],
)
def test_it_is_said_in_russian(client, five, version, many, said):
    copies = {ALL: [copy_of(image) for image in five[:many]]}
    fake_worker.answer_with(version_id=version.pk, copies=copies)

    headers = {"accept": "application/json", "accept-language": "ru"}
    answer = client.post("/", {"picture": upload(encoded(RED))}, headers=headers)

    assert answer.json()["headline"] == said


@pytest.fixture
def five(searchable, worker) -> list[Image]:
    return [searchable(plain((220, 30, shade)), f"shade {shade}") for shade in range(5)]


# What is folded


def test_what_is_below_the_threshold_is_folded(client, catalogue, calibrated):
    page = client.post("/", {"picture": upload(encoded(RED))}, follow=True)

    [group] = page.context["result"].groups
    assert [card.title for card in group.hits] == ["dark red"]
    assert [card.title for card in group.less_similar] == ["green", "blue"]
    text = page.content.decode()
    assert '<details data-fold="less"><summary>2 less similar pictures</summary>' in text
    assert "Marked from" in text
    assert "Judged by 4,950 pairs of 100 pictures" in text


def test_where_nothing_is_above_it_the_best_are_at_hand(client, catalogue, calibrated):
    page = client.post("/", {"picture": upload(encoded((250, 250, 20)))}, follow=True)

    [group] = page.context["result"].groups
    assert (len(group.hits), len(group.less_similar)) == (0, 3)
    assert '<details data-fold="less" open>' in page.content.decode()


def test_without_a_threshold_nothing_is_folded(client, catalogue):
    page = client.post("/", {"picture": upload(encoded(RED))}, follow=True)

    [group] = page.context["result"].groups
    assert (len(group.hits), len(group.less_similar)) == (3, 0)
    assert "less similar" not in page.content.decode()


# Badge and percentage


def test_the_mark_says_what_the_calibration_does():
    mark = same_subject_mark(CALIBRATION)

    # the curve rises from 0.5 at 0.5 by 0.8 a unit
    assert mark.probability == pytest.approx(0.74)
    assert (mark.precision_percent, mark.pairs, mark.pictures) == (90, 4950, 100)


@pytest.mark.parametrize(
    "calibration", [None, {}, {**CALIBRATION, "thresholds": []}, {**CALIBRATION, "curve": {}}]
)
def test_without_a_calibration_there_is_no_mark(calibration):
    assert same_subject_mark(calibration) is None


def test_what_is_marked_has_a_higher_percentage_than_what_is_not():
    mark = SameSubjectMark(probability=0.8341, precision=0.9, pairs=0, pictures=0)

    shown = [(p, mark.shown_percent(p)) for p in (0.004, 0.82, 0.834, 0.8341, 0.836, 0.9, 0.9999)]

    assert shown == [
        *((0.004, 0), (0.82, 82), (0.834, 83)),
        *((0.8341, 84), (0.836, 84), (0.9, 90), (0.9999, 99)),
    ]
