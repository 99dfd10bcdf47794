"""How a person wants to be told of copies."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from catalog.models import max_chars
from kernel.errors import UserInputError
from kernel.messages import sentence
from watches import mail
from watches.models import Rung, Watch, Webhook
from watches.services import Wishes, check_webhook


class WatchForm(forms.Form):
    """From which rung up, and by which ways."""

    rung = forms.ChoiceField(
        label=_("Tell me of"),
        choices=[
            (Rung.NEAR_IDENTICAL, _("the same picture, saved again or resized")),
            (Rung.EDITED_COPY, _("edited copies, too: cropped, captioned, in a collage")),
            (Rung.SHARED_DESIGN, _("the same design or object, too")),
            (Rung.SAME_SUBJECT, _("pictures of the same subject, too")),
        ],
        widget=forms.RadioSelect,
        initial=Rung.EDITED_COPY,
    )
    by_mail = forms.BooleanField(label=_("Send me an e-mail"), required=False)
    url = forms.CharField(
        label=_("Call a webhook"),
        required=False,
        max_length=max_chars(Webhook, "url"),
        widget=forms.URLInput(attrs={"placeholder": "https://…", "autocomplete": "off"}),
        help_text=_("An address that is sent what was found, as JSON, signed with a secret."),
    )

    def __init__(self, owner: User, *args: Any, **kwargs: Any) -> None:
        """Ask an account; e-mails can be chosen only where they can be sent."""
        super().__init__(*args, **kwargs)
        field = self.fields["by_mail"]
        if not mail.is_configured():
            field.disabled = True
            field.help_text = _("This site sends no e-mails: its keeper has named no mail server.")
        elif not mail.is_possible_for(owner):
            field.disabled = True
            field.help_text = _("Your account has no e-mail address; a superuser can add one.")
        else:
            field.help_text = _("One for all that is found at a time, to {address}.").format(
                address=owner.email
            )

    def clean_url(self) -> str:
        """Refuse what is no address of the web."""
        url: str = self.cleaned_data["url"]
        try:
            check_webhook(url)
        except UserInputError as error:
            raise forms.ValidationError(sentence(error.code, **error.context)) from error
        return url

    def wishes(self) -> Wishes:
        """Return what a valid form says."""
        said = self.cleaned_data
        return Wishes(
            rung=Rung(said["rung"]),
            by_mail=said["by_mail"],
            url=said["url"],
            language=get_language() or "en",
        )


def said_by(watch: Watch) -> dict[str, Any]:
    """Return what the form shows of a watch."""
    hook = Webhook.objects.filter(watch=watch).first()
    url = "" if hook is None else hook.url
    return {"rung": watch.rung, "by_mail": watch.by_mail, "url": url}
