"""What one unit reports and another verifies: verdicts by when it was done, told in time or made good afterwards."""

import io
from datetime import datetime
from threading import Barrier, Thread

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image

from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine, proof
from deadlines import season as seasons
from deadlines.models import Escalation, Obligation, Standing
from tests.story import DAY, HOUR, MINUTE, NOON, tick, unit, user

pytestmark = pytest.mark.django_db
DUE = NOON + DAY


def owed(title: str = "安全事故应急预案", *, due_at: datetime | None = DUE, opened_at: datetime = NOON, period: str = "t") -> Obligation:
    """A document that the first heating company owes, verified by the bureau; not yet written."""
    return Obligation(
        season=seasons.active(NOON), unit=unit("demo-heating-1"), verifier=unit("urban-management"), opened_at=opened_at, due_at=due_at, clause="T1",
        title=title, period=period,
    )  # fmt: skip


def paper() -> SimpleUploadedFile:
    """A photo of a document."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return SimpleUploadedFile("预案.png", out.getvalue(), "image/png")


@pytest.fixture
def item() -> Obligation:
    """One that is open, with its deadline."""
    return proof.open_many([owed()])[0]


def verdict(item: Obligation) -> list[str]:
    """The outcomes of its deadlines, attempt by attempt."""
    return [one.outcome for one in proof.deadlines_of(item).order_by("sequence")]


def test_opening_twice_is_opening_once(item):
    assert proof.open_many([owed()]) == []
    assert Obligation.objects.filter(clause="T1").count() == 1 and proof.deadlines_of(item).count() == 1


def test_done_and_told_in_time_is_met_and_another_unit_verifies(item):
    proof.report(item, achieved_at=NOON + HOUR, note="已修订", actor=user("heating1"), at=NOON + 2 * HOUR)
    assert (item.standing, verdict(item), item.is_late(DUE + DAY)) == (Standing.REPORTED, ["met"], False)
    with pytest.raises(Forbidden):
        proof.approve(item, actor=user("heating1"), at=NOON + 3 * HOUR)
    proof.approve(item, note="属实", actor=user("bureau"), at=NOON + 3 * HOUR)
    item.refresh_from_db()
    assert (item.standing, item.achieved_at, item.reported_at, item.verified_at) == ("verified", NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR)


def test_exactly_at_the_due_moment_is_on_time_and_a_second_later_is_late():
    on_time, late = proof.open_many([owed("甲"), owed("乙")])
    proof.report(on_time, achieved_at=DUE, actor=user("heating1"), at=DUE)
    proof.report(late, achieved_at=DUE + MINUTE / 60, actor=user("heating1"), at=DUE + MINUTE)
    assert (verdict(on_time), on_time.is_late(DUE)) == (["met"], False)
    assert (verdict(late), late.is_late(DUE + MINUTE)) == (["late"], True)


def test_done_in_time_and_told_afterwards_needs_evidence_and_its_verdict_waits_for_the_approval(item):
    with pytest.raises(Invalid) as refused:
        proof.report(item, achieved_at=DUE - HOUR, actor=user("heating1"), at=DUE + DAY)
    assert "files" in refused.value.fields
    proof.report(item, achieved_at=DUE - HOUR, files=[paper()], actor=user("heating1"), at=DUE + DAY)
    assert (item.is_retrospective, verdict(item), item.is_late(DUE + DAY)) == (True, [""], True)
    proof.approve(item, actor=user("bureau"), at=DUE + 2 * DAY)
    assert (verdict(item), item.is_late(DUE + 3 * DAY)) == (["met"], False)


def test_a_refused_report_keeps_its_verdict_and_the_next_attempt_runs_under_the_old_due_moment(item):
    proof.report(item, achieved_at=NOON + HOUR, actor=user("heating1"), at=NOON + HOUR)
    with pytest.raises(Invalid):
        proof.refuse(item, reason=" ", actor=user("bureau"), at=DUE + HOUR)
    proof.refuse(item, reason="缺演练记录", actor=user("bureau"), at=DUE + HOUR)
    assert (item.standing, item.attempt, verdict(item), item.is_late(DUE + HOUR)) == ("open", 2, ["met", ""], True)
    tick(DUE + HOUR)
    assert Escalation.objects.filter(deadline__in=proof.deadlines_of(item)).count() == 1
    proof.report(item, actor=user("heating1"), at=DUE + 2 * HOUR)
    assert verdict(item) == ["met", "late"]


def test_a_refused_retrospective_report_leaves_the_first_deadline_open(item):
    proof.report(item, achieved_at=DUE - HOUR, files=[paper()], actor=user("heating1"), at=DUE + DAY)
    proof.refuse(item, reason="照片与锅炉不符", actor=user("bureau"), at=DUE + 2 * DAY)
    assert (item.attempt, verdict(item), item.standing) == (1, [""], "open")


def test_what_was_verified_may_be_reopened_under_a_new_due_moment(item):
    proof.report(item, actor=user("heating1"), at=NOON + HOUR)
    proof.approve(item, actor=user("bureau"), at=NOON + 2 * HOUR)
    proof.reopen(item, reason="复查发现失效", due_at=DUE + 5 * DAY, actor=user("bureau"), at=DUE + DAY)
    assert (item.standing, item.attempt, item.is_late(DUE + 2 * DAY)) == ("open", 2, False)
    assert engine.open_of(item).get().due_at == DUE + 5 * DAY


def test_what_is_no_longer_asked_for_ends_neutral_with_its_reason(item):
    with pytest.raises(Forbidden):
        proof.drop(item, reason="不需要", actor=user("heating1"), at=NOON + HOUR)
    with pytest.raises(Invalid):
        proof.drop(item, reason="", actor=user("bureau"), at=NOON + HOUR)
    proof.drop(item, reason="企业已退出", actor=user("bureau"), at=NOON + HOUR)
    assert (item.standing, verdict(item), item.is_late(DUE + DAY)) == ("dropped", ["neutral"], False)


def test_nobody_reports_for_another_and_nothing_is_done_in_the_future(item):
    with pytest.raises(Forbidden):
        proof.report(item, actor=user("heating2"), at=NOON)
    for moment in (NOON + MINUTE, NOON - 1000 * DAY):
        with pytest.raises(Invalid) as refused:
            proof.report(item, achieved_at=moment, actor=user("heating1"), at=NOON)
        assert "achieved_at" in refused.value.fields


def test_who_comes_second_is_told_so(item):
    stale = Obligation.objects.get(pk=item.pk)
    proof.report(item, actor=user("heating1"), at=NOON + HOUR)
    with pytest.raises(Conflict):
        proof.report(stale, actor=user("heating1"), at=NOON + HOUR)
    assert verdict(item) == ["met"]


@pytest.mark.django_db(transaction=True)
def test_four_who_open_the_same_at_once_open_it_once():
    start, faults = Barrier(4), []

    def open_them():
        try:
            start.wait()
            proof.open_many([owed(f"文件{number}", period="race") for number in range(20)])
        except Exception as fault:  # told below, by the thread that looks
            faults.append(fault)
        finally:
            connection.close()

    threads = [Thread(target=open_them) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    items = list(Obligation.objects.filter(period="race"))
    assert not faults and len(items) == 20
    assert all(proof.deadlines_of(one).count() == 1 for one in items)
