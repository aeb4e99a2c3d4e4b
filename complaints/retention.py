"""What is forgotten, and when (S12; PIPL 19, 47): a ticket closed long ago no longer knows who complained, where they live, or what they wrote.

Its clocks, verdicts, categories, community and building stay: the season's figures do not change by it.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from complaints.models import ImportFault, State, Ticket
from core import attachments, civil, journal
from notices import residents

FORGOTTEN = "（已过保存期限，内容已清除）"
AT_ONCE = 500
FAULTY_ROWS_KEPT = timedelta(days=30)


def due(at: datetime) -> QuerySet[Ticket]:
    """Closed or void tickets that have outlived RETENTION_MONTHS, oldest first."""
    before = civil.months_before(at, settings.RETENTION_MONTHS)
    ended = Q(closed_at=None) | Q(closed_at__lt=before)  # a void one has no moment of closing
    return Ticket.objects.filter(ended, anonymised_at=None, state__in=(State.CLOSED, State.VOID), ingested_at__lt=before).order_by("ingested_at")


def due_rows(at: datetime) -> QuerySet[ImportFault]:
    """Wrong rows of files whose import ended a month ago, with what they held."""
    return ImportFault.objects.filter(job__finished_at__lt=at - FAULTY_ROWS_KEPT).exclude(cells="")


def generate(*, at: datetime) -> None:
    """Forget what is due, some at a time."""
    forget(at=at)
    due_rows(at).update(cells="")


@transaction.atomic
def forget(*, at: datetime, most: int = AT_ONCE) -> int:
    """Forget who stands behind the oldest tickets that are due; how many. The files of their photos go with them."""
    tickets = list(due(at).select_for_update(skip_locked=True).only("pk", "number", "state", "category")[:most])
    if not tickets:
        return 0
    ids, numbers = [ticket.pk for ticket in tickets], [ticket.number for ticket in tickets]
    Ticket.objects.filter(pk__in=ids).update(
        complainant_name="", complainant_phone="", complainant_email="", other_contacts="", phone_index="", address="", content=FORGOTTEN, content_original="",
        title=FORGOTTEN, extra={}, suggestion={}, anonymised_at=at,
    )  # fmt: skip
    with connection.cursor() as cursor:  # the history of rows holds titles
        cursor.execute("UPDATE complaints_ticketevent SET title = %s WHERE pgh_obj_id = ANY(%s)", [FORGOTTEN, ids])
    attachments.forget("ticket", numbers)
    residents.forget(before=civil.months_before(at, settings.RETENTION_MONTHS))
    journal.record_many([journal.entry(ticket, "anonymise", actor=None, at=at, months=settings.RETENTION_MONTHS) for ticket in tickets])
    return len(tickets)
