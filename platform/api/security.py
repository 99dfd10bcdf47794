"""Who asks the API, and whether they may.

Cookies count for nothing here, so that no other site can have a browser ask in somebody's name: who
sends no token is a visitor (docs/adr/0044).
"""

from dataclasses import dataclass
from typing import Annotated, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from pydantic import Field

from api.models import ApiToken
from api.selectors import get_token
from api.services import note_use
from audit_log import services as audit_log
from catalog.visibility import Viewer
from kernel.errors import UserInputError
from site_http.limits import Limited, limit_by_token, take

Scope = ApiToken.Scope
_SCHEME: Final = "bearer"
# What a number in an address may be, so that databases have it.
RowId = Annotated[int, Field(ge=0, le=2**31 - 1)]


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """Who asks: a token's owner, or a visitor without any."""

    viewer: Viewer
    token: ApiToken | None = None

    @property
    def account_id(self) -> int | None:
        """The owner's, for what is written of who did something."""
        return None if self.token is None else self.token.owner_id


def identify(request: HttpRequest) -> ApiCaller:
    """Return who asks.

    Raises:
        UserInputError: "token:user:…": the token counts no more, or the header holds none.
    """
    header = request.headers.get("Authorization", "")
    if not header:
        return ApiCaller(AnonymousUser())
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != _SCHEME or not secret.strip():
        raise UserInputError("token:user:missing")
    try:
        token = get_token(secret.strip())
    except UserInputError as error:
        if error.code == "token:user:unknown":
            # Nobody guesses 256 bits; who tries shall at least not keep the database busy.
            take(request, Limited.UNKNOWN_TOKENS)
        raise
    note_use(token)
    audit_log.name_token(token.name)
    limit_by_token(request, token.pk)
    return ApiCaller(token.owner, token)


@dataclass(frozen=True, slots=True)
class Needs:
    """What an endpoint asks of its callers: a scope of the token, and permissions of its owner.

    Attributes:
        scope: that the token has to have.
        permission: that its owner has to have at that moment; "" is none.
        admits_visitors: whether visitors may as well, unless SEARCH_REQUIRES_LOGIN.
        is_of_admin: whether the site offers it in its admin alone, to staff.
    """

    scope: ApiToken.Scope
    permission: str = ""
    admits_visitors: bool = False
    is_of_admin: bool = False

    def __call__(self, request: HttpRequest) -> ApiCaller:
        """Return who asks; `request.user` is that person from here on.

        Raises:
            UserInputError: "token:user:…": they may not.
        """
        caller = identify(request)
        request.user = caller.viewer
        if caller.token is None:
            if not self.admits_visitors or settings.SEARCH_REQUIRES_LOGIN:
                raise UserInputError("token:user:missing")
            return caller
        if self.scope not in caller.token.scopes:
            raise UserInputError("token:user:no-scope", scope=self.scope.value)
        self.check_permission(caller.viewer, self.permission)
        return caller

    def check_permission(self, viewer: Viewer, permission: str) -> None:
        """Refuse an account that may not.

        Raises:
            UserInputError: "token:user:no-permission".
        """
        may = viewer.has_perm(permission) if permission else True
        if not may or (self.is_of_admin and not getattr(viewer, "is_staff", False)):
            raise UserInputError("token:user:no-permission")
