"""A resident follows a case: the same truth as staff see, without anybody's name, and a say in it (behaviours 6, 9, 10)."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from complaints import clocks, intake, lifecycle, routing, rulebook
from complaints.intake import Intake
from complaints.models import Callback, Evidence, Rating, State, Ticket
from complaints.residents import messaging
from core import attachments, civil, journal, limits
from core.errors import Conflict, Invalid, NotFound
from core.privacy import scrub
from deadlines import engine, promises
from notices import outbox
from units import access
from units.models import Unit

NUDGE_EVERY = timedelta(minutes=30)
UNKNOWN = "没有查到。请核对受理号和预留电话的后四位"
AGAIN_WITHIN = timedelta(days=30)
MISSES, MISSES_WINDOW = 10, timedelta(hours=1)


# ---------------------------------------------------------------- finding one's case


def by_number(number: str, tail: str, *, at: datetime) -> Ticket:
    """The case of a number, for who knows the last four digits of its phone. NotFound in the same words for every miss.

    Wrong guesses at one number are counted whoever makes them: after ten in an hour it opens to nobody (TooMany). Who knows
    the digits may look as often as they like.
    """
    number, tail = number.strip().upper()[:24], tail.strip()[:8]
    said = "查询次数过多，请一小时后再试，或拨打 12345"
    limits.allow("track-number", number, most=MISSES, window=MISSES_WINDOW, at=at, message=said)
    ticket = Ticket.objects.filter(number=number, is_history=False).select_related("community", "street", "doer", "lead").first()
    known = [ticket.complainant_phone, *ticket.other_contacts.split("；")] if ticket else []
    matches = [hmac.compare_digest(phone[-4:].encode(), tail.encode()) for phone in known if len(phone) >= 4]
    if ticket is None or not any(matches):
        limits.require("track-number", number, most=MISSES, window=MISSES_WINDOW, at=at, message=said)
        raise NotFound(UNKNOWN)
    return ticket


# ---------------------------------------------------------------- what there is to see


@dataclass(frozen=True)
class Step:
    """A step on the way: `state` is ok, late (done too late), now, over (running and over time) or wait."""

    name: str
    icon: str
    state: str
    at: datetime | None = None
    due: datetime | None = None
    said: str = ""

    @property
    def short(self) -> str:
        """The name where there is little room."""
        return self.name.split("：")[0].removeprefix("等待")


def steps(ticket: Ticket, *, at: datetime) -> list[Step]:
    """The way of the present round, from the same clocks as staff see."""
    running = {one.stage: one for one in engine.of(ticket).filter(round=ticket.round).select_related("policy").order_by("segment", "sequence")}
    found = [Step("已受理", "check", "ok", at=ticket.ingested_at)]
    if ticket.state == State.VOID:
        return [*found, Step("已终止", "ban", "wait", said="这件诉求已终止办理，有疑问可拨打 12345")]
    if ticket.links_up.filter(undone_at=None, follows=True).exists():
        joined = Step("已并入此前的诉求", "copy", "ok", said="您家已反映过同一件事，正在一并办理；办结时一并回访")
        return [*found, joined, Step("已办结", "user-check", "ok", at=ticket.closed_at) if ticket.state == State.CLOSED else Step("处理完成", "tool", "now")]
    if ticket.state == State.RECEIVED:
        return [*found, Step("等待派单", "route", "now", said="正在确定由谁办理"), Step("响应", "phone-call", "wait"), Step("上门处理", "home-check", "wait"), Step("回访评价", "user-check", "wait")]
    found.append(Step(f"已派单：{ticket.doer}", "route", "ok", at=ticket.delivered_at, said=f"第 {ticket.round} 次办理" if ticket.round > 1 else ""))
    found.append(_step(running.get(clocks.RESPONSE), "已响应", "等待响应", "phone-call", at))
    if clocks.VISIT in running:
        found.append(_visit(ticket, running[clocks.VISIT], at))
    if ticket.state in (State.FINISHED, State.CLOSED):
        last = ticket.finishes.filter(round=ticket.round).order_by("-finished_at").first()
        found.append(Step("处理完成", "tool", "ok", at=last.finished_at if last else None, said=scrub(last.measure) if last else ""))
    else:
        found.append(Step("处理完成", "tool", "wait"))
    call = running.get(clocks.CALLBACK)
    if ticket.state == State.CLOSED:
        found.append(Step("已办结", "user-check", "ok", at=ticket.closed_at))
    elif call is not None:
        found.append(Step("回访评价", "user-check", "over" if at > call.due_at and call.settled_at is None else "wait", due=call.due_at))
    return found


def _step(clock, done: str, waiting: str, icon: str, at: datetime) -> Step:
    if clock is None:
        return Step(done, icon, "wait")
    promise = f"{promises.of(clock.policy).within}内"
    if clock.settled_at is not None and clock.outcome != "neutral":
        took = civil.spell(clock.settled_at - clock.opened_at)
        return Step(done, icon, "late" if clock.outcome == "late" else "ok", at=clock.settled_at, said=f"用时 {took}（承诺 {promise}）")
    if at > clock.due_at:
        return Step(waiting, icon, "over", due=clock.due_at, said=f"已超过承诺时间 {civil.spell(at - clock.due_at)}，已报区城管执法局督办")
    return Step(waiting, icon, "now", due=clock.due_at, said=f"承诺 {promise}")


def _visit(ticket: Ticket, clock, at: datetime) -> Step:
    step = _step(clock, "已上门", "等待上门", "home-check", at)
    agreed = ticket.appointments.filter(round=ticket.round).order_by("-agreed_at", "-id").first()
    if agreed is not None and clock.settled_at is None:
        word = "已约定" if agreed.is_confirmed else "师傅提出"
        return Step("等待上门", "home-check", step.state, due=clock.due_at, said=f"{word} {civil.spoken(agreed.visit_at, reference=at)} 上门")
    if ticket.state == State.DISPATCHED and step.state == "now":
        return Step(step.name, step.icon, "wait", due=step.due, said=step.said)
    return step


@dataclass(frozen=True)
class Choices:
    """What the resident may do now."""

    supplement: bool
    withdraw: bool
    nudge: bool
    confirm: object
    no_show: bool
    still_cold: bool
    rate: bool


def choices(ticket: Ticket, *, at: datetime) -> Choices:
    """What the resident may do about the case as it is."""
    is_open = ticket.is_open
    proposed = ticket.appointments.filter(round=ticket.round).order_by("-agreed_at", "-id").first() if is_open else None
    rated = ticket.ratings.filter(round=ticket.round).exists()
    recently = ticket.state == State.CLOSED and ticket.closed_at and at - ticket.closed_at <= AGAIN_WITHIN
    visit = clocks.running(ticket, clocks.VISIT) if is_open and ticket.doer_id else None
    said_arrived = is_open and ticket.evidence.filter(round=ticket.round).exists()
    return Choices(
        supplement=is_open,
        withdraw=is_open,
        nudge=is_open and ticket.doer_id is not None,
        confirm=proposed if proposed and not proposed.is_confirmed and proposed.visit_at > at and ticket.state in lifecycle.MOVES["appointment"] else None,
        no_show=bool(said_arrived or (visit is not None and at > visit.due_at)),
        still_cold=ticket.state == State.FINISHED or bool(recently),
        rate=ticket.state == State.CLOSED and not rated and bool(recently),
    )


# ---------------------------------------------------------------- the resident's acts


@transaction.atomic
def supplement(ticket: Ticket, *, words: str = "", photos=(), at: datetime) -> None:
    """More words, more photos; no clock moves."""
    if not ticket.is_open:
        raise Conflict("这件诉求已经办结，请重新提交")
    if not words.strip() and not photos:
        raise Invalid("请填写说明或添加照片", field="words")
    for photo in photos:
        kept = attachments.store(photo, ticket, actor=None, at=at, field="photos")
        journal.record(ticket, "attach", actor=None, at=at, name=kept.name, by="resident")
    if words.strip():
        locked = Ticket.objects.select_for_update(of=("self",)).select_related("community", "street", "lead", "doer").get(pk=ticket.pk)
        more = Intake(source=locked.source, external_no=locked.external_no, content=words, called_at=locked.called_at)
        entries: list = []
        intake.supplement(locked, more, routing.read_register(), rulebook.current(at), entries, actor=None, at=at)
        journal.record_many(entries)


@transaction.atomic
def withdraw(ticket: Ticket, *, reason: str, at: datetime) -> None:
    """The resident takes it back. It ends what is still to be done; what was late by then stays late, and is looked into."""
    lifecycle.withdraw(ticket, reason=reason.strip()[:200], at=at)


def nudge(ticket: Ticket, *, at: datetime) -> None:
    """The resident asks where they are. Heard by the doer at most every half hour; no response of theirs."""
    if not ticket.is_open or ticket.doer_id is None:
        raise Conflict("现在还不能催办")
    limits.require("resident-nudge", str(ticket.pk), most=1, window=NUDGE_EVERY, at=at, message="已经催过了，半小时后可以再催")
    lifecycle.nudge(ticket, note="住户催办", actor=None, at=at)


def confirm_appointment(ticket: Ticket, *, at: datetime) -> None:
    """The resident agrees to the visit that was proposed; agreed before the breach, it moves the hour (behaviour 10)."""
    proposed = choices(ticket, at=at).confirm
    if proposed is None:
        raise Conflict("没有待确认的上门时间")
    lifecycle.make_appointment(ticket, visit_at=proposed.visit_at, confirmed_by_resident=True, actor=None, at=at)


@transaction.atomic
def report_no_show(ticket: Ticket, *, at: datetime) -> None:
    """Nobody came: what the company recorded of its arrival is to be verified, and the bureau hears of it."""
    if not choices(ticket, at=at).no_show:
        raise Conflict("还没到约定的上门时间")
    limits.require("no-show", f"{ticket.pk}:{ticket.round}", most=1, window=timedelta(days=1), at=at, message="已经反映过了，区里正在核实")
    claimed = Evidence.objects.filter(ticket=ticket, round=ticket.round).update(to_verify=True)
    _tell_bureau(ticket, f"住户反映无人上门：{ticket.number}" + ("（企业登记已到场）" if claimed else ""), f"noshow:{ticket.pk}:{ticket.round}", at)
    journal.record(ticket, "no_show", actor=None, at=at, claimed=bool(claimed))


@transaction.atomic
def still_cold(ticket: Ticket, *, words: str = "", heard: str = "住户本人反映：还是不热", at: datetime) -> Ticket:
    """It did not help. Before the close-out that is a result callback, and the next round; after it a new ticket, tagged 复诉.

    `heard` is how one learned of it. The ticket that runs now.
    """
    if ticket.state == State.FINISHED:
        lifecycle.call_back(ticket, kind=Callback.Kind.RESULT, reached=True, solved=False, note=f"{heard}。{words.strip()}"[:500], actor=None, at=at)
        return ticket
    if not choices(ticket, at=at).still_cold:
        raise Conflict(f"正在进行第 {ticket.round} 次办理，有新情况请补充说明" if ticket.round > 1 and ticket.is_open else "处理完成后才能选择“还是不热”；有新情况请补充说明")
    Ticket.objects.select_for_update(of=("self",)).get(pk=ticket.pk)  # two hands at once are one second ticket
    running = again_of(ticket)
    if running is not None and running.is_open:
        return running
    again = Intake(
        source="qr", external_no=f"A{ticket.pk}-{int(at.timestamp())}", kind=ticket.kind, category=ticket.category, title=f"还是不热：{ticket.title}",
        content=f"{words.strip() or '处理后仍未解决'}（原工单 {ticket.number}：{ticket.content_original or ticket.content}）"[:5000], called_at=at,
        complainant_name=ticket.complainant_name, complainant_phone=ticket.complainant_phone, complainant_email=ticket.complainant_email, address=ticket.address, building=ticket.building,
        community=ticket.community.code if ticket.community else "", is_confidential=ticket.is_confidential, is_demo=ticket.is_demo,
    )  # fmt: skip
    received = intake.receive(again, actor=None, at=at).ticket
    messaging.tell(received, "receipt", at=at)
    return received


def again_of(ticket: Ticket) -> Ticket | None:
    """The latest ticket that came of it because it did not help."""
    return Ticket.objects.filter(external_no__startswith=f"A{ticket.pk}-", source="qr").exclude(state=State.VOID).order_by("-pk").first()


@dataclass(frozen=True)
class Said:
    """A rating as given."""

    solved: bool
    satisfaction: str
    was_measured: bool | None = None
    was_called: bool | None = None
    was_visited: bool | None = None
    note: str = ""


@transaction.atomic
def rate(ticket: Ticket, said: Said, *, at: datetime) -> Rating:
    """The resident's own word on a closed round, held against the company's record; what contradicts it goes to the bureau."""
    if not choices(ticket, at=at).rate:
        raise Conflict("这件诉求已经评价过，或还没有办结")
    if said.satisfaction not in Callback.Satisfaction.values:
        raise Invalid("请选择满意、基本满意或不满意", field="satisfaction")
    against = contradictions(ticket, said, round_=ticket.round)
    rating = Rating.objects.create(
        ticket=ticket, round=ticket.round, solved=said.solved, satisfaction=said.satisfaction, was_measured=said.was_measured, was_called=said.was_called,
        was_visited=said.was_visited, note=said.note.strip()[:1000], rated_at=at, contradicts=against,
    )  # fmt: skip
    if against or not said.solved:
        _tell_bureau(ticket, f"住户评价与企业记录不一致：{ticket.number}" if against else f"住户反映未解决：{ticket.number}", f"rating:{rating.pk}", at, "；".join(against))
    journal.record(ticket, "rate", actor=None, at=at, reason=said.note.strip()[:500], solved=said.solved, satisfaction=said.satisfaction, contradicts=against)
    return rating


@transaction.atomic
def rate_and_go_on(ticket: Ticket, said: Said, *, at: datetime) -> Ticket | None:
    """Rate it, and where it is not solved begin again at once (behaviour 9). The ticket that runs then."""
    rate(ticket, said, at=at)
    return None if said.solved else still_cold(ticket, words=said.note, at=at)


def contradictions(ticket: Ticket, said: Said, *, round_: int) -> list[str]:
    """Where the company's own record of that round says otherwise than the resident, in words."""
    calls = ticket.callbacks.filter(round=round_)
    result = calls.filter(kind=Callback.Kind.RESULT, reached=True).order_by("-called_at").first()
    visited = ticket.evidence.filter(round=round_, nobody_home=False).exists()
    measured = lifecycle.temperatures.of(ticket).filter(round=round_).exists()
    found = []
    if said.was_visited is False and visited:
        found.append("企业登记已上门，住户称没有人来")
    if said.was_called is False and calls.filter(reached=True).exists():
        found.append("企业登记已回访，住户称没有来电")
    if said.was_measured is False and measured:
        found.append("企业登记已测温，住户称没有测")
    if result is not None and result.solved and not said.solved:
        found.append("企业登记已解决，住户称没有解决")
    if result is not None and result.satisfaction == "satisfied" and said.satisfaction == "dissatisfied":
        found.append("企业登记为满意，住户不满意")
    return found


def _tell_bureau(ticket: Ticket, subject: str, key: str, at: datetime, body: str = "") -> None:
    bureau = Unit.objects.get(code=access.BUREAU)
    outbox.post(bureau, subject, key=key, at=at, audience="bureau", kind="contradiction", level=1, body=body, link=f"/tickets/{ticket.number}/")
