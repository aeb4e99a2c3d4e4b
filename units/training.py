"""Training by person (G6, G18, G19): who took part in which course, until when it counts, and who may not stand on a roster yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from core import civil, journal
from core.errors import Invalid
from core.privacy import normal_phone
from units.models import COMPANIES, DutyPost, Training, TrainingKind, Unit, User, Worker

MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Course:
    """A course that was held: its kind, what it was about, the day, the hours, and the last day on which it counts (None: for good)."""

    kind: str
    topic: str
    trained_on: date
    valid_until: date | None = None
    hours: Decimal | None = None
    result: str = ""
    is_passed: bool = True


@dataclass(frozen=True)
class Person:
    """Somebody as a list of participants names them: name, and job and mobile number where it says so."""

    name: str
    job: str = ""
    phone: str = ""


# ---------------------------------------------------------------- people


@transaction.atomic
def engage(unit: Unit, said: Person, *, user: User | None = None, actor, at: datetime) -> Worker:
    """Somebody of a unit who may stand on its roster. The same name again is the same person. Invalid (name, user)."""
    name = said.name.strip()
    if not name or len(name) > 40:
        raise Invalid("请填写姓名，最多 40 字", field="name")
    if user is not None and not user.memberships.filter(unit=unit, until=None).exists():
        raise Invalid("该账号不在本单位任职", field="user")
    found = Worker.objects.filter(unit=unit, name=name).order_by("-is_active", "id").first()
    if found is None:
        found = Worker.objects.create(
            unit=unit, name=name, job=said.job.strip()[:40], phone=normal_phone(said.phone)[:20], user=user, is_demo=unit.is_demo
        )
        journal.record(found, "engage", actor=actor, at=at, unit=unit.code, name=name)
        return found
    wanted = {
        "job": said.job.strip()[:40] or found.job, "phone": normal_phone(said.phone)[:20] or found.phone, "user_id": user.pk if user else found.user_id,
        "is_active": True,
    }  # fmt: skip
    changed = [field for field, value in wanted.items() if getattr(found, field) != value]
    if changed:
        for field in changed:
            setattr(found, field, wanted[field])
        found.save(update_fields=[field.removesuffix("_id") for field in changed])
        journal.record(found, "engage", actor=actor, at=at, unit=unit.code, name=name, changed=changed)
    return found


@transaction.atomic
def dismiss(worker: Worker, *, reason: str, actor, at: datetime) -> None:
    """Somebody stands on no roster any more; their record stays. Invalid (reason)."""
    if not reason.strip():
        raise Invalid("请写明离岗理由", field="reason")
    Worker.objects.filter(pk=worker.pk).update(is_active=False)
    worker.is_active = False
    journal.record(worker, "dismiss", actor=actor, at=at, unit=worker.unit.code, reason=reason.strip()[:120])


# ---------------------------------------------------------------- courses


@transaction.atomic
def record(unit: Unit, people: Iterable[Person], course: Course, *, actor, at: datetime) -> list[Training]:
    """These people of a unit took part in a course; who is not known yet is entered. Twice is once.

    Invalid (people, topic, trained_on, valid_until, hours).
    """
    people = list({person.name.strip(): person for person in people if person.name.strip()}.values())
    if not people:
        raise Invalid("请填写参训人员，每行一人", field="people")
    if len(people) > MOST_AT_ONCE:
        raise Invalid(f"一次最多登记 {MOST_AT_ONCE} 人", field="people")
    if not course.topic.strip():
        raise Invalid("请填写培训内容", field="topic")
    if course.trained_on > civil.day_of(at):
        raise Invalid("培训日期不能晚于今天", field="trained_on")
    if course.valid_until is not None and course.valid_until < course.trained_on:
        raise Invalid("有效期不能早于培训日期", field="valid_until")
    if course.hours is not None and not 0 < course.hours <= 1000:
        raise Invalid("学时应大于 0、不超过 1000", field="hours")
    workers = [engage(unit, person, actor=actor, at=at) for person in people]
    known = set(
        Training.objects.filter(worker__in=workers, kind=course.kind, topic=course.topic.strip(), trained_on=course.trained_on).values_list("worker", flat=True)
    )
    new = Training.objects.bulk_create(
        Training(
            worker=worker, kind=course.kind, topic=course.topic.strip()[:120], trained_on=course.trained_on, valid_until=course.valid_until,
            hours=course.hours, result=course.result.strip()[:40], is_passed=course.is_passed,
        )
        for worker in workers
        if worker.pk not in known
    )  # fmt: skip
    if new:
        journal.record(
            unit, "train", actor=actor, at=at, unit=unit.code, kind=course.kind, topic=course.topic.strip(), trained_on=course.trained_on.isoformat(),
            people=[one.worker.name for one in new],
        )  # fmt: skip
    return new


# ---------------------------------------------------------------- asking


def is_needed(post: DutyPost) -> bool:
    """Whether a post calls for training before work: G18 speaks of emergency bodies and rescue teams, hence companies' posts but their leaders' (REC)."""
    return post.unit.kind in COMPANIES and post.kind != DutyPost.Kind.LEADER


def is_ready(worker: Worker, day: date) -> bool:
    """Whether somebody has a training before work that counts on `day`."""
    return bool(ready_ids([worker.pk], day))


def ready_ids(worker_ids: Iterable[int], day: date) -> set[int]:
    """Who of these has a training before work that counts on `day`. One query."""
    counts = Training.objects.filter(worker__in=list(worker_ids), kind=TrainingKind.PRE_JOB, is_passed=True, trained_on__lte=day)
    return set(counts.filter(Q(valid_until=None) | Q(valid_until__gte=day)).values_list("worker", flat=True))


def courses_in(unit: Unit, year: int) -> list[tuple[date, str]]:
    """The emergency courses that a unit held in a **calendar** year (G19): (day, topic), however many took part."""
    return courses_of([unit.pk], year).get(unit.pk, [])


def courses_of(unit_ids: Iterable[int], year: int) -> dict[int, list[tuple[date, str]]]:
    """Unit id → its emergency courses of a calendar year, in order. One query."""
    rows = Training.objects.filter(worker__unit__in=list(unit_ids), kind=TrainingKind.EMERGENCY, trained_on__year=year)
    found: dict[int, list[tuple[date, str]]] = {}
    for unit_id, day, topic in rows.order_by("trained_on", "topic").values_list("worker__unit", "trained_on", "topic").distinct():
        found.setdefault(unit_id, []).append((day, topic))
    return found
