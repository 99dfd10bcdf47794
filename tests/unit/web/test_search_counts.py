"""How many searches there were: counted in memory, written by the minute, read by the hour."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from search.counts import SEARCHES, SearchCounter, count_searches_of_last_day
from search.models import SearchCount

pytestmark = pytest.mark.django_db


def test_searches_are_counted_and_written_together(client, worker):
    SEARCHES.write()  # of tests before
    before = count_searches_of_last_day()
    for _ in range(3):
        client.post("/", {})  # asks for nothing, and is a search that failed

    assert count_searches_of_last_day() == before
    SEARCHES.write()
    assert count_searches_of_last_day() == before + 3
    with CaptureQueriesContext(connection) as captured:
        SEARCHES.write()
    assert len(captured) == 0


def test_a_page_that_asks_nothing_is_no_search(client):
    SEARCHES.write()
    client.get("/")

    SEARCHES.write()
    assert SearchCount.objects.count() == 0


def test_counts_of_an_hour_add_up_and_those_of_long_ago_go():
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for days in (2, 30, 32):
        SearchCount.objects.create(hour=hour - timedelta(days=days), searches=100)
    first, second = SearchCounter(), SearchCounter()
    for counter in (first, second, first, second, second):
        counter.add()

    first.write()
    second.write()

    assert count_searches_of_last_day() == 5
    assert sorted(SearchCount.objects.values_list("searches", flat=True)) == [5, 100, 100]


def test_what_cannot_be_written_is_written_later(monkeypatch):
    counter = SearchCounter()
    counter.add()
    with monkeypatch.context() as broken:
        broken.setattr(SearchCount._meta, "db_table", "search_nowhere")
        counter.write()

    counter.add()
    counter.write()

    assert count_searches_of_last_day() == 2


@pytest.mark.django_db(transaction=True)
def test_a_thread_writes_them(settings):
    settings.SEARCHES_WRITTEN_EVERY_S = 0.01
    counter = SearchCounter()
    counter.add()
    counter.add()

    deadline = timezone.now() + timedelta(seconds=20)
    while count_searches_of_last_day() < 2 and timezone.now() < deadline:
        time.sleep(0.01)

    assert count_searches_of_last_day() == 2


def test_the_dashboard_tells_of_the_last_day(admin_client):
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for hours, searches in ((0, 1), (23, 20), (25, 300)):
        SearchCount.objects.create(hour=hour - timedelta(hours=hours), searches=searches)

    figures = admin_client.get("/admin/").context["figures"]

    assert {each.title: each.value for each in figures}["searches in 24 hours"] == "21"
