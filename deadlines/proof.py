"""The life of what one unit reports and another verifies: open → reported → verified, refused, reopened or dropped.

Every act moves the item by compare-and-set and settles its deadline in the same transaction. The verdict is that of the
moment at which the thing was done, as long as it was told in time; told later, it waits for the approval (补录).
Who verifies owes an answer as well: each report opens the verifier's own deadline (policy `verification`).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction

from core import attachments, civil, journal
from core.errors import Conflict, Forbidden, Invalid, NotFound
from deadlines import engine
from deadlines.models import Proven, Standing
from notices import outbox
from units import access

OPENING_LOCK = 0x57_59_4F_31
VERIFICATION = "verification"
BEFORE_SEASON = timedelta(days=400)  # nothing that counts for a season was done earlier than this before it was told


# ---------------------------------------------------------------- opening


def open_many(items: list[Proven]) -> list[Proven]:
    """Write items that are not there yet, and open the deadline of each that has a due moment. Those that were new.

    Idempotent under the item's own unique key; a constant number of statements. Deadlines open as of each item's
    `opened_at`, whenever this ran: no verdict depends on it.
    """
    if not items:
        return []
    model = type(items[0])
    with transaction.atomic():
        # `ignore_conflicts` gives no keys back: what is new lies above the last key, as long as one opens at a time.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [OPENING_LOCK])
        before = model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        model.objects.bulk_create(items, ignore_conflicts=True, batch_size=500)
        new = list(model.objects.filter(pk__gt=before).select_related("unit", "verifier"))
        open_deadlines(new)
        journal.record_many([journal.entry(item, "open", actor=None, at=item.opened_at, unit=item.unit.code) for item in new])
    return new


def open_deadlines(items: Iterable[Proven]) -> None:
    """Open the deadline of each item's present attempt; items without a due moment have none."""
    items = [item for item in items if item.due_at is not None]
    if items:
        limit = engine.limit(items[0].policy_code)
        engine.open_all([_draft(limit, item, at=item.opened_at) for item in items])


def deadlines_of(item: Proven):
    """The deadlines of the unit that owes an item, in the order in which they opened; the verifier's are not among them."""
    return engine.of(item).exclude(stage=VERIFICATION)


def _draft(limit, item: Proven, *, at: datetime):
    street = getattr(item, "street", None)
    return engine.draft(limit, item, item.unit, at=at, due_at=item.due_at, street=street, sequence=item.attempt)


# ---------------------------------------------------------------- asking


def may_report(user, item: Proven) -> bool:
    """Whether `user` may say for the owing unit that it is done."""
    return item.unit_id in access.unit_ids(user, access.HANDLE_TICKETS)


def may_verify(user, item: Proven) -> bool:
    """Whether `user` may verify: for the verifying unit, or for the district, but never for the unit that owes it."""
    if item.unit_id in access.unit_ids(user, access.HANDLE_TICKETS):
        return False
    return item.verifier_id in access.unit_ids(user, access.HANDLE_TICKETS) or access.everywhere(user, access.SUPERVISE)


def may_drop(user, item: Proven) -> bool:
    """Whether `user` may say that it is no longer asked for: for the district, and nobody excuses the own unit."""
    return access.everywhere(user, access.SUPERVISE) and not may_report(user, item)


# ---------------------------------------------------------------- acts


@transaction.atomic
def report(item: Proven, *, achieved_at: datetime | None = None, note: str = "", files=(), actor, at: datetime, **more) -> None:
    """The owing unit says that it is done, as of `achieved_at` (default: now), with what proves it.

    Told in time, or late of something done late: the deadline is settled as of `achieved_at`. Told after the due moment
    of something done before it, it needs evidence, and the verdict waits for the approval. `more`: further fields of the
    item to be written with it. Forbidden, Invalid (achieved_at, note, files), Conflict when somebody was first.
    """
    if actor is not None and not may_report(actor, item):
        raise Forbidden("只有责任单位可以报告")
    achieved = achieved_at or at
    if achieved > at:
        raise Invalid("完成时间不能晚于现在", field="achieved_at")
    if achieved < at - BEFORE_SEASON:
        raise Invalid("完成时间过早", field="achieved_at")
    is_retrospective = item.due_at is not None and achieved <= item.due_at < at
    kept = [attachments.store(file, item, actor=actor, at=at, field="files") for file in files]
    if is_retrospective and not (kept or attachments.of(item).exists()):
        raise Invalid("补录须附佐证材料", field="files")
    _move(
        item, (Standing.OPEN,), standing=Standing.REPORTED, achieved_at=achieved, reported_at=at, reported_by=actor, note=note,
        is_retrospective=is_retrospective, verified_at=None, verified_by=None, verdict_note="", **more,
    )  # fmt: skip
    if not is_retrospective:
        engine.settle(item, _stage(item), at=achieved)
    _ask_verifier(item, at=at)
    outbox.post(
        item.verifier, f"{'补录待批' if is_retrospective else '待核验'}：{item}", key=f"{item.journal_kind}:{item.pk}:{item.attempt}:reported", at=at,
        audience="workers", kind="verify", link=link_of(item), body=f"{item.unit} 报告已于 {civil.spoken(achieved)} 完成",
    )  # fmt: skip
    journal.record(
        item, "report", actor=actor, at=at, unit=item.unit.code, reason=note, achieved_at=achieved.isoformat(), retrospective=is_retrospective,
        files=[str(file.pk) for file in kept],
    )  # fmt: skip


@transaction.atomic
def approve(item: Proven, *, note: str = "", actor, at: datetime) -> None:
    """Another unit has looked and found it so. A retrospective report gets its verdict now, by when the thing was done."""
    _require_verifier(item, actor)
    _move(item, (Standing.REPORTED,), standing=Standing.VERIFIED, verified_at=at, verified_by=actor, verdict_note=note)
    if item.is_retrospective:
        engine.settle(item, _stage(item), at=item.achieved_at)
    engine.settle(item, VERIFICATION, at=at)
    journal.record(item, "approve", actor=actor, at=at, unit=item.verifier.code, reason=note)


@transaction.atomic
def refuse(item: Proven, *, reason: str, actor, at: datetime) -> None:
    """Not so: it is open again, under its old due moment. A deadline settled by the refused report keeps its verdict."""
    _require_verifier(item, actor)
    _again(item, (Standing.REPORTED,), "refuse", reason=reason, actor=actor, at=at)


@transaction.atomic
def reopen(item: Proven, *, reason: str, actor, at: datetime, due_at: datetime | None = None) -> None:
    """Verified, and it turned out otherwise: open again under the same number, due at `due_at` or as before."""
    _require_verifier(item, actor)
    _again(item, (Standing.VERIFIED,), "reopen", reason=reason, actor=actor, at=at, due_at=due_at)


@transaction.atomic
def drop(item: Proven, *, reason: str, actor, at: datetime) -> None:
    """No longer asked for, with the reason: stays in the list and in no denominator from now on (behaviour 13)."""
    if not reason.strip():
        raise Invalid("请写明不再要求的原因", field="reason")
    if actor is not None and not may_drop(actor, item):
        raise Forbidden("只有专班办公室可以撤销要求，且不能撤销本单位的")
    _move(item, (Standing.OPEN, Standing.REPORTED), standing=Standing.DROPPED, verdict_note=reason)
    engine.release(item, at=at)
    journal.record(item, "drop", actor=actor, at=at, unit=item.unit.code, reason=reason)


def decide(item: Proven, act: str, *, note: str, actor, at: datetime) -> None:
    """One of the verifier's acts by its name, as a door is asked for it: approve, refuse, reopen or drop. NotFound for any other."""
    acts = {"refuse": refuse, "reopen": reopen, "drop": drop}
    if act == "approve":
        approve(item, note=note, actor=actor, at=at)
    elif act in acts:
        acts[act](item, reason=note, actor=actor, at=at)
    else:
        raise NotFound


def link_of(item: Proven) -> str:
    """The address of an item's page."""
    return item.get_absolute_url() if hasattr(item, "get_absolute_url") else ""


def _again(item: Proven, standings, act: str, *, reason: str, actor, at: datetime, due_at: datetime | None = None) -> None:
    if not reason.strip():
        raise Invalid("请写明原因", field="reason")
    engine.settle(item, VERIFICATION, at=at)
    was_open = deadlines_of(item).filter(settled_at=None).exists()
    changes = {"due_at": due_at} if due_at else {}
    _move(
        item, standings, standing=Standing.OPEN, attempt=item.attempt + (0 if was_open else 1), achieved_at=None, reported_at=None, reported_by=None,
        is_retrospective=False, verified_at=None, verified_by=None, verdict_note=reason, **changes,
    )  # fmt: skip
    if not was_open and item.due_at is not None:
        engine.open_all([_draft(engine.limit(item.policy_code), item, at=at)])
    outbox.post(
        item.unit, f"{'核验未通过' if act == 'refuse' else '重新打开'}：{item}", key=f"{item.journal_kind}:{item.pk}:{at.isoformat()}:{act}", at=at,
        audience="doer", kind="refused", link=link_of(item), body=reason,
    )  # fmt: skip
    journal.record(item, act, actor=actor, at=at, unit=item.verifier.code, reason=reason)


def _ask_verifier(item: Proven, *, at: datetime) -> None:
    """A report waits for its answer no longer than the plan allows; a plan that says nothing of it asks nothing."""
    limit = engine.limits([VERIFICATION]).get(VERIFICATION)
    if limit is not None:
        round = engine.of(item).filter(stage=VERIFICATION).count() + 1
        engine.open_all([engine.draft(limit, item, item.verifier, at=at, round=round, sequence=item.attempt)])


def _require_verifier(item: Proven, actor) -> None:
    if actor is not None and (actor.pk == item.reported_by_id or not may_verify(actor, item)):
        raise Forbidden("须由另一单位核验")


def _move(item: Proven, standings, **changes) -> None:
    """Compare-and-set on standing and attempt; Conflict for whoever comes second."""
    found = type(item).objects.filter(pk=item.pk, standing__in=standings, attempt=item.attempt)
    if not found.update(**changes):
        raise Conflict("状态已变化，请刷新后再试")
    for name, value in changes.items():
        setattr(item, name, value)


def _stage(item: Proven) -> str:
    return engine.limit(item.policy_code).policy.stage
