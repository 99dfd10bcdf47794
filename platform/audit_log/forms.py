"""Forms that were read before somebody else changed their row: saving one would undo that."""

import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.forms import ModelForm
from django.utils import translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

_NAME = "_read_state"


class StaleFormCheck(ModelForm):
    """Refuses values that were read from another state of the row than the one that is there now.

    A form sends back what `read_state` was when it was shown; one that does not is not checked.
    """

    @property
    def read_state(self) -> str:
        """What the row held when the form was first shown, told by a digest."""
        return str(self.data.get(_NAME) or self._state())

    def clean(self) -> Any:
        """Compare."""
        cleaned = super().clean()
        sent = self.data.get(_NAME)
        is_new = self.instance._state.adding
        if sent is not None and not is_new and not constant_time_compare(sent, self._state()):
            raise forms.ValidationError(
                _(
                    "Somebody has changed it since this page was loaded. Saving would undo that: "
                    "load the page again, and change it there."
                ),
                code="stale",
            )
        return cleaned

    def _state(self) -> str:
        with translation.override(settings.LANGUAGE_CODE):  # of names of permissions
            values = {
                name: as_json(self.get_initial_for_field(field, name))
                for name, field in self.fields.items()
            }
        return salted_hmac(_NAME, json.dumps(values, sort_keys=True)).hexdigest()


def as_json(value: Any) -> Any:
    """Return a form's value as JSON; of rows it is their names, in order."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Iterable):
        return sorted(map(str, value))
    return str(value)
