"""The upload form: who may, what happens to each file, and that a refusal leaves nothing behind."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.storage import InMemoryStorage
from django.utils import timezone

from catalog import services
from catalog.models import CopyCheck, Image
from ingestion.models import Import, ImportFailure
from ingestion.presenters import present_outcomes
from ingestion.services import Outcome, Result
from jobs.models import JobRecord
from kernel.messages import sentence
from tests.unit.web.conftest import BLUE, GREEN, RED, encoded, upload

pytestmark = pytest.mark.django_db

PAGE = "/upload/"


def send(client, *files):
    return client.post(PAGE, {"files": [upload(data, name) for name, data in files]})


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("caller", "status"),
    [("anonymous", 302), ("plain", 403), ("staff without", 403), ("staff with", 200)],
)
def test_only_who_may_add_images_uploads(client, log_in, method, caller, status):
    if caller != "anonymous":
        permissions = ["catalog.add_image"] if caller == "staff with" else ["catalog.view_image"]
        log_in(*permissions, staff=caller.startswith("staff"))

    response = send(client, ("red.png", encoded(RED))) if method == "post" else client.get(PAGE)

    assert response.status_code == status
    if caller == "anonymous":
        assert response["Location"] == "/login/?next=/upload/"
    came = int(method == "post" and caller == "staff with")
    assert Image.objects.count() == came
    assert Import.objects.count() == came
    assert JobRecord.objects.count() == came


def test_each_file_is_answered_for_itself(client, log_in, add_image):
    user = log_in("catalog.add_image")
    known = add_image(encoded(BLUE), "sea")

    response = send(
        client,
        ("red.png", encoded(RED)),
        ("blue again.png", encoded(BLUE)),
        ("notes.txt", b"hello"),
        ("green.jpg", encoded(GREEN, kind="JPEG")),
    )

    assert response.status_code == 200
    new = {image.title: image for image in Image.objects.exclude(pk=known.pk)}
    assert sorted(new) == ["green", "red"]
    rows = response.context["result"].rows
    assert [(row.name, row.result, row.url, row.sentence) for row in rows] == [
        ("red.png", "added", f"/images/{new['red'].pk}/", ""),
        ("blue again.png", "duplicates", f"/images/{known.pk}/", ""),
        ("notes.txt", "failed", "", sentence("image:user:not-a-picture")),
        ("green.jpg", "added", f"/images/{new['green'].pk}/", ""),
    ]
    text = response.content.decode()
    assert "Added: 2. Already there: 1. Refused: 1." in text
    assert f'href="/images/{known.pk}/">sea</a>' in text
    current = Import.objects.get()
    assert (current.source, current.started_by, current.state) == ("upload", user, "finished")
    assert (current.found, current.added, current.duplicates, current.failed) == (4, 2, 1, 1)
    assert list(ImportFailure.objects.values_list("name", "error_code")) == [
        ("notes.txt", "image:user:not-a-picture")
    ]
    job = JobRecord.objects.get()
    assert sorted(job.arguments["image_ids"]) == sorted(str(image.pk) for image in new.values())


def test_same_file_twice_in_one_form_is_stored_once(client, log_in):
    log_in("catalog.add_image")

    response = send(client, ("a.png", encoded(RED)), ("b.png", encoded(RED)))

    assert [row.result for row in response.context["result"].rows] == ["added", "duplicates"]
    assert Image.objects.count() == 1


def test_no_file_is_400_with_a_sentence(client, log_in):
    log_in("catalog.add_image")

    response = client.post(PAGE)

    assert response.status_code == 400
    assert sentence("image:user:none-chosen") in response.content.decode()
    assert Import.objects.count() == 0


def test_too_many_files_at_once_are_refused_with_a_sentence(client, log_in, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 1
    log_in("catalog.add_image")

    response = send(client, ("red.png", encoded(RED)), ("blue.png", encoded(BLUE)))

    assert response.status_code == 400
    assert "If you sent many files at once, send fewer." in response.content.decode()
    assert Image.objects.count() == 0


class FullStorage(InMemoryStorage):
    """Takes one original and its thumbnail, then no more."""

    saved = 0

    def _save(self, name, content):
        type(self).saved += 1
        if self.saved > 2:
            raise OSError(28, "No space left on device")
        return super()._save(name, content)


def test_full_storage_keeps_what_was_taken_in_and_says_so(client, log_in, settings):
    FullStorage.saved = 0
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": f"{__name__}.{FullStorage.__name__}"}
    }
    log_in("catalog.add_image")

    response = send(client, ("red.png", encoded(RED)), ("blue.png", encoded(BLUE)))

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert sentence("storage:transient:unavailable") in response.content.decode()
    assert [row.name for row in response.context["result"].rows] == ["red.png"]
    assert Image.objects.get().title == "red"
    assert Import.objects.get().state == "interrupted"
    assert JobRecord.objects.count() == 1


def test_file_whose_image_is_being_deleted_is_refused(client, log_in, add_image):
    log_in("catalog.add_image")
    add_image(encoded(RED), status=Image.Status.DELETING)

    response = send(client, ("red.png", encoded(RED)))

    [row] = response.context["result"].rows
    said = sentence("image:conflict:being-deleted")
    assert (row.name, row.result, row.url, row.sentence) == ("red.png", "failed", "", said)
    assert said in response.content.decode()
    assert ImportFailure.objects.get().error_code == "image:conflict:being-deleted"


def test_file_whose_image_is_deleted_before_the_page_is_made_leads_nowhere(add_image):
    image = add_image(encoded(RED), status=Image.Status.DELETING)
    outcome = Outcome(name="red.png", result=Result.DUPLICATES, image_id=image.pk)

    [row] = present_outcomes([outcome], AnonymousUser()).rows

    assert (row.url, row.sentence) == ("", sentence("image:conflict:being-deleted"))


def test_result_costs_the_same_queries_for_any_number_of_files(
    add_image, django_assert_num_queries
):
    outcomes = [
        Outcome(name="", result=Result.ADDED, image_id=add_image(encoded((shade, 0, 0))).pk)
        for shade in range(0, 200, 20)
    ]

    with django_assert_num_queries(2):
        result = present_outcomes(outcomes, AnonymousUser())

    assert [row.url for row in result.rows] == [f"/images/{o.image_id}/" for o in outcomes]


def test_a_picture_that_was_in_the_bin_is_back(client, log_in, add_image):
    log_in("catalog.add_image")
    image = add_image(encoded(BLUE), "sea")
    services.move_to_bin(Image.objects.all())

    response = send(client, ("again.png", encoded(BLUE)))

    text = response.content.decode()
    assert "back from the bin" in text
    assert f'src="/images/{image.pk}/small.webp"' in text
    assert client.get(image.get_absolute_url()).status_code == 200


def test_the_form_says_what_becomes_of_copies(client, log_in):
    log_in("catalog.add_image")

    response = client.post(PAGE, {"files": [upload(encoded(RED), "red.png")], "copies": "hold"})

    check = CopyCheck.objects.get()
    current = Import.objects.get()
    assert (check.policy, check.import_id, check.file_name) == ("hold", current.pk, "red.png")
    assert current.options["rules"]["copies"] == "hold"
    assert '<option value="hold" selected>' in response.content.decode()

    # it waits to be compared, and is answered for as any other
    image = Image.objects.get()
    assert image.get_absolute_url() in response.content.decode()
    assert client.get(image.get_absolute_url()).status_code == 200


def test_an_unknown_word_for_copies_is_refused(client, log_in):
    log_in("catalog.add_image")

    response = client.post(PAGE, {"files": [upload(encoded(RED))], "copies": "eat"})

    assert response.status_code == 400
    assert not Image.objects.exists()


def test_a_file_that_is_held_says_so(client, log_in, add_image):
    log_in("catalog.add_image")
    add_image(encoded(RED), "held", held_at=timezone.now())

    response = send(client, ("again.png", encoded(RED)))

    assert sentence("image:conflict:held") in response.content.decode()
    assert Image.objects.get().held_at is not None
