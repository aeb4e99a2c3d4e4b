"""The life of a ticket after intake: dispatch → respond → arrive → finish → call back, and round again when it did not help.

Every act is one transaction: the state changes by compare-and-set, the clocks it settles get their verdict, what
others must know is posted, and the journal is written, last. Whoever loses a race gets a Conflict.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from complaints import clocks, rulebook, situations
from complaints.clocks import ASSIST, CALLBACK, CITY, DISPATCH, DOER_STAGES, RESPONSE, RULING, VISIT
from complaints.models import (
    Appointment,
    Assignment,
    Callback,
    Evidence,
    Finish,
    Part,
    Return,
    State,
    Ticket,
)
from complaints.residents import messaging
from core import civil, journal
from core.errors import Conflict, Invalid
from core.models import Attachment
from deadlines import engine
from notices import outbox
from notices.models import Notice
from plants import temperatures
from plants.models import Community
from plants.temperatures import Reading
from units import access
from units.models import Unit

# What is legal, and what buttons a page shows: act → state → new state.
MOVES = {
    "dispatch": {State.RECEIVED: State.DISPATCHED},
    "respond": {State.DISPATCHED: State.RESPONDED},
    "arrive": {State.RESPONDED: State.ARRIVED, State.ARRIVED: State.ARRIVED},
    "finish": {State.ARRIVED: State.FINISHED, State.RESPONDED: State.FINISHED},
    "progress": {State.RESPONDED: State.RESPONDED, State.ARRIVED: State.ARRIVED, State.FINISHED: State.FINISHED},
    "result": {State.FINISHED: State.CLOSED},
    "appointment": {State.DISPATCHED: State.DISPATCHED, State.RESPONDED: State.RESPONDED, State.ARRIVED: State.ARRIVED},
    "return": {State.DISPATCHED: State.DISPATCHED, State.RESPONDED: State.RESPONDED, State.ARRIVED: State.ARRIVED},
    "transfer": {
        State.DISPATCHED: State.DISPATCHED,
        State.RESPONDED: State.DISPATCHED,
        State.ARRIVED: State.DISPATCHED,
        State.FINISHED: State.DISPATCHED,
    },
    "nudge": {state: state for state in (State.DISPATCHED, State.RESPONDED, State.ARRIVED, State.FINISHED)},
    "withdraw": dict.fromkeys((State.RECEIVED, State.DISPATCHED, State.RESPONDED, State.ARRIVED, State.FINISHED), State.CLOSED),
    "void": dict.fromkeys((State.RECEIVED, State.DISPATCHED, State.RESPONDED, State.ARRIVED, State.FINISHED), State.VOID),
}

CONTACTS = {"phone": "电话", "message": "短信或站内信", "in_person": "当面"}


@dataclass(frozen=True)
class Arrival:
    """Proof of being at the door: its kind, a note, a photo already stored, and the device's own time if it came late."""

    kind: str
    note: str = ""
    attachment: Attachment | None = None
    nobody_home: bool = False
    device_time: datetime | None = None


@dataclass
class Dispatch:
    """A dispatch as decided: category, lead, doer, assists with a task of their own, and units that watch."""

    category: str
    lead: Unit
    doer: Unit
    assists: list[Unit] = field(default_factory=list)
    watches: list[Unit] = field(default_factory=list)
    community: Community | None = None
    street: Unit | None = None
    note: str = ""
    clause: str = ""


# ---------------------------------------------------------------- dispatch


@transaction.atomic
def dispatch(ticket: Ticket, order: Dispatch, *, actor, at: datetime) -> None:
    """The ticket goes to its lead, doer and assists 交办; response, visit and callback run from now (D18.1–D18.6).

    Conflict unless it waits for dispatch.
    """
    book = rulebook.current(at)
    place_before = ticket.community_id
    changes = {"category": order.category, "lead": order.lead, "doer": order.doer, "delivered_at": at}
    changes["dispatched_at"] = ticket.dispatched_at or at
    if order.community is not None:
        changes["community"] = order.community
    if order.street is not None:
        changes["street"] = order.street
    _move(ticket, "dispatch", **changes)
    engine.settle(ticket, DISPATCH, at=at)
    parts = parts_of(ticket, order, at=at)
    Assignment.objects.bulk_create(parts)
    engine.open_all(opening_clocks(ticket, parts, book, engine.limits(), at=at))
    clocks.refresh(ticket)
    outbox.post_many(dispatch_notices(ticket, parts, at=at))
    messaging.tell(ticket, "dispatched", at=at)
    joined = situations.attach([ticket], at=at) if ticket.community_id != place_before else []
    journal.record_many([dispatch_entry(ticket, order, actor=actor, at=at), *joined])


def parts_of(ticket: Ticket, order: Dispatch, *, at: datetime) -> list[Assignment]:
    """The parts that a dispatch gives to units."""
    taken = {order.lead.pk, order.doer.pk}
    parts = [
        Assignment(ticket=ticket, unit=order.lead, part=Part.LEAD, since=at),
        Assignment(ticket=ticket, unit=order.doer, part=Part.DOER, since=at, segment=ticket.segment),
    ]
    for part, units in ((Part.ASSIST, order.assists), (Part.WATCH, order.watches)):
        for unit in units:
            if unit.pk not in taken:
                taken.add(unit.pk)
                parts.append(Assignment(ticket=ticket, unit=unit, part=part, since=at))
    return parts


def opening_clocks(ticket: Ticket, parts: list[Assignment], book, limits: dict, *, at: datetime) -> list:
    """Every clock that a dispatch starts."""
    return [
        *clocks.of_doer(ticket, ticket.doer, book, limits, at=at),
        *clocks.of_city(ticket, ticket.lead, limits, at=at),
        *clocks.of_assists(ticket, parts, limits, at=at),
    ]


def dispatch_notices(ticket: Ticket, parts: list[Assignment], *, at: datetime) -> list[Notice]:
    """What each unit is told of its part: one message a unit."""
    told = {}
    for part in parts:
        told.setdefault(part.unit_id, []).append(Part(part.part).label)
    return [
        Notice(
            key=f"dispatch:{ticket.pk}:{ticket.round}:{ticket.segment}:{unit_id}", unit_id=unit_id, audience="workers", kind="dispatch",
            subject=f"新交办（{'、'.join(labels)}）：{ticket.number} {ticket.open_title}"[:160], link=f"/tickets/{ticket.number}/", created_at=at,
        )
        for unit_id, labels in told.items()
    ]  # fmt: skip


def dispatch_entry(ticket: Ticket, order: Dispatch, *, actor, at: datetime):
    """The journal entry of a dispatch."""
    return journal.entry(
        ticket, "dispatch", actor=actor, at=at, unit=unit_of(actor), reason=order.note,
        category=order.category, clause=order.clause, lead=order.lead.code, doer=order.doer.code,
        assists=[unit.code for unit in order.assists], watches=[unit.code for unit in order.watches],
        delivered_at=at.isoformat(),
    )  # fmt: skip


# ---------------------------------------------------------------- the doer's acts


@transaction.atomic
def respond(ticket: Ticket, *, channel: str, note: str = "", actor, at: datetime) -> None:
    """Somebody of the doer has spoken with the caller 响应; settles the 15 minutes. An automatic receipt is no response (G25)."""
    if channel not in CONTACTS:
        raise Invalid("请选择联系方式：电话、短信或站内信、当面", field="channel")
    _move(ticket, "respond")
    engine.settle(ticket, RESPONSE, at=at, round=ticket.round, segment=ticket.segment)
    clocks.refresh(ticket)
    journal.record(ticket, "respond", actor=actor, at=at, unit=ticket.doer.code, reason=note, channel=channel)


@transaction.atomic
def arrive(ticket: Ticket, arrival: Arrival, *, actor, at: datetime) -> Evidence:
    """Somebody of the doer was at the door 到场, with proof; settles the hour (G25, behaviour 10).

    Proof that was recorded offline counts from the device's time within the plan's tolerance, and is marked to be verified.
    """
    if arrival.kind not in Evidence.Kind.values:
        raise Invalid("请提供到场佐证：照片、住户验证码、扫码、定位或见证人", field="evidence.kind")
    moment, to_verify = _arrival_moment(ticket, arrival, at)
    _move(ticket, "arrive")
    proof = Evidence.objects.create(
        ticket=ticket, round=ticket.round, unit=ticket.doer, kind=arrival.kind, note=arrival.note, attachment=arrival.attachment,
        nobody_home=arrival.nobody_home, arrived_at=moment, recorded_at=at, device_time=arrival.device_time, to_verify=to_verify,
    )  # fmt: skip
    engine.settle(ticket, VISIT, at=moment, round=ticket.round, segment=ticket.segment)
    clocks.refresh(ticket)
    journal.record(
        ticket, "nobody_home" if arrival.nobody_home else "arrive", actor=actor, at=at, unit=ticket.doer.code, reason=arrival.note,
        evidence=arrival.kind, arrived_at=moment.isoformat(), to_verify=to_verify,
        device_time=arrival.device_time.isoformat() if arrival.device_time else None,
    )  # fmt: skip
    return proof


@transaction.atomic
def finish(ticket: Ticket, *, cause: str, measure: str, readings: Iterable[Reading] = (), actor, at: datetime) -> None:
    """The work is done 办结: what it was, what was done, and what the rooms measure now (I14). The callback is still owed.

    Who finishes holds itself answerable: a return that still waited for its ruling is withdrawn. Conflict while a visit is
    owed, or when the last visit met nobody.
    """
    if not cause.strip():
        raise Invalid("请填写原因", field="cause")
    if not measure.strip():
        raise Invalid("请填写处置措施", field="measure")
    if ticket.state == State.RESPONDED and clocks.running(ticket, VISIT):
        raise Conflict("尚未登记到场，不能办结")
    last = ticket.evidence.filter(round=ticket.round).order_by("-recorded_at", "-id").first()
    if last is not None and last.nobody_home:
        raise Conflict("上次到场未遇住户，请改约或再次上门后办结")
    _move(ticket, "finish")
    Finish.objects.create(
        ticket=ticket, round=ticket.round, unit=ticket.doer, cause=cause.strip(), measure=measure.strip(), finished_at=at
    )
    measured = temperatures.record(ticket, readings, community=ticket.community, unit=ticket.doer, round=ticket.round, by=str(actor or ""), at=at)
    done = journal.entry(
        ticket, "finish", actor=actor, at=at, unit=ticket.doer.code, cause=cause.strip(), measure=measure.strip(),
        readings=[{"room": one.room, "celsius": str(one.celsius)} for one in measured],
    )  # fmt: skip
    dropped = _drop_return(ticket, actor=actor, at=at)
    clocks.refresh(ticket)
    messaging.tell(ticket, "finished", at=at)
    journal.record_many([*dropped, done])


@transaction.atomic
def call_back(
    ticket: Ticket, *, kind: str, reached: bool, solved: bool | None = None, satisfaction: str = "", note: str = "", actor, at: datetime
) -> None:
    """The caller was called back 回访 (G25, behaviour 9).

    Progress, when reached, settles the callback clock and starts the next. A result that helped closes the ticket, one
    that did not starts a new round with fresh clocks. Not reached is an attempt; the third, on two half-days, ends it as such.
    """
    _check_callback(kind, reached, solved, satisfaction, note)
    act = "progress" if kind == Callback.Kind.PROGRESS else "result"
    if MOVES[act].get(ticket.state) is None:
        raise _illegal(ticket, "进度回访" if act == "progress" else "结果回访")
    unit = _answering_unit(ticket, actor)
    # Whatever comes of it, the ticket is claimed first: two callbacks at once are one.
    touch(ticket)
    call = Callback.objects.create(
        ticket=ticket, round=ticket.round, unit=unit, kind=kind, reached=reached, solved=solved if reached else None,
        satisfaction=satisfaction if reached else "", note=note, called_at=at,
    )  # fmt: skip
    said = {"kind": kind, "reached": reached, "solved": solved, "satisfaction": satisfaction}
    entries = [journal.entry(ticket, f"callback_{act}", actor=actor, at=at, unit=unit.code, reason=note, **said)]
    if not reached:
        if act == "result" and _is_unreachable(ticket, at):
            entries += _end(ticket, "unreachable", actor=actor, at=at, unit=unit)
    elif act == "progress":
        _next_callback(ticket, at=at)
    elif solved:
        entries += _end(ticket, "solved", actor=actor, at=at, unit=unit)
    else:
        entries += _next_round(ticket, call, actor=actor, at=at)
    clocks.refresh(ticket)
    journal.record_many(entries)


@transaction.atomic
def make_appointment(ticket: Ticket, *, visit_at: datetime, confirmed_by_resident: bool, actor, at: datetime) -> Appointment:
    """A visit was agreed for later 改约. It moves the visit's clock only if the resident confirmed it before the breach."""
    if visit_at <= at:
        raise Invalid("约定时间须晚于现在", field="visit_at")
    horizon = rulebook.current(at).duration("appointment_horizon", "P7D")
    if visit_at > at + horizon:
        raise Invalid(f"约定时间最多在 {horizon.days} 天以内", field="visit_at")
    _move(ticket, "appointment")
    clock = clocks.running(ticket, VISIT)
    moves = bool(confirmed_by_resident and clock is not None and at <= clock.due_at < visit_at)
    if moves:
        engine.move(clock, due_at=visit_at, at=at)
    agreed = Appointment.objects.create(
        ticket=ticket, round=ticket.round, visit_at=visit_at, is_confirmed=confirmed_by_resident, moved_clock=moves, agreed_at=at
    )
    clocks.refresh(ticket)
    messaging.tell(ticket, "appointment", visit_at=visit_at, at=at)
    journal.record(
        ticket, "appointment", actor=actor, at=at, unit=ticket.doer.code, visit_at=visit_at.isoformat(),
        confirmed=confirmed_by_resident, moved_clock=moves,
    )  # fmt: skip
    return agreed


# ---------------------------------------------------------------- assists


@transaction.atomic
def complete_assist(ticket: Ticket, task: Assignment, *, note: str, actor, at: datetime) -> None:
    """An assisting unit has done its task 协办办结. The last one lets a ticket close whose caller was helped."""
    if not note.strip():
        raise Invalid("请填写协办情况", field="note")
    touch(ticket)
    _end_task(ticket, task, at=at, done_at=at)
    entries = [journal.entry(ticket, "assist_done", actor=actor, at=at, unit=task.unit.code, reason=note.strip())]
    entries += _end_if_waiting(ticket, actor=actor, at=at)
    clocks.refresh(ticket)
    journal.record_many(entries)


@transaction.atomic
def waive_assist(ticket: Ticket, task: Assignment, *, reason: str, actor, at: datetime) -> None:
    """The lead does without an assist's task 免除协办, and says why."""
    if not reason.strip():
        raise Invalid("请填写免除理由", field="reason")
    touch(ticket)
    _end_task(ticket, task, at=at, waived_at=at, waived_reason=reason.strip()[:200])
    entries = [
        journal.entry(ticket, "assist_waived", actor=actor, at=at, unit=ticket.lead.code, reason=reason.strip(), assist=task.unit.code)
    ]
    entries += _end_if_waiting(ticket, actor=actor, at=at)
    clocks.refresh(ticket)
    journal.record_many(entries)


# ---------------------------------------------------------------- the supervisor's acts


@transaction.atomic
def nudge(ticket: Ticket, *, note: str = "", actor, at: datetime) -> None:
    """The doer is reminded 催办. Clocks do not care."""
    if MOVES["nudge"].get(ticket.state) is None:
        raise _illegal(ticket, "催办")
    outbox.post(
        ticket.doer, f"催办：{ticket.number} {ticket.open_title}", key=f"nudge:{ticket.pk}:{at:%Y%m%d%H%M}", audience="doer", kind="nudge",
        body=note, link=f"/tickets/{ticket.number}/", at=at,
    )  # fmt: skip
    journal.record(ticket, "nudge", actor=actor, at=at, unit=unit_of(actor), reason=note, doer=ticket.doer.code)


@transaction.atomic
def make_void(ticket: Ticket, *, reason: str, actor, at: datetime) -> None:
    """It was no ticket at all 作废: a test call, a wrong district. Nothing is owed any more, nothing is deleted."""
    if not reason.strip():
        raise Invalid("请填写作废理由", field="reason")
    _move(ticket, "void")
    engine.void(ticket, at=at)
    Return.objects.filter(ticket=ticket, ruled_at=None).update(
        ruled_at=at, accepted=False, ruling="工单已作废", ruled_by=actor if actor is not None and actor.pk else None
    )
    freed = free_followers(ticket, actor=actor, at=at)
    clocks.refresh(ticket)
    journal.record_many([journal.entry(ticket, "void", actor=actor, at=at, unit=unit_of(actor), reason=reason.strip()), *freed])


@transaction.atomic
def withdraw(ticket: Ticket, *, reason: str, at: datetime) -> None:
    """The resident takes the complaint back 撤回. What was late by then stays late: a withdrawal mends no verdict."""
    _move(ticket, "withdraw", closed_at=at)
    engine.release(ticket, at=at)
    Return.objects.filter(ticket=ticket, ruled_at=None).update(ruled_at=at, accepted=False, ruling="住户已撤回诉求")
    freed = free_followers(ticket, actor=None, at=at)
    clocks.refresh(ticket)
    if ticket.doer_id:
        outbox.post(
            ticket.doer, f"住户已撤回：{ticket.number} {ticket.open_title}", key=f"withdraw:{ticket.pk}", audience="doer", kind="note",
            link=f"/tickets/{ticket.number}/", at=at,
        )  # fmt: skip
    journal.record_many([journal.entry(ticket, "withdraw", actor=None, at=at, reason=reason), *freed])


def free_followers(ticket: Ticket, *, actor, at: datetime) -> list:
    """Repeat calls that hung on a ticket which is no more wait for dispatch again: none is lost with it. Their journal entries."""
    entries = []
    for link in ticket.links_down.filter(undone_at=None).select_related("child__street"):
        type(link).objects.filter(pk=link.pk).update(undone_at=at)
        if link.follows and link.child.state == State.RECEIVED:
            touch(link.child)
            wait_again(link.child, at=at)
        entries.append(journal.entry(link.child, "unlink", actor=actor, at=at, unit=unit_of(actor), reason="原件已作废或撤回", to=ticket.number))
    return entries


def wait_again(ticket: Ticket, *, at: datetime) -> None:
    """A ticket that ran no clock of its own waits for dispatch again, with a new one."""
    dispatcher = access.place_ids()[access.DISPATCHER]
    sequence = engine.of(ticket).filter(stage=DISPATCH).count() + 1
    engine.open_deadline(DISPATCH, ticket, Unit.objects.get(pk=dispatcher), at=at, street=ticket.street, sequence=sequence)
    clocks.refresh(ticket)


def acts(ticket: Ticket) -> list[str]:
    """The acts of staff that its state allows, in the order of the table."""
    return [act for act, moves in MOVES.items() if ticket.state in moves and act != "withdraw"]


# ---------------------------------------------------------------- helpers


def move_to_segment(ticket: Ticket, doer: Unit, *, at: datetime, released_at: datetime, book, limits: dict) -> None:
    """The doer's segment ends at `released_at`, a new doer begins at `at` with full clocks (behaviours 2 and 8).

    What the old doer was late with by then stays its own; the caller's chain runs on.
    """
    old = ticket.doer
    engine.release(ticket, at=released_at, stage__in=DOER_STAGES, unit=old, segment=ticket.segment)
    ended = Assignment.objects.filter(ticket=ticket, part=Part.DOER, until=None)
    for part in ended:
        Assignment.objects.filter(pk=part.pk).update(until=max(part.since, released_at), ended_by="return")
    _move(ticket, "transfer", doer=doer, segment=ticket.segment + 1, delivered_at=at)
    # Whoever leads, watches or assists already keeps that part beside its new one.
    Assignment.objects.create(ticket=ticket, unit=doer, part=Part.DOER, since=at, segment=ticket.segment)
    engine.open_all(clocks.of_doer(ticket, doer, book, limits, at=at))
    clocks.refresh(ticket)


def _move(ticket: Ticket, act: str, **changes) -> None:
    """Compare-and-set: the state that `act` leads to, if the ticket still is where we saw it."""
    new = MOVES[act].get(ticket.state)
    if new is None:
        raise _illegal(ticket, ACT_NAMES[act])
    touch(ticket, state=new, **changes)


def touch(ticket: Ticket, **changes) -> None:
    """Claim a ticket as it was seen, with `changes` to it; Conflict when somebody else was quicker."""
    changes["version"] = ticket.version + 1
    if not Ticket.objects.filter(pk=ticket.pk, state=ticket.state, version=ticket.version).update(**changes):
        raise Conflict(f"{ticket} 刚被他人更新，请刷新后重试")
    for name, value in changes.items():
        setattr(ticket, name, value)


ACT_NAMES = {
    "dispatch": "交办", "respond": "响应", "arrive": "登记到场", "finish": "办结", "progress": "进度回访", "result": "结果回访",
    "appointment": "改约", "return": "退单", "transfer": "转派", "nudge": "催办", "withdraw": "撤回", "void": "作废",
}  # fmt: skip


def _illegal(ticket: Ticket, act: str) -> Conflict:
    return Conflict(f"{ticket} 处于“{State(ticket.state).label}”，不能{act}")


def _arrival_moment(ticket: Ticket, arrival: Arrival, at: datetime) -> tuple[datetime, bool]:
    """When the door was reached, and whether that must be verified."""
    if arrival.device_time is None:
        return at, arrival.nobody_home and not arrival.note
    if arrival.device_time > at + timedelta(minutes=2):
        raise Invalid("设备时间晚于现在，请校准设备时钟", field="device_time")
    tolerance = rulebook.current(at).duration("offline_tolerance", "PT30M")
    moment = min(arrival.device_time, at)
    if at - moment > tolerance or (ticket.delivered_at and moment < ticket.delivered_at):
        return at, True
    return moment, True


def _drop_return(ticket: Ticket, *, actor, at: datetime) -> list:
    """The doer has done the work that it had asked to be relieved of: nothing is left to rule on."""
    dropped = Return.objects.filter(ticket=ticket, ruled_at=None).update(
        ruled_at=at, accepted=False, ruling="承办单位已自行办结，退单撤回", ruled_by=actor if actor is not None and actor.pk else None
    )
    if not dropped:
        return []
    engine.release(ticket, at=at, stage=RULING)
    return [journal.entry(ticket, "return_dropped", actor=actor, at=at, unit=ticket.doer.code)]


def _check_callback(kind: str, reached: bool, solved: bool | None, satisfaction: str, note: str) -> None:
    if kind not in Callback.Kind.values:
        raise Invalid("请选择进度回访或结果回访", field="kind")
    if satisfaction and satisfaction not in Callback.Satisfaction.values:
        raise Invalid("满意度只能是满意、基本满意或不满意", field="satisfaction")
    if kind == Callback.Kind.RESULT and reached and solved is None:
        raise Invalid("接通后须填写是否解决", field="solved")
    if not reached and solved is not None:
        raise Invalid("未接通时不能填写是否解决", field="solved")
    if kind == Callback.Kind.RESULT and solved and satisfaction == Callback.Satisfaction.DISSATISFIED and not note.strip():
        raise Invalid("已解决但不满意的，须写明原因", field="note")


def _answering_unit(ticket: Ticket, actor) -> Unit:
    """In whose name somebody calls back: the doer's, else the lead's."""
    if actor is not None and ticket.doer_id not in access.unit_ids(actor, access.HANDLE_TICKETS):
        return ticket.lead
    return ticket.doer


def _next_callback(ticket: Ticket, *, at: datetime) -> None:
    """Nobody waits longer than the allowance for word: the next callback runs from this one."""
    old = clocks.running(ticket, CALLBACK)
    if old is None:
        return
    engine.settle(ticket, CALLBACK, at=at, round=ticket.round, segment=ticket.segment)
    engine.open_deadline(
        CALLBACK, ticket, ticket.doer, at=at, street=ticket.street, round=ticket.round, segment=ticket.segment, sequence=old.sequence + 1
    )


def _is_unreachable(ticket: Ticket, at: datetime) -> bool:
    """Enough attempts in enough different half-days (this one included): the plan's rule for giving up honestly."""
    book = rulebook.current(at)
    tries = list(
        ticket.callbacks.filter(round=ticket.round, kind=Callback.Kind.RESULT, reached=False).values_list("called_at", flat=True)
    )
    return len(tries) >= book.number("unreachable", "attempts", default=3) and len(
        {civil.half_day_of(moment) for moment in tries}
    ) >= book.number("unreachable", "half_days", default=2)


def _end(ticket: Ticket, how: str, *, actor, at: datetime, unit: Unit) -> list:
    """The callback is settled; the ticket closes, unless an assist still owes its task."""
    engine.settle(ticket, CALLBACK, at=at, round=ticket.round, segment=ticket.segment)
    engine.settle(ticket, CITY, at=at)
    if ticket.assignments.filter(part=Part.ASSIST, until=None, done_at=None, waived_at=None).exists():
        return [journal.entry(ticket, "waits_for_assists", actor=actor, at=at, unit=unit.code, how=how)]
    return _close(ticket, how, actor=actor, at=at)


def _end_if_waiting(ticket: Ticket, *, actor, at: datetime) -> list:
    """Close a ticket whose caller was helped already and that waited for its assists only."""
    if ticket.state != State.FINISHED or ticket.assignments.filter(
        part=Part.ASSIST, until=None, done_at=None, waived_at=None
    ).exists():
        return []
    last = ticket.callbacks.filter(round=ticket.round, kind=Callback.Kind.RESULT).order_by("-called_at", "-id").first()
    if last is None or clocks.running(ticket, CALLBACK):
        return []
    return _close(ticket, "solved" if last.solved else "unreachable", actor=actor, at=at)


def _close(ticket: Ticket, how: str, *, actor, at: datetime) -> list:
    touch(ticket, state=State.CLOSED, closed_at=at)
    engine.release(ticket, at=at)
    messaging.tell(ticket, "closed", at=at)
    entries = [journal.entry(ticket, "close", actor=actor, at=at, unit=ticket.doer.code, how=how)]
    for link in ticket.links_down.filter(undone_at=None, follows=True).select_related("child"):
        child = link.child
        if child.state == State.RECEIVED:
            touch(child, state=State.CLOSED, closed_at=at)
            entries.append(journal.entry(child, "close", actor=actor, at=at, how="with_parent", parent=ticket.number))
    return entries


def _next_round(ticket: Ticket, call: Callback, *, actor, at: datetime) -> list:
    """The caller was not helped 重办: the next round begins with fresh clocks, this one is frozen as it is."""
    engine.settle(ticket, CALLBACK, at=at, round=ticket.round, segment=ticket.segment)
    book = rulebook.current(at)
    limits = engine.limits()
    touch(ticket, state=State.DISPATCHED, round=ticket.round + 1, delivered_at=at)
    drafts = clocks.of_doer(ticket, ticket.doer, book, limits, at=at)
    notices = [
        Notice(
            key=f"round:{ticket.pk}:{ticket.round}:{unit_id}", unit_id=unit_id, audience="workers", kind="dispatch", created_at=at,
            subject=f"第 {ticket.round} 轮重办：{ticket.number} {ticket.open_title}"[:160], link=f"/tickets/{ticket.number}/",
        )
        for unit_id in {ticket.doer_id, ticket.lead_id, ticket.street_id} - {None}
    ]  # fmt: skip
    on_site = ticket.round >= book.number("street_on_site_from_round", default=3) and ticket.street_id
    if on_site:
        drafts += _send_street(ticket, limits, at=at)
        notices.append(
            Notice(
                key=f"supervise:{ticket.pk}:{ticket.round}", unit_id=access.place_ids()[access.BUREAU], audience="bureau", kind="alarm",
                level=1, subject=f"第 {ticket.round} 轮仍未解决，请现场督办：{ticket.number}"[:160], link=f"/tickets/{ticket.number}/", created_at=at,
            )
        )  # fmt: skip
    engine.open_all(drafts)
    outbox.post_many(notices)
    return [
        journal.entry(
            ticket, "reopen", actor=actor, at=at, unit=call.unit.code, reason=call.note, round=ticket.round, street_on_site=bool(on_site)
        )
    ]


def _send_street(ticket: Ticket, limits: dict, *, at: datetime) -> list:
    """From the third round on the street attends on site: a task of its own (behaviour 9)."""
    Assignment.objects.filter(ticket=ticket, unit_id=ticket.street_id, part=Part.WATCH, until=None).update(until=at, ended_by="raised")
    task, is_new = Assignment.objects.get_or_create(
        ticket=ticket, unit_id=ticket.street_id, part=Part.ASSIST, until=None, defaults={"since": at, "task": "到场协调"}
    )
    if not is_new and task.done_at is None and task.waived_at is None:
        return []
    Assignment.objects.filter(pk=task.pk).update(done_at=None, waived_at=None, task="到场协调")
    return [engine.draft(limits[ASSIST], ticket, ticket.street, at=at, street=ticket.street, round=ticket.round, segment=ticket.segment)]


def _end_task(ticket: Ticket, task: Assignment, *, at: datetime, **how) -> None:
    if not Assignment.objects.filter(pk=task.pk, until=None, done_at=None, waived_at=None).update(**how):
        raise Conflict("这项协办已经办结或免除")
    if "done_at" in how:
        engine.settle(ticket, ASSIST, at=at, unit=task.unit)
    else:
        engine.release(ticket, at=at, stage=ASSIST, unit=task.unit)


def unit_of(actor) -> str:
    """The code of the unit in whose name somebody acts; empty for the portal itself."""
    unit = access.home_unit(actor) if actor is not None else None
    return unit.code if unit else ""


def needs_visit(ticket: Ticket) -> bool:
    """Whether a visit is still owed in this round."""
    return clocks.running(ticket, VISIT) is not None

