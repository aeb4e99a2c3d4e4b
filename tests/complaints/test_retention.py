"""A ticket closed two winters ago no longer knows who complained; its figures stay (S12)."""

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection

from complaints import retention
from complaints.models import Ticket
from core import attachments, civil, journal
from core.models import Attachment
from notices.models import Message
from oversight import statistics
from tests.story import DAY, HOUR, MINUTE, NOON, arrive, browser, dispatched, finish, respond, user

pytestmark = [pytest.mark.django_db, pytest.mark.guard("S12")]
WORDS = "我是张伟，13912345678，家里不热，3 号楼 2 单元 302"


@pytest.fixture
def closed(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    ticket = dispatched(content=WORDS, complainant_name="张伟", complainant_phone="13912345678", address="3号楼2单元302")
    respond(ticket, NOON + MINUTE)
    arrive(ticket, NOON + 20 * MINUTE)
    finish(ticket, NOON + HOUR)
    attachments.store(SimpleUploadedFile("家.pdf", b"%PDF-1.4 x", "application/pdf"), ticket, actor=None, at=NOON)
    Ticket.objects.filter(pk=ticket.pk).update(state="closed", closed_at=NOON + DAY)
    ticket.refresh_from_db()
    return ticket


def figures(at):
    since = NOON - DAY
    return statistics.rates(user("bureau"), since=since, until=at, at=at), statistics.received(user("bureau"), since=since, until=at)


def test_two_years_after_it_was_closed_a_ticket_forgets_who_and_where_and_keeps_every_figure(closed, django_capture_on_commit_callbacks):
    later = civil.months_before(NOON + DAY, -24)
    file = Path(attachments.settings.MEDIA_ROOT) / Attachment.objects.get().path
    assert file.exists() and figures(NOON + 2 * DAY)
    before = figures(NOON + 2 * DAY)
    retention.generate(at=later - timedelta(seconds=1))
    assert Ticket.objects.get(pk=closed.pk).complainant_name == "张伟"
    with django_capture_on_commit_callbacks(execute=True):
        retention.generate(at=later + timedelta(seconds=1))
    ticket = Ticket.objects.get(pk=closed.pk)
    assert (ticket.complainant_name, ticket.complainant_phone, ticket.phone_index, ticket.address, ticket.content_original) == ("", "", "", "", "")
    assert ticket.content == ticket.title == retention.FORGOTTEN and ticket.anonymised_at and ticket.community_id and ticket.number == closed.number
    assert not file.exists() and not Attachment.objects.exists()
    assert figures(NOON + 2 * DAY) == before
    assert journal.of(ticket).filter(act="anonymise").count() == 1
    with connection.cursor() as cursor:  # no row of any table has kept the words
        cursor.execute("SELECT count(*) FROM complaints_ticketevent WHERE title LIKE '%%不热%%'")
        assert cursor.fetchone() == (0,)
    page = browser("bureau").get(f"/tickets/{ticket.number}/")
    assert page.status_code == 200 and "内容已清除" in page.content.decode()
    assert retention.forget(at=later + DAY) == 0


def test_what_is_open_or_young_or_somebody_elses_is_not_touched(closed):
    open_one = dispatched(external_no="R2")
    assert not retention.due(NOON + 400 * DAY).filter(pk=open_one.pk).exists()
    late = civil.months_before(NOON + 2 * DAY, -24)
    assert list(retention.due(late)) == [closed]
    Ticket.objects.filter(pk=open_one.pk).update(state="void")
    assert set(retention.due(late + 2 * DAY)) == {closed, open_one}, "作废的没有销号时间，按来件时间算"


def test_the_command_says_what_is_due_and_does_it_only_when_told(closed, monkeypatch):
    monkeypatch.setattr("core.clock.now", lambda: civil.months_before(NOON + 3 * DAY, -24))
    out = StringIO()
    call_command("retention", stdout=out)
    assert "工单 1 件" in out.getvalue() and Ticket.objects.get(pk=closed.pk).anonymised_at is None
    call_command("retention", "--run", stdout=out)
    assert "已匿名化 1 件" in out.getvalue() and Ticket.objects.get(pk=closed.pk).anonymised_at


def test_messages_to_residents_lose_number_and_words(closed, settings):
    from notices import residents

    settings.SMS_URL = "http://127.0.0.1:1/"
    assert residents.say("13912345678", "您的诉求已受理", key="x", at=NOON)
    Message.objects.filter(key="r:x").update(next_attempt_at=None, sent_at=NOON)
    retention.forget(at=civil.months_before(NOON + 3 * DAY, -24))
    kept = Message.objects.get(key="r:x")
    assert (kept.to, kept.body) == ("", "")


@pytest.mark.parametrize(("moment", "months", "said"), [("2025-03-31", 1, "2025-02-28"), ("2025-11-14", 24, "2023-11-14"), ("2024-02-29", 12, "2023-02-28"), ("2025-01-15", 1, "2024-12-15")])
def test_months_are_the_calendars(moment, months, said):
    start = datetime.fromisoformat(moment).replace(hour=12, tzinfo=civil.SHANGHAI)
    assert civil.months_before(start, months).date().isoformat() == said
