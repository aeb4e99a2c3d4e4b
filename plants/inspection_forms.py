"""The inspection form: made of the plan's checklist, read into a visit, and shown again as it was typed."""

import base64
import binascii
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.dateparse import parse_date

from core import civil
from core.errors import Invalid, PortalError
from plants import inspections
from plants.inspections import Answer, Visit
from plants.models import Boiler, InspectionMode, Severity
from units.models import Unit

NUMERALS = "一二三四五六七八九十"
LONGEST_SIGNATURE = 700_000


@dataclass
class Item:
    """One item as the page shows it: what the plan asks, what was typed, what is wrong with it."""

    number: int
    code: str
    item: str
    kind: str
    unit: str = ""
    lowest: float | None = None
    highest: float | None = None
    state: str = ""
    severity: str = ""
    note: str = ""
    due_on: str = ""
    value: str = ""
    ready: list = field(default_factory=list)
    error: str = ""


@dataclass
class Group:
    """A section of the form: 一、运行安全."""

    title: str
    items: list[Item]

    @property
    def kind(self):
        return self.items[0].kind


class Sheet:
    """A form for a visit to one place in one manner. `said` are the texts that were posted; empty for a fresh one."""

    def __init__(self, *, season, plant, community, mode, topic, at: datetime, said=None, files=None):
        self.season, self.plant, self.community, self.mode, self.topic, self.at = season, plant, community, mode, topic, at
        self.said, self.files = said, files
        self.faults: dict[str, str] = {}
        self.message = ""
        self.rules = inspections.rules(season)
        self.asked = inspections.items_for(season, plant, mode, topic)
        self.six = inspections.six(season)

    def text(self, name: str, longest: int = 2000) -> str:
        """What was typed into a field."""
        return (self.said.get(name) or "")[:longest].strip() if self.said is not None else ""

    @property
    def groups(self) -> list[Group]:
        """The checklist as the page shows it."""
        groups: dict[str, list[Item]] = {}
        for number, asked in enumerate(self.asked, 1):
            code = asked["code"]
            item = Item(
                number=number, code=code, item=asked["item"], kind=asked["kind"], unit=asked.get("unit") or "", lowest=asked.get("lowest"),
                highest=asked.get("highest"), state=self.text(f"state-{code}"), severity=self.text(f"severity-{code}"), note=self.text(f"note-{code}"),
                due_on=self.text(f"due-{code}"), value=self.text(f"value-{code}"), ready=self.said.getlist(f"ready-{code}") if self.said is not None else [],
                error=self.faults.get(f"item-{code}", ""),
            )  # fmt: skip
            groups.setdefault(asked["group"], []).append(item)
        return [Group(f"{NUMERALS[index]}、{title}" if index < len(NUMERALS) else title, items) for index, (title, items) in enumerate(groups.items())]

    @property
    def severities(self):
        return Severity.choices

    @property
    def calls(self):
        return list(inspections.CALLS.items())

    @property
    def boilers(self):
        """The boilers that have emission limits."""
        return Boiler.objects.filter(plant=self.plant, is_active=True, source__in=("gas", "coal")) if self.plant else Boiler.objects.none()

    @property
    def scores(self):
        return [
            {"name": f"score-{index}", "subject": subject, "value": self.text(f"score-{index}"), "error": self.faults.get(f"score-{index}", "")}
            for index, subject in enumerate(self.rules["joint_subjects"])
        ]

    @property
    def pollutants(self):
        return [{**one, "typed": self.text(f"value-{one['code']}"), "error": self.faults.get(f"value-{one['code']}", "")} for one in self.rules["emissions"]]

    @property
    def chosen_participants(self):
        return self.said.getlist("participants") if self.said is not None else []

    @property
    def visited_at(self) -> str:
        """For the browser's own picker."""
        return self.text("visited_at", 30) or civil.localize(self.at).strftime("%Y-%m-%dT%H:%M")

    @property
    def client_id(self) -> str:
        return self.text("client_id", 36) or str(uuid.uuid4())

    def visit(self) -> Visit:
        """What was posted, as a visit. Invalid where it cannot be read."""
        answers = {}
        for asked in self.asked:
            code = asked["code"]
            due_on = self.text(f"due-{code}", 10)
            answers[code] = Answer(
                state=self.text(f"state-{code}", 8), note=self.text(f"note-{code}", 1000), severity=self.text(f"severity-{code}", 10), due_on=_day(due_on, f"item-{code}"),
                value=self.text(f"value-{code}", 24), ready=self.said.getlist(f"ready-{code}")[:20] if f"ready-{code}" in self.said or f"seen-{code}" in self.said else None,
                photos=self.files.getlist(f"photo-{code}")[:20],
            )  # fmt: skip
        return Visit(
            mode=self.mode, plant=self.plant, community=self.community, topic=self.topic, boiler=self._boiler(),
            visited_at=civil.parse(self.text("visited_at", 40), field="visited_at") if self.text("visited_at") else None,
            device_time=civil.parse(self.text("device_time", 40), field="device_time") if self.text("device_time") else None,
            client_id=_client(self.text("client_id", 40)), answers=answers, photos=self.files.getlist("photos")[:20], call=self.text("call", 16),
            companion=self.text("companion", 40), signature=self._signature(), refusal=self.text("refusal", 120), place=_place(self.text("place", 80)),
            note=self.text("note", 2000), makes_up=self.text("makes_up") == "1",
            revisits={name.removeprefix("old-"): self.text(name, 8) for name in list(self.said)[:400] if name.startswith("old-")},
            participants=list(Unit.objects.filter(code__in=self.said.getlist("participants")[:40])),
            scores={one["subject"]: one["value"] for one in self.scores}, values={one["code"]: one["typed"] for one in self.pollutants},
        )  # fmt: skip

    def blame(self, fault: PortalError) -> None:
        """Keep a refusal, to be shown at its item or above the form."""
        self.message = fault.message
        self.faults = {name: words[0] for name, words in fault.fields.items()}

    def _boiler(self) -> Boiler | None:
        code = self.text("boiler", 64)
        return Boiler.objects.filter(code=code).first() if code else None

    def _signature(self):
        """Drawn on the screen, or photographed from paper."""
        drawn = (self.said.get("signature") or "")[: LONGEST_SIGNATURE + 1]
        if drawn.startswith("data:image/png;base64,"):
            if len(drawn) > LONGEST_SIGNATURE:
                raise Invalid("签字图片过大，请重签", field="item-signature")
            try:
                body = base64.b64decode(drawn.partition(",")[2], validate=True)
            except (binascii.Error, ValueError) as fault:
                raise Invalid("签字图片无法读取，请重签", field="item-signature") from fault
            return SimpleUploadedFile("签字.png", body, "image/png")
        return self.files.get("signature_file")


def _day(text: str, name: str) -> date | None:
    try:
        return parse_date(text) if text else None
    except ValueError as fault:
        raise Invalid("整改期限日期不正确", field=name) from fault


def _client(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError as fault:
        raise Invalid("记录标识不正确，请刷新页面重填", field="client_id") from fault


def _place(text: str) -> str:
    """Latitude, longitude and accuracy; anything else is no place."""
    try:
        latitude, longitude, *accuracy = (float(part) for part in text.split(",")[:3])
    except ValueError:
        return ""
    return text if abs(latitude) <= 90 and abs(longitude) <= 180 else ""


def mode_of(text: str | None) -> str:
    """The manner named in the address; weekly unless it names another."""
    return text if text in InspectionMode.values else InspectionMode.WEEKLY


class ReasonForm(forms.Form):
    """A reason, and nothing else."""

    reason = forms.CharField(label="原因", max_length=200)
