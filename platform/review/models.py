"""What people have decided about pairs of pictures."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import EncoderVersion, Image


class Decision(models.Model):
    """What a person says an image of the catalogue is to a picture that was asked with.

    One a pair and person: deciding again replaces it, and the audit log has what it was. With it
    stands what the person was shown, and by which encoder and calibration, so that verdicts can be
    judged by decisions long after. ``query_image`` is the asked picture where the catalogue has it;
    of any other the file is kept (`review.query_pictures`). Boxes are "x0,y0,x1,y1" in pixels of
    the upright picture, "" where it is all of it; of the image a box is a panel's.
    """

    class Judgement(models.TextChoices):
        # The values are those that training reads (`ml.training.data.sources`).
        COPY = "copy", _("copy")
        SAME_SUBJECT = "same_subject", _("same subject")
        DIFFERENT = "different", _("different")

    query_sha256 = models.CharField(_("SHA-256 of the asked picture"), max_length=64)
    query_image = models.ForeignKey(
        Image,
        null=True,
        on_delete=models.CASCADE,
        related_name="decisions_asked_with",
        verbose_name=_("asked picture"),
    )
    query_box = models.CharField(_("part asked with"), max_length=43, blank=True)
    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="decisions", verbose_name=_("image found")
    )
    image_box = models.CharField(_("panel found"), max_length=43, blank=True)
    judgement = models.CharField(_("decision"), max_length=12, choices=Judgement)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"))
    shown_verdict = models.CharField(_("verdict shown"), max_length=20)
    score = models.FloatField(_("score"), null=True)
    probability = models.FloatField(_("probability shown"), null=True)
    encoder_version = models.ForeignKey(
        EncoderVersion,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("encoder version"),
    )
    calibration_sha256 = models.CharField(
        _("SHA-256 of the calibration"), max_length=64, blank=True
    )

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        # A person may change their own by deciding again.
        default_permissions = ("add", "view", "delete")
        ordering = ("-decided_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("query_sha256", "query_box", "image", "decided_by"),
                name="decision_one_a_pair_and_person",
            ),
        )
        indexes = (models.Index(fields=("-decided_at", "-id"), name="decision_newest_first"),)

    def __str__(self) -> str:
        return f"{self.query_sha256[:12]} · {self.image_id}"
