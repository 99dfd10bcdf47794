"""Images for the catalogue's keepers. What touches files or points goes through the services."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import ManyToManyField, Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from audit_log.admin import AuditedAdmin
from catalog import services
from catalog.admin.bulk_edit_forms import CONFIRMATIONS
from catalog.admin.bulk_edits import list_action
from catalog.admin.cells import breakable
from catalog.admin.image_filters import (
    AddedFilter,
    FileSizeFilter,
    FolderFilter,
    LabelFilter,
    LicenceFilter,
    NamedSetFilter,
    OwnerFilter,
    SuggestedMediumFilter,
)
from catalog.admin.image_list import ImageList
from catalog.admin.panels import panels
from catalog.models import BulkEdit, Image, Region
from catalog.presenters import similar_url, thumbnail_url
from catalog.selectors import list_visible_images
from catalog.text_search import matching
from catalog.validation import MIME_TYPES
from catalog.visibility import seen_by
from jobs.admin import FixedChoicesFilter
from kernel.messages import sentence
from kernel.moments import is_moment

# Of where else a file was met, so many are shown.
_MAX_OCCURRENCES = 100
# Bears the name of Django's own action and so replaces it.
_NAMES = {BulkEdit.Kind.BIN: "delete_selected"}
# On the pages of the bin and of what is held for review.
_ELSEWHERE = frozenset(
    {BulkEdit.Kind.RESTORE, BulkEdit.Kind.PURGE, BulkEdit.Kind.TAKE_IN, BulkEdit.Kind.REFUSE}
)
_TECHNICAL_FIELDS = (
    *("status", "problem", "error_code", "tries", "sha256_shown"),
    *("dimensions", "file_size", "is_damaged", "created_at", "queued_at", "indexed_at"),
)
# Fields that the vector points carry, for filters: a change of one must reach the points.
PAYLOAD_FIELDS = services.CARRIED_FIELDS | {"tags", "albums"}


class FormatFilter(FixedChoicesFilter):
    """By file format."""

    title = _("format")
    parameter_name = "format"
    values = tuple((name, name.upper()) for name in MIME_TYPES)


class ErrorFilter(FixedChoicesFilter):
    """By the error that failed images ended with."""

    title = _("error")
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        """Return the codes there are, and their sentences; failed images are few and indexed."""
        failed = list_visible_images(request.user).filter(status=Image.Status.FAILED)
        codes = failed.order_by("error_code").values_list("error_code", flat=True).distinct()
        return tuple((code, sentence(code)) for code in codes)


class RegionInline(TabularInline):
    """The parts of an image that have points, to look at."""

    model = Region
    fields = readonly_fields = ("kind", "ordinal", "box", "label", "confidence")
    can_delete = False
    max_num = 0
    per_page = 20
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: workers make regions."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: workers make regions."""
        return False

    @display(description=_("box"))
    def box(self, region: Region) -> str:
        """Return the corners, in pixels of the upright original."""
        return f"({region.x0}, {region.y0}) – ({region.x1}, {region.y1})"


class ImageForm(ModelForm):
    """An image; a date is stated as manifests state it."""

    class Meta:
        """What is said below a field."""

        help_texts: ClassVar = {
            "taken_at": _("As 2024-05-31, or with the time: 2024-05-31T12:00:00+02:00"),
        }

    def clean_taken_at(self) -> str:
        """Refuse what is no date; what an earlier release kept may stay."""
        text: str = self.cleaned_data["taken_at"].strip()
        if text and "taken_at" in self.changed_data and not is_moment(text):
            said = _("This is no date, such as 2024-05-31 or 2024-05-31T12:00:00+02:00.")
            raise ValidationError(said, code="no-moment")
        return text


@admin.register(Image)
class ImageAdmin(AuditedAdmin):
    """Images: find, look at, change one or many."""

    form = ImageForm

    class Media:
        """What the list looks like."""

        css: ClassVar = {"all": ("semblance/image_list.css",)}

    # The columns' heads and what they sort by; the rows are in the template `rows.html`.
    list_display = ("preview", "title", "status", "source", "dimensions", "created_at")
    list_filter = (
        *("status", "medium", SuggestedMediumFilter, FormatFilter, "is_damaged", ErrorFilter),
        *(("tags", NamedSetFilter), ("albums", NamedSetFilter), ("imports", NamedSetFilter)),
        *(LabelFilter, OwnerFilter, LicenceFilter, FolderFilter, FileSizeFilter),
        *("created_at", ("created_at", AddedFilter)),
    )
    list_filter_submit = True  # what is typed and picked is sent by a button
    # Counts beside every choice: a query of a column a tag, more than SQLite has.
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    search_fields = ("text__words",)  # that there are some shows the form
    search_help_text = _(
        "Words, or how they begin, of title, path, description, tags, creator, owner, external id, "
        "source; or an id, or how a SHA-256 begins"
    )
    actions = tuple(
        list_action(kind, permission=confirmation.permission, name=_NAMES.get(kind, ""))
        for kind, confirmation in CONFIRMATIONS.items()
        if kind not in _ELSEWHERE
    )
    autocomplete_fields = ("tags", "albums")
    inlines = (RegionInline,)
    readonly_fields = (
        *("preview", "panels", "path", "elsewhere", "medium_said_by"),
        *_TECHNICAL_FIELDS,
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "preview",
                    "panels",
                    "title",
                    "description",
                    "path",
                    "elsewhere",
                    "source",
                    "external_id",
                    "taken_at",
                )
            },
        ),
        (
            _("Rights"),
            {
                "fields": (
                    *("owner", "licence", "rights"),
                    *("creator", "credit", "usage_terms", "licensor"),
                )
            },
        ),
        (_("Filters"), {"fields": ("medium", "medium_said_by", "tags", "albums")}),
        (_("Technical"), {"fields": _TECHNICAL_FIELDS}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        """Return those that this person may see; the bin and held ones have pages of their own."""
        images: QuerySet[Image] = super().get_queryset(request)
        here = images.filter(binned_at__isnull=True, held_at__isnull=True)
        return seen_by(here, request.user)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer the tags and albums that this person may know of."""
        rows = self.admin_site.get_model_admin(db_field.related_model)
        kwargs["queryset"] = rows.get_queryset(request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @display(description=_("picture"))
    def preview(self, image: Image) -> str:
        """Return the thumbnail, leading to the image's page, and a link to a search with it."""
        return format_html(
            '<a href="{}"><img src="{}" alt="{}"></a><br><a href="{}" rel="nofollow">{}</a>',
            *(image.get_absolute_url(), thumbnail_url(image), image),
            *(similar_url(image), _("Find similar")),
        )

    @display(description=_("pictures in it"))
    def panels(self, image: Image) -> str:
        """Return how many panels there are, who says so, and a link to correct them."""
        count = image.regions.filter(kind=Region.Kind.PANEL).count()
        drawn = gettext("drawn by a person") if image.drawn_panels is not None else ""
        said = " · ".join(filter(None, [str(count), drawn]))
        url = reverse("admin:catalog_image_panels", args=(image.pk,))
        link = '{} <a href="{}" class="underline">{}</a>'
        return format_html(link, said, url, gettext("Show and correct"))

    @display(description=_("who says the medium"), empty_value="")
    def medium_said_by(self, image: Image) -> str:
        """Return whether the medium is a suggestion, which saving another replaces."""
        if image.medium == Image.Medium.UNKNOWN:
            return ""
        is_suggested = image.is_medium_suggested
        return gettext("told from the picture") if is_suggested else gettext("a person")

    @display(description=_("further occurrences"))
    def elsewhere(self, image: Image) -> str:
        """Return where else the file was met, a line each: path, title, external id, source."""
        met = image.occurrences.values_list("path", "title", "external_id", "source")
        lines = ((" · ".join(filter(None, texts)),) for texts in met[:_MAX_OCCURRENCES])
        return format_html_join(mark_safe("<br>"), "{}", lines)  # a constant

    @display(description=_("error"), empty_value="")
    def problem(self, image: Image) -> str:
        """Return why the image could not be indexed."""
        return sentence(image.error_code) if image.error_code else ""

    @display(description=_("size"))
    def dimensions(self, image: Image) -> str:
        """Return width × height of the upright picture, in pixels, and the format."""
        return format_html(
            '<span class="whitespace-nowrap">{} × {}</span> {}',
            *(image.width, image.height, image.format.upper()),
        )

    @display(description=_("file size"))
    def file_size(self, image: Image) -> str:
        """Return the original's size for people."""
        return filesizeformat(image.file_bytes)

    @display(description=_("SHA-256"))
    def sha256_shown(self, image: Image) -> str:
        """Return the hash, which a narrow screen may break."""
        return breakable(image.sha256)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ImageList]:
        """Return the list that is also a grid."""
        return ImageList

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Let those export who may: it hands out many originals at once."""
        return bool(request.user.has_perm("catalog.export_image"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Image], search_term: str
    ) -> tuple[QuerySet[Image], bool]:
        """Return the images with these words, none of them twice."""
        return (matching(queryset, search_term) if search_term else queryset), False

    def get_urls(self) -> list[URLPattern]:
        """Add the page that panels are drawn on."""
        drawn = path(
            "<uuid:image_id>/panels/",
            self.admin_site.admin_view(panels),
            name="catalog_image_panels",
        )
        return [drawn, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Send to the upload form, which asks for the permission itself."""
        return redirect("ingestion:upload")

    def save_model(self, request: HttpRequest, obj: Image, form: ModelForm, *args: Any) -> None:
        """Save what a person says; a medium among it is no suggestion any more."""
        if "medium" in form.changed_data:
            obj.medium_suggested_at = None
        super().save_model(request, obj, form, *args)

    def save_related(self, request: HttpRequest, form: ModelForm, *args: Any) -> None:
        """Save tags and albums, and have the points follow what they carry."""
        super().save_related(request, form, *args)
        if PAYLOAD_FIELDS & set(form.changed_data):
            services.request_payload_update(Image.objects.filter(pk=form.instance.pk))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return the images alone: their regions go with them and need no permission."""
        return [str(image) for image in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        """Move the image to the bin."""
        services.move_to_bin(Image.objects.filter(pk=obj.pk), by_id=request.user.pk)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        """Say where it is now."""
        said = _("The image is in the bin: no search finds it. It can be restored from there.")
        self.message_user(request, said, messages.SUCCESS)
        return redirect("admin:catalog_image_changelist")
