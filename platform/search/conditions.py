"""What filters mean: to the vector store, which finds by them, and in SQL, which has the last word.

Points may carry what their rows said a moment ago, or, after an update, not yet all of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import and_, or_
from types import MappingProxyType
from typing import Any

from django.db.models import Exists, Manager, OuterRef, Q
from django.utils import timezone

from catalog.folders import carried
from catalog.models import Image, Region
from catalog.selectors import is_in_folder
from catalog.visibility import Viewer, sees_paths
from kernel.task_messages import QueryRegion
from ml.rules.regions import FULL_IMAGE, OBJECT, PANEL, RegionKind
from search.question import Filters, Scope
from vectors.index import Where

_KINDS: MappingProxyType[Scope, RegionKind] = MappingProxyType(
    {Scope.FULL_IMAGE: FULL_IMAGE, Scope.PANELS: PANEL, Scope.OBJECTS: OBJECT}
)
# What a drawing may be.
_ALL_DRAWN = (Image.Medium.DRAWING.value, Image.Medium.CARTOON.value, Image.Medium.SKETCH.value)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which images a search may find: those that its filters let through and its viewer may see.

    Attributes:
        filters: what is asked for.
        viewer: who asks.
        query_medium: the query's own; "unknown" where it is not known.
        hidden_albums: id → name of those whose images the viewer may not see.
    """

    filters: Filters
    viewer: Viewer
    query_medium: str
    hidden_albums: Mapping[int, str]

    @property
    def where(self) -> Where:
        """What points have to meet."""
        filters = self.filters
        return Where(
            kinds=tuple(_KINDS[scope] for scope in filters.scope),
            labels=filters.labels,
            mediums=filters.mediums,
            tags=filters.tags,
            albums=filters.albums,
            owners=filters.owners,
            licences=filters.licences,
            folders=tuple(map(carried, filters.folders)),
            added_from=self._added_from,
            added_before=self._added_before,
            min_side=filters.min_side,
            max_side=filters.max_side,
            with_unsure=not filters.are_sure,
            not_mediums=self._own_medium,
            not_albums=tuple(self.hidden_albums.values()),
        )

    @property
    def condition(self) -> Q:
        """What the rows of images have to meet, besides that the viewer may see them."""
        filters = self.filters
        tagged, in_albums = Image.tags.through.objects, Image.albums.through.objects
        conditions = [
            _any_of("medium", filters.mediums),
            ~Q(medium__in=self._own_medium),
            _any_of("owner", filters.owners),
            _any_of("licence", filters.licences),
            _linked(Region.objects, "label", filters.labels),
            _linked(tagged, "tag__name", filters.tags),
            _linked(in_albums, "album__name", filters.albums),
            self._in_folders,
            _added(self._added_from, self._added_before),
            _sized(filters.min_side, filters.max_side),
        ]
        return reduce(and_, conditions)

    @property
    def _in_folders(self) -> Q:
        folders = self.filters.folders
        if folders and not sees_paths(self.viewer):
            return Q(pk__in=())
        return reduce(or_, map(is_in_folder, folders), Q())

    def takes(self, region: Region) -> bool:
        """Whether a part of an image is one that may be alike."""
        if self.filters.are_sure and region.kind == OBJECT and not region.label:
            return False
        scope = self.filters.scope
        return not scope or region.kind in {_KINDS[each] for each in scope}

    def asks_with(self, region: QueryRegion) -> bool:
        """Whether a part of the query is searched with."""
        return bool(region.label) or region.kind != OBJECT or not self.filters.are_sure

    @property
    def _own_medium(self) -> tuple[str, ...]:
        """The media to leave out: the query's, where that is asked for and known."""
        is_known = self.query_medium != Image.Medium.UNKNOWN
        if not self.filters.are_other_media or not is_known:
            return ()
        return _ALL_DRAWN if self.query_medium == Image.Medium.DRAWING else (self.query_medium,)

    @property
    def _added_from(self) -> datetime | None:
        day = self.filters.added_from
        return None if day is None else _midnight(day)

    @property
    def _added_before(self) -> datetime | None:
        day = self.filters.added_to
        return None if day is None else _midnight(day + timedelta(days=1))


def _any_of(field: str, values: tuple[str, ...]) -> Q:
    return Q(**{f"{field}__in": values}) if values else Q()


def _linked(links: Manager[Any], field: str, values: tuple[str, ...]) -> Q:
    """Return the condition that a row names the image and has any of these values."""
    if not values:
        return Q()
    return Q(Exists(links.filter(image=OuterRef("pk"), **{f"{field}__in": values})))


def _sized(min_side: int | None, max_side: int | None) -> Q:
    condition = Q()
    if min_side is not None:
        condition &= Q(width__gte=min_side) | Q(height__gte=min_side)
    if max_side is not None:
        condition &= Q(width__lte=max_side, height__lte=max_side)
    return condition


def _added(added_from: datetime | None, added_before: datetime | None) -> Q:
    condition = Q()
    if added_from is not None:
        condition &= Q(created_at__gte=added_from)
    if added_before is not None:
        condition &= Q(created_at__lt=added_before)
    return condition


def _midnight(day: date) -> datetime:
    """Return the first moment of a day in the site's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))
