"""Encoder versions for the catalogue's keepers: to look at."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.utils.formats import number_format
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from catalog.admin.cells import breakable
from catalog.models import EncoderVersion
from jobs.admin import ReadOnlyAdmin


@admin.register(EncoderVersion)
class EncoderVersionAdmin(ReadOnlyAdmin):
    """Which weights filled which collection; the workers decide it."""

    list_display = ("collection", "state_badge", "encoder", "choice", "dim", "reason", "created_at")
    fields = (
        *("collection", "state", "encoder", "choice", "reason", "weights", "weights_hash"),
        *("preprocessing_hash", "dim", "precision", "knows_words", "thresholds"),
        *("detector", "detector_reason", "detector_weights_hash", "created_at"),
    )

    @display(
        description=_("state"),
        ordering="state",
        label={EncoderVersion.State.BUILDING: "info", EncoderVersion.State.LIVE: "success"},
    )
    def state_badge(self, version: EncoderVersion) -> tuple[str, Any]:
        """Return the state and its name."""
        return version.state, version.get_state_display()

    @display(description=_("SHA-256 of the weights"))
    def weights_hash(self, version: EncoderVersion) -> str:
        """Return the hash, which a narrow screen may break."""
        return breakable(version.weights_sha256)

    @display(description=_("SHA-256 of the preprocessing"))
    def preprocessing_hash(self, version: EncoderVersion) -> str:
        """Return the hash, which a narrow screen may break."""
        return breakable(version.preprocessing_sha256)

    @display(description=_("SHA-256 of the detector's weights"), empty_value="")
    def detector_weights_hash(self, version: EncoderVersion) -> str:
        """Return the hash, which a narrow screen may break."""
        return breakable(version.detector_weights_sha256)

    @display(description=_("thresholds"))
    def thresholds(self, version: EncoderVersion) -> str:
        """Return a line for each precision that the calibration was asked for."""
        if version.calibration is None:
            return str(_("not calibrated"))
        lines = ((_threshold_line(point),) for point in version.calibration["thresholds"])
        return format_html_join(mark_safe("<br>"), "{}", lines)


def _threshold_line(point: Mapping[str, Any]) -> str:
    percent = f"{100 * point['asked_precision']:.4g}"  # 99.9% must not read as 100%
    asked = f"{number_format(percent)}%"
    if point["threshold"] is None:
        return str(_("%(precision)s right: no score is enough") % {"precision": asked})
    found = _("%(precision)s right: score %(score)s or more, finds %(recall).0f%%") % {
        "precision": asked,
        "score": number_format(f"{point['threshold']:.3f}"),
        "recall": 100 * point["recall"],
    }
    return str(found)
