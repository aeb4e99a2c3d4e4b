"""The seeded world in which stories happen: the real plan, the demonstration units and people, and short ways to act.

Everything goes through the portal's own functions; only the clock is ours.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from django.test import Client

from complaints import dispatching, intake, lifecycle
from complaints.intake import Intake
from complaints.lifecycle import Arrival
from complaints.models import Ticket
from core.civil import SHANGHAI
from deadlines import engine, sweep
from deadlines.models import Escalation
from heating import demo, planfile, planload
from units import access
from units.models import Unit, User

NOON = datetime(2025, 11, 14, 12, 0, tzinfo=SHANGHAI)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PLAN = Path(planfile.__file__).parent / "plan" / "weiyang-2025-2026.yaml"
PASSWORD = "Warm-Winter-2025"


def seed() -> None:
    """The plan as issued and the demonstration units, communities and people."""
    planload.load(planfile.read(PLAN.read_text(encoding="utf-8")), text="方案", at=NOON - 30 * DAY)
    demo.world(at=NOON - 30 * DAY, password=PASSWORD)


def unit(code: str) -> Unit:
    """A unit by its code."""
    return Unit.objects.get(code=code)


def user(username: str) -> User:
    """A demonstration person."""
    return User.objects.get(username=username)


def fresh(ticket: Ticket) -> Ticket:
    """A ticket as it is now."""
    return Ticket.objects.select_related("lead", "doer", "street", "community").get(pk=ticket.pk)


_numbers = iter(range(1, 10_000_000))


def received(*, at: datetime = NOON, content: str = "家里暖气不热，客厅只有14度，请派人来看看。", community: str = "demo-community-1", **more) -> Ticket:
    """A complaint that has come in and waits for dispatch."""
    values = {"source": "12345", "external_no": f"T{next(_numbers):07d}", "called_at": at - 5 * MINUTE, "building": "6号楼",
              "complainant_name": "王小明", "complainant_phone": "13812345678", **more}  # fmt: skip
    return intake.receive(Intake(content=content, community=community, **values), actor=user("dispatcher"), at=at).ticket


def dispatched(*, at: datetime = NOON, category: str = "heating_service", doer: str | None = None, assists: list[str] | None = None, **more) -> Ticket:
    """A complaint that has come in and been dispatched, both at `at`."""
    ticket = received(at=at, **more)
    order = dispatching.decide(
        ticket, at=at, category=category, doer=unit(doer) if doer else None, assists=[unit(code) for code in assists] if assists is not None else None
    )
    lifecycle.dispatch(ticket, order, actor=user("dispatcher"), at=at)
    return fresh(ticket)


def respond(ticket: Ticket, at: datetime, by: str = "heating1") -> None:
    """The company speaks with the caller."""
    lifecycle.respond(fresh(ticket), channel="phone", actor=user(by), at=at)


def arrive(ticket: Ticket, at: datetime, by: str = "heating1", **more) -> None:
    """The company is at the door, with a witness."""
    lifecycle.arrive(fresh(ticket), Arrival(kind="witness", note="邻居在场", **more), actor=user(by), at=at)


def finish(ticket: Ticket, at: datetime, by: str = "heating1") -> None:
    """The company has done its work."""
    lifecycle.finish(fresh(ticket), cause="支管气堵", measure="排气", actor=user(by), at=at)


def call_back(ticket: Ticket, at: datetime, by: str = "heating1", **said) -> None:
    """The caller is called back: a result that helped, unless said otherwise."""
    values = {"kind": "result", "reached": True, "solved": True, "satisfaction": "satisfied", **said}
    lifecycle.call_back(fresh(ticket), **values, actor=user(by), at=at)


def verdicts(ticket: Ticket) -> dict[tuple, str]:
    """(stage, round, segment) → outcome, of every clock of a ticket; open clocks are ""."""
    return {(one.stage, one.round, one.segment): one.outcome for one in engine.of(ticket)}


def levels(ticket: Ticket, stage: str) -> list[int]:
    """The levels to which a stage was escalated."""
    return sorted(Escalation.objects.filter(deadline__label=ticket.number, deadline__stage=stage).values_list("level", flat=True))


def tick(at: datetime) -> sweep.Swept:
    """What the sweep does at a moment."""
    return sweep.sweep(at=at, source="test")


@dataclass
class Caller:
    """A system with a token."""

    code: str
    role: str
    client: Client = field(default_factory=Client)

    @cached_property
    def token(self) -> str:
        """Its token, issued when first used."""
        return access.issue_token(unit(self.code), self.role, at=NOON - 30 * DAY)

    def get(self, path: str, **params):
        """GET below /api/v1/."""
        return self.client.get(f"/api/v1/{path}", params, headers={"Authorization": f"Token {self.token}"})

    def post(self, path: str, body=None, **more):
        """POST JSON below /api/v1/."""
        data = body if isinstance(body, (str, bytes)) else json.dumps(body if body is not None else {})
        return self.client.post(
            f"/api/v1/{path}", data, content_type=more.pop("content_type", "application/json"), headers={"Authorization": f"Token {self.token}"}, **more
        )


def browser(username: str) -> Client:
    """Somebody signed in."""
    client = Client()
    client.force_login(user(username))
    return client
