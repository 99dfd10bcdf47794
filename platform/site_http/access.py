"""Who may look at pictures, and who may add them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

View = Callable[..., HttpResponse]

# The address of `config.urls`. The admin's own login refuses people who are not staff.
LOGIN = "login"


def searchers_only(view: View) -> View:
    """Let everybody in, or only who is logged in where SEARCH_REQUIRES_LOGIN says so."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.SEARCH_REQUIRES_LOGIN and not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), LOGIN)
        return view(request, *args, **kwargs)

    return guarded


def accounts_only(view: View) -> View:
    """Let in who is logged in; others are asked to log in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), LOGIN)
        return view(request, *args, **kwargs)

    return guarded


def account_of(request: HttpRequest) -> User:
    """Return who is logged in; behind `accounts_only` somebody is.

    Raises:
        PermissionDenied: nobody is.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def adders_only(view: View) -> View:
    """Let in who may add images; others are asked to log in, or refused with 403."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), LOGIN)
        if not request.user.has_perm("catalog.add_image"):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded
