"""Rows whose time is over go by themselves."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone

from api.models import KeptAnswer
from api.services import make_token
from worker_api.expiry import expire_rows

pytestmark = pytest.mark.django_db


def test_kept_answers_go_after_a_day_and_lost_requests_sooner() -> None:
    owner = User.objects.create_user("ann")
    token, _ = make_token(owner=owner, name="robot", scopes=[], expires_at=None)
    ages = {
        "old": (200, timedelta(hours=25)),
        "kept": (200, timedelta(hours=23)),
        "lost": (None, timedelta(minutes=11)),
        "under way": (None, timedelta(minutes=9)),
    }
    for key, (status, age) in ages.items():
        answer = KeptAnswer.objects.create(token=token, key=key, fingerprint="", status=status)
        KeptAnswer.objects.filter(pk=answer.pk).update(created_at=timezone.now() - age)

    assert expire_rows() == 2

    assert set(KeptAnswer.objects.values_list("key", flat=True)) == {"kept", "under way"}
    assert expire_rows() == 0


def test_log_ins_that_have_ended_go() -> None:
    now = timezone.now()
    for key, days in (("ended", -1), ("open", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=now + timedelta(days=days)
        )

    expire_rows()

    assert list(Session.objects.values_list("session_key", flat=True)) == ["open"]
