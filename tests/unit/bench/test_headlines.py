"""Whether headlines are right, asked of a site with a small encoder behind."""

from pathlib import Path

import pytest
from PIL import Image as Pillow

from bench import headlines
from bench.edits import bordered, captioned, cropped, dimmed
from kernel.task_messages import Copy, Overlap
from tests.unit.web import fake_worker
from tests.unit.web.conftest import *  # noqa: F403  # the same catalogue and worker
from tests.unit.web.conftest import BLUE, GREEN, encoded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

CORNERS = ((0, 0), (60, 0), (60, 40), (0, 40))


@pytest.fixture
def others(tmp_path: Path) -> Path:
    folder = tmp_path / "others"
    folder.mkdir()
    (folder / "blue.png").write_bytes(encoded(BLUE))
    return folder


def test_headlines_are_counted_by_whether_they_are_right(
    live_server, searchable, version, worker, others
):
    green = searchable(encoded(GREEN), "green")
    # given a worker that takes what is half as large for a copy, as the edited one is
    copy = Copy(green.regions.get().pk, False, False, 90, CORNERS, Overlap(40, False, 90.0, 90.0))
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 30, 20): [copy]})

    right = headlines.measure(live_server.url, others, copied=None, tries=9, seed=0)
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 60, 40): [copy]})
    wrong = headlines.measure(live_server.url, others, copied=None, tries=9, seed=0)

    assert (right.without, right.said_none, right.copies, right.named) == (1, 1, 1, 1)
    assert right.wrong == ()
    assert (wrong.without, wrong.said_none, wrong.copies, wrong.named) == (1, 0, 1, 0)
    assert wrong.wrong == (
        "blue.png: 1 edited copy among 1 picture",
        f"{green.pk}, half_mirrored_jpeg60: No copy among 1 picture",
    )


def test_a_folder_of_pictures_that_are_not_in_the_catalogue_is_refused(
    live_server, searchable, worker, others
):
    searchable(encoded(GREEN), "green")

    with pytest.raises(ValueError, match="no such indexed picture"):
        headlines.measure(live_server.url, others, copied=others, tries=9, seed=0)


@pytest.mark.parametrize(
    ("edit", "size"),
    [(cropped, (48, 32)), (captioned, (60, 40)), (bordered, (72, 52)), (dimmed, (60, 40))],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_edits_are_as_large_as_they_say(tmp_path, edit, size):
    path = tmp_path / "edited.jpg"
    path.write_bytes(edit(encoded(GREEN)))

    with Pillow.open(path) as picture:
        assert picture.size == size
