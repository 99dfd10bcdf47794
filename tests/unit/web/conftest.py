"""Callers, pictures and catalogue rows for the pages' tests."""

import io
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image as Pillow

from catalog import services
from catalog.models import EncoderVersion, Image
from catalog.validation import validate
from kernel.regions import FoundRegion
from tests.rows import add_picture, full_images
from tests.unit.web import fake_worker

RED, DARK_RED, GREEN, BLUE = (220, 30, 30), (150, 30, 40), (30, 200, 60), (40, 60, 220)


def encoded(colour: tuple[int, int, int], *, kind: str = "PNG", size=(60, 40)) -> bytes:
    """A picture of one colour with a white corner, so that it has something to show."""
    picture = Pillow.new("RGB", size, colour)
    picture.paste((255, 255, 255), (0, 0, size[0] // 4, size[1] // 4))
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def upload(data: bytes, name: str = "query.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


@pytest.fixture
def version(db) -> EncoderVersion:
    return EncoderVersion.objects.create(
        encoder="grid",
        choice="grid",
        weights="none",
        weights_sha256="0" * 64,
        preprocessing_sha256="1" * 64,
        dim=fake_worker.DIM,
        # The in-memory store outlives a test; a collection of its own does not meet the others.
        collection=fake_worker.new_collection(),
        state=EncoderVersion.State.LIVE,
    )


@pytest.fixture
def add_image(db) -> Callable[..., Image]:
    """Add a picture as ingestion does; it stays queued."""

    def add(data: bytes, title: str = "", **fields: object) -> Image:
        added = add_picture(validate(data), services.ImageMetadata(title=title))
        Image.objects.filter(pk=added.image_id).update(**fields)
        return Image.objects.get(pk=added.image_id)

    return add


@pytest.fixture
def searchable(add_image, version) -> Callable[..., Image]:
    """Add a picture and index it with its regions, as a bulk worker would."""

    def add(data: bytes, title: str, *parts: FoundRegion) -> Image:
        image = add_image(data, title)
        indexed = {image.pk: [*full_images([image.pk])[image.pk], *parts]}
        fake_worker.index(image, data, version, indexed[image.pk])
        services.record_indexed(indexed)
        image.refresh_from_db()
        return image

    return add


@pytest.fixture(scope="session")
def worker_switch():
    yield fake_worker.SWITCH
    fake_worker.SWITCH.off()


@pytest.fixture
def worker(worker_switch, version):
    """A worker that answers queries with embeddings of the live version."""
    fake_worker.answer_with(version_id=version.pk)
    worker_switch.on()


@pytest.fixture
def no_worker(worker_switch):
    """Nobody takes messages from the query queue."""
    worker_switch.off()


@pytest.fixture
def log_in(db, client: Client) -> Callable[..., User]:
    """Log the client in as a new account with exactly these permissions."""

    def log_in(*permissions: str, staff: bool = False) -> User:
        user = User.objects.create_user("somebody", password="secret", is_staff=staff)
        codenames = [permission.split(".")[1] for permission in permissions]
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return user

    return log_in


@pytest.fixture
def superuser(client: Client) -> User:
    user = User.objects.create_superuser("chief", password="secret")
    client.force_login(user)
    return user


@pytest.fixture
def keeper(log_in) -> User:
    """Who may start imports and see them, and nothing more."""
    return log_in("ingestion.add_import", "ingestion.view_import", staff=True)
