"""The audit log, to read; and the base of admin pages whose changes it records."""

import json
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.utils import parse_date_str

from audit_log.forms import StaleFormCheck, as_json
from audit_log.models import AuditEntry
from audit_log.services import record
from jobs.admin import FixedChoicesFilter, ReadOnlyAdmin
from site_http.capped_lists import CappedAdmin

Action = AuditEntry.Action

_LINK_CLASSES = "text-primary-600 dark:text-primary-500"
# Of a change of many images so many are shown, of each old value.
_MAX_IMAGES = 20
# What an entry says of itself in the list, in so many characters.
_SHORT = 160
_TYPES = (
    *("catalog.image", "catalog.tag", "catalog.album", "catalog.bulkedit"),
    *("ingestion.import", "ingestion.watchedfolder", "auth.user", "auth.group"),
    *("review.decision", "api.apitoken"),
)


class AuditedAdmin(CappedAdmin):
    """A page whose additions, changes and deletions are recorded, together with them.

    What somebody else has changed since a form was shown is not undone by it.
    """

    change_form_before_template = "admin/read_state.html"

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return a form that knows what it has shown."""
        form = super().get_form(request, *args, **kwargs)
        return type(form.__name__, (StaleFormCheck, form), {})

    def save_related(self, request: HttpRequest, form: ModelForm, *args: Any) -> None:
        """Save, and record what the form changed."""
        super().save_related(request, form, *args)
        *_formsets, change = args
        changes = _changes_of(form)
        if changes or not change:
            action = Action.CHANGED if change else Action.ADDED
            record(action, form.instance, actor_id=request.user.pk, details=changes)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Record, and delete."""
        with transaction.atomic():
            self.record_deletion(request, obj)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Do the same for many; none of these pages is about images, which go to the bin."""
        with transaction.atomic():
            for each in queryset.order_by("pk"):
                self.record_deletion(request, each)
            super().delete_queryset(request, queryset)

    def record_deletion(self, request: HttpRequest, obj: Any) -> AuditEntry:
        """Write the entry of a deletion that follows."""
        return record(Action.DELETED, obj, actor_id=request.user.pk)


def _changes_of(form: ModelForm) -> dict[str, list[Any]]:
    """Return what a valid form changes, as ``{field: [old, new]}`` of JSON values.

    Of a relation to many it is the names, in order; of a secret only that it changed.
    """
    changes: dict[str, list[Any]] = {}
    for field in form.changed_data:
        if "password" in field:
            changes[field] = [None, None]
            continue
        with translation.override(settings.LANGUAGE_CODE):  # of names of permissions
            old = as_json(form.initial.get(field))
            new = as_json(form.cleaned_data.get(field))
        if old != new:  # a form says so of a moment that was only written otherwise
            changes[field] = [old, new]
    return changes


class ActionFilter(FixedChoicesFilter):
    """By what was done."""

    title = _("what")
    parameter_name = "action"
    values = tuple(Action.choices)


class TypeFilter(FixedChoicesFilter):
    """By what it was done to."""

    title = _("kind")
    parameter_name = "object_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, Any], ...]:
        """Return the kinds that are recorded."""
        return tuple((label, _type_name(label)) for label in _TYPES)


class DayFilter(RangeDateFilter):
    """By days, from the first to the last; Unfold's own would end as the last one begins."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return what was done on these days, in the site's time zone."""
        first, last = (
            parse_date_str(self.used_parameters.get(f"{self.parameter_name}_{end}") or "")
            for end in ("from", "to")
        )
        if first is not None:
            queryset = queryset.filter(at__gte=_midnight(first))
        if last is not None and last < date.max:
            queryset = queryset.filter(at__lt=_midnight(last + timedelta(days=1)))
        return queryset


class AuditEntryAdmin(ReadOnlyAdmin):
    """Entries, the newest first. Their number is never counted: there may be millions."""

    list_display = ("at", "actor", "action_badge", "type_name", "object_link", "short")
    list_display_links = ("at",)
    list_filter = (ActionFilter, TypeFilter, ("at", DayFilter))
    list_filter_submit = True
    list_per_page = 50
    paginator = InfinitePaginator
    search_fields = ("actor_name", "object_id")  # how: `get_search_results`
    search_help_text = _("The exact name of an account, or the id of what it was done to")
    fields = (
        *("at", "actor", "action", "type_name", "object_link", "object_id"),
        *("changes", "images_before"),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return what is about that id, or by that account: one index, in the list's order."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(object_id=str(UUID(term))), False
        except ValueError:
            column = "object_id" if term.isdecimal() else "actor_name"
            return queryset.filter(**{column: term}), False

    @display(description=_("who"), empty_value="")
    def actor(self, entry: AuditEntry) -> str:
        """Return the account's name then, and its token's; the system has none."""
        name = entry.actor_name or str(_("the system"))
        if not entry.token_name:
            return name
        return _("%(account)s, by the API token “%(token)s”") % {
            "account": name,
            "token": entry.token_name,
        }

    @display(
        description=_("what"),
        label={
            **dict.fromkeys(Action, ""),
            Action.DELETED: "warning",
            Action.BINNED: "warning",
            Action.PURGED: "danger",
            Action.LOGIN_FAILED: "danger",
        },
    )
    def action_badge(self, entry: AuditEntry) -> tuple[str, Any]:
        """Return the action and its name."""
        return entry.action, entry.get_action_display()

    @display(description=_("kind"), empty_value="")
    def type_name(self, entry: AuditEntry) -> str:
        """Return what kind of thing it was done to."""
        return _type_name(entry.object_type)

    @display(description=_("of what"), empty_value="")
    def object_link(self, entry: AuditEntry) -> str:
        """Return its name, leading to its page; it may be gone by now."""
        try:
            url = reverse(
                f"admin:{entry.object_type.replace('.', '_')}_change", args=(entry.object_id,)
            )
        except NoReverseMatch:
            return entry.object_name
        return _link(url, entry.object_name)

    @display(description=_("details"), empty_value="")
    def short(self, entry: AuditEntry) -> str:
        """Return the beginning of what changed, a field a line."""
        lines = ((_cut(line),) for line in _lines(entry))
        return format_html_join(mark_safe("<br>"), "{}", lines)

    @display(description=_("details"), empty_value="")
    def changes(self, entry: AuditEntry) -> str:
        """Return all of it, a field a line."""
        lines = ((line,) for line in _lines(entry))
        return format_html_join(mark_safe("<br>"), "{}", lines)

    @display(description=_("first images, by what they had"), empty_value="")
    def images_before(self, entry: AuditEntry) -> str:
        """Return some of the images of a change of many, leading to their pages."""
        part = entry.images.order_by("pk").first()
        lines = [] if part is None else part.image_ids.items()
        return format_html_join(
            mark_safe("<br>"),
            "{} {}",
            (
                (
                    f"{old}:" if old else "",
                    format_html_join(
                        ", ",
                        "{}",
                        (
                            (_link(reverse("admin:catalog_image_change", args=(UUID(one),)), one),)
                            for one in ids[:_MAX_IMAGES]
                        ),
                    ),
                )
                for old, ids in lines
            ),
        )


def _link(url: str, text: str) -> str:
    return format_html('<a href="{}" class="{}">{}</a>', url, _LINK_CLASSES, text)


def _lines(entry: AuditEntry) -> list[str]:
    return [_line(entry, name, value) for name, value in entry.details.items()]


def _line(entry: AuditEntry, name: str, value: Any) -> str:
    """Return a detail with the words of the field that it is of, where it is of one."""
    try:
        field = apps.get_model(entry.object_type)._meta.get_field(name)
    except (LookupError, ValueError, FieldDoesNotExist):
        field = None
    choices = dict(getattr(field, "flatchoices", ()))
    is_change = entry.action == Action.CHANGED and isinstance(value, list)
    texts = [
        str(choices.get(each, each)) if isinstance(each, str) else _as_text(each)
        for each in (value if is_change else [value])
    ]
    return f"{getattr(field, 'verbose_name', name)}: {' → '.join(texts)}"


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None else json.dumps(value)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _cut(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


def _type_name(label: str) -> str:
    if not label:
        return ""
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except LookupError:  # of a release that had another
        return label
