"""What is private to others shows in no answer of the API, to whoever has every permission."""

import pytest
from django.contrib.auth.models import Group, Permission

from catalog import services
from catalog.models import Album, Image, Tag
from ingestion.models import Import, ImportFailure
from tests.unit.web.conftest import DARK_RED, GREEN, RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]


@pytest.fixture
def outsider(program):
    """May do everything, but is in no group, and may edit no accounts."""
    program = program()
    every = Permission.objects.exclude(content_type__app_label="auth")
    program.user.user_permissions.set(every)
    return program


@pytest.fixture
def secret(searchable, add_image) -> Image:
    searchable(encoded(GREEN), "in the open")
    album = Album.objects.create(name="zqalbum")
    album.groups.add(Group.objects.create(name="insiders"))
    image = searchable(encoded(RED), "zqtitle")
    image.tags.add(Tag.objects.create(name="zqtag"))
    binned = add_image(encoded(DARK_RED), "zqbinned")
    album.images.add(image, binned)
    services.move_to_bin(Image.objects.filter(pk=binned.pk))
    current = Import.objects.create(source="/srv/zqimport", failed=1, found=2)
    current.images.add(image)
    ImportFailure.objects.create(of=current, name="zqfile", error_code="image:user:broken")
    return image


def test_no_list_tells_of_it(outsider, secret) -> None:
    lists = (
        "/images",
        "/albums",
        "/tags",
        "/imports",
        "/images?q=zqtitle",
        "/images?album=zqalbum",
    )

    answers = [outsider.get(path) for path in lists]
    answers.append(outsider.post("/search", encoded(RED), content_type="image/png"))

    for answer in answers:
        assert answer.status_code == 200
        assert "zq" not in answer.content.decode()
        assert str(secret.pk) not in answer.content.decode()


def test_no_address_leads_to_it(outsider, secret) -> None:
    album, tag, current = Album.objects.get(), Tag.objects.get(), Import.objects.get()
    json = {"content_type": "application/json"}
    asked = [
        outsider.get(f"/images/{secret.pk}"),
        outsider.get(f"/images/{secret.pk}/original"),
        outsider.get(f"/images/{secret.pk}/thumbnail"),
        outsider.get(f"/search?image={secret.pk}"),
        outsider.patch(f"/images/{secret.pk}", {"title": "mine"}, **json),
        outsider.delete(f"/images/{secret.pk}"),
        outsider.patch(f"/albums/{album.pk}", {"name": "mine"}, **json),
        outsider.delete(f"/albums/{album.pk}"),
        outsider.patch(f"/tags/{tag.pk}", {"name": "mine"}, **json),
        outsider.delete(f"/tags/{tag.pk}"),
        outsider.get(f"/imports/{current.pk}"),
        outsider.post(f"/imports/{current.pk}/cancel"),
        outsider.get(f"/imports/{current.pk}/failures"),
    ]

    assert [each.status_code for each in asked] == [404] * len(asked)
    secret.refresh_from_db()
    assert (secret.title, secret.binned_at) == ("zqtitle", None)
    assert (Album.objects.get().name, Tag.objects.get().name) == ("zqalbum", "zqtag")


@pytest.mark.parametrize("kind", ["bin", "purge", "restore", "set_owner"])
def test_a_bulk_edit_passes_it_over(outsider, secret, kind) -> None:
    ids = [str(pk) for pk in Album.objects.get().images.values_list("pk", flat=True)]
    body = {"kind": kind, "images": ids} | ({"value": "me"} if kind == "set_owner" else {})

    response = outsider.post("/images/bulk", body, content_type="application/json")

    assert response.status_code == 202
    assert response.json()["total"] == 0
