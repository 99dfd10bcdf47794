"""Who sees what: images, albums and tags, without those that are private to others (ADR 26).

All that is shown to people is asked for with these; SQL says so at once, whatever points carry.
"""

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.lookups import In

from catalog.models import Album, AlbumGroup, Image, Tag

Viewer = User | AnonymousUser


def viewer_of(account: User | None, *, by_account: bool) -> Viewer | None:
    """Return for whom work is done that goes on without its person (ADR 46).

    Args:
        account: that began it; None where it is gone, or there was none.
        by_account: whether an account began it.

    Returns:
        A visitor where the account is gone; None is the system, which sees everything.
    """
    return AnonymousUser() if account is None and by_account else account


def hidden_albums(viewer: Viewer) -> dict[int, str]:
    """Return id → name of the albums that are private to groups of which a person is in none."""
    if viewer.is_active and viewer.is_superuser:
        return {}
    groups = AlbumGroup.objects.filter(album=OuterRef("pk"))
    hidden = Album.objects.filter(Exists(groups)).order_by()
    if viewer.is_active:
        hidden = hidden.exclude(Exists(groups.filter(group__user=viewer.pk)))
    return dict(hidden.values_list("pk", "name"))


def seen_by(images: QuerySet[Image], viewer: Viewer) -> QuerySet[Image]:
    """Return those of the images that are in no album that is hidden from a person."""
    hidden = list(hidden_albums(viewer))
    return images.exclude(is_in(hidden)) if hidden else images


def hidden_from(images: QuerySet[Image], viewer: Viewer) -> QuerySet[Image]:
    """Return those of the images that are hidden from a person."""
    links = Image.albums.through.objects.filter(album__in=list(hidden_albums(viewer)))
    return images.filter(pk__in=links.values("image"))


def is_in(albums: Collection[int], *, image: str = "pk") -> Exists:
    """Return the condition that an image is in any of these albums.

    Args:
        albums: primary keys.
        image: the field, of what is asked for, that has the image's primary key.
    """
    links = Image.albums.through.objects.filter(image=OuterRef(image))
    # Computed, since SQLite would look every album of every image up in the index of both: with 100
    # albums and 100,000 images a count took 7 s, so it takes 0.4.
    return Exists(links.filter(In(F("album") + 0, albums)))


def sees_paths(viewer: Viewer) -> bool:
    """Return whether a person may know where pictures came from, whose names say much: staff."""
    return viewer.is_staff and viewer.has_perm("catalog.view_image")


def list_albums(viewer: Viewer) -> QuerySet[Album]:
    """Return the albums that a person may know of."""
    return Album.objects.exclude(pk__in=list(hidden_albums(viewer)))


def list_tags(viewer: Viewer) -> QuerySet[Tag]:
    """Return the tags that a person may know of: not those of hidden images alone."""
    hidden = list(hidden_albums(viewer))
    if not hidden:
        return Tag.objects.all()
    tagged = Image.tags.through.objects.filter(tag=OuterRef("pk"))
    is_of_hidden = Exists(tagged.filter(image__albums__in=hidden))
    is_of_seen = Exists(tagged.exclude(image__albums__in=hidden))
    return Tag.objects.filter(Q(is_of_seen) | ~Q(is_of_hidden))
