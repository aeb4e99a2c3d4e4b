"""Everybody at every address with every object of somebody else: what the others wrote is found nowhere (G8).

The addresses come from the URL configuration: a new one is walked from the day it exists. The oracle is a canary: a word
of its own in every text that another company wrote.
"""

import io
import itertools
import re
from decimal import Decimal

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import get_resolver
from PIL import Image

from complaints.models import CodeScope
from complaints.residents import codes, hosting
from core import civil
from core.models import Attachment
from deadlines import obligations, proof
from deadlines.models import Obligation
from heating.addresses import addresses
from notices import inbox
from notices.models import Notice
from plants import inspections, ledger, temperatures, visits
from plants.ledger import Found
from plants.models import Community, Plant
from plants.temperatures import Reading
from plants.visits import Visited
from supply import major, outages, reports
from supply.major import Problem
from supply.outages import Area, Interruption
from supply.reports import Told
from tests.story import DAY, HOUR, MINUTE, NOON, arrive, browser, dispatched, finish, respond, tick, unit, user  # noqa: I001
from units import exports

pytestmark = pytest.mark.django_db
CANARY = "金丝雀"
ELEMENT = "<i/x>"
HALF = f"={ELEMENT}{CANARY}"  # a formula to a spreadsheet, an element to a page, if either is careless (S14, S17)
LATER = NOON + 4 * DAY
WORD = re.compile(CANARY + r"[a-z]+")
# Who must find nothing of 演示企业二 and of the street 徐家湾.
STRANGERS = ("heating1", "street", "admin")
SKIPPED = ("/static/", "/healthz", "/logout/", "/api/schema/", "/api/docs/", "/api/redoc/", "/captcha/", "/m/", "/e/", "/track/")


def picture(name: str) -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return SimpleUploadedFile(name, out.getvalue(), "image/png")


@pytest.fixture
def foreign(monkeypatch, settings, tmp_path):
    """One of everything that 演示企业二 and its street have, each with a canary in its words. Numbers, keys and codes, as addresses name them."""
    monkeypatch.setattr("core.clock.now", lambda: LATER)
    settings.MEDIA_ROOT = tmp_path
    home, plant, company = Community.objects.get(code="demo-community-4"), Plant.objects.get(code="demo-plant-3"), unit("demo-heating-2")
    street = unit("street-xujiawan")
    ticket = dispatched(community="demo-community-4", content=f"{HALF}ticket家里不热", complainant_name=f"{HALF}name", address=f"{HALF}door", building=f"{HALF}block")
    respond(ticket, NOON + 5 * MINUTE, by="heating2")
    arrive(ticket, NOON + 20 * MINUTE, by="heating2")
    finish(ticket, NOON + HOUR, by="heating2")
    finding = ledger.open_finding(Found(f"{HALF}finding", company, NOON + 9 * DAY, plant=plant, street=street), source="inspection", unit=street, actor=None, at=NOON)
    proof.report(finding, note=f"{HALF}rectified", files=(picture(f"{HALF}file.png"),), actor=user("heating2"), at=NOON + HOUR)
    visit = visits.record(
        Visited(home, f"{HALF}visitor", building=f"{HALF}building", opinion=f"{HALF}opinion", problem=f"{HALF}problem", readings=(Reading(f"{HALF}room", Decimal("17")),),
                visited_at=NOON), actor=user("heating2"), at=NOON,
    )  # fmt: skip
    device = temperatures.keep_instrument(company, number=f"{HALF}device", name="温度计", calibrated_on=None, calibrated_until=None, actor=user("heating2"), at=NOON)
    reading = temperatures.measure(home, Reading(f"{HALF}measured", Decimal("21"), device=device), actor=user("heating2"), at=NOON)
    outage = outages.report(company, Interruption(f"{HALF}place", f"{HALF}cause", (Area(home),), NOON, NOON + 9 * DAY, households=10), actor=user("heating2"), at=NOON)
    reports.generate(at=LATER)
    told = Told(boilers_running=1, capacity_mw=Decimal(10), gas_used_m3=Decimal(1000), gas_demand_m3=Decimal(1500), gas_supply_m3=Decimal(1000), gas_gap_m3=Decimal(500),
                measures=f"{HALF}measures", confirmed="核对")  # fmt: skip
    reports.submit(company, civil.day_of(LATER - DAY), told, unit=company, actor=user("heating2"), at=LATER)
    obligations.generate(at=NOON)
    owed = Obligation.objects.filter(unit=company, kind="duty").order_by("pk").first()
    proof.report(owed, note=f"{HALF}obligation", files=(picture(f"{HALF}paper.png"),), actor=user("heating2"), at=NOON + HOUR)
    account, _ = hosting.issue(company, name=f"{HALF}account", origins=[], actor=user("heating2"), at=NOON)
    code = codes.issue(CodeScope.BUILDING, community=home, building=f"{HALF}code", actor=user("heating2"), at=NOON)
    inspections.generate(at=LATER)
    seen = inspections.record(
        inspections.Visit(plant=plant, mode="special", topic=inspections.rules(finding.season)["special"][0]["code"], companion=f"{HALF}companion", note=f"{HALF}inspection",
                          answers={f"{inspections.rules(finding.season)['special'][0]['code']}-{n}": inspections.Answer(state="ok") for n, _ in enumerate(inspections.rules(finding.season)["special"][0]["items"], 1)}),
        actor=user("bureau"), at=NOON,
    )  # fmt: skip
    big = major.report(Problem("safety", f"{HALF}major", f"{HALF}facts", "区委", NOON, NOON + HOUR), actor=user("bureau"), at=NOON + HOUR)
    tick(NOON + 2 * DAY)
    taken = exports.ask(user("heating2"), exports.list_of("tickets"), {"q": ticket.number}, at=LATER)
    exports.make(taken.pk, now=lambda: LATER, tell=inbox.tell)
    keys = {row.pk for row in (owed, reading, account, code, finding, ticket, outage, taken)} | set(Notice.objects.filter(unit=company).values_list("pk", flat=True)[:1])
    return {
        "number": [ticket.number, finding.number, visit.number, outage.number, seen.number, big.number], "pk": sorted(keys),
        "code": ["demo-heating-2", plant.code, home.code], "kind": ["communities", "plants"], "day": [civil.day_of(LATER - DAY).isoformat()],
        "key": [str(pk) for pk in Attachment.objects.values_list("pk", flat=True)], "username": ["heating2"], "ticket": [ticket.number], "act": ["approve"], "name": ["approve"],
    }  # fmt: skip


def walk(foreign: dict) -> list[str]:
    """Every address with every foreign thing in its place, and every list narrowed to it and exported."""
    found = []
    for address in addresses(get_resolver()):
        path = address.path.replace("^", "").replace("$", "")
        if path.startswith(SKIPPED) or "(?P" in path:
            continue
        names = re.findall(r"<(?:(\w+):)?(\w+)>", path)
        # Who may not know of the first is not asked for the second.
        choices = [(foreign.get("key", []) if kind == "uuid" else foreign.get(name, ["1"]))[: None if place == 0 else 1] for place, (kind, name) in enumerate(names)]
        for values in itertools.product(*choices):
            said = path
            for value in values:
                said = re.sub(r"<[^>]*>", str(value), said, count=1)
            found.append(said)
        if not names:
            found += [f"{path}?q={HALF}&state=all", f"{path}?format=xlsx&state=all&since=2025-11-01&until=2025-12-31"]
    return list(dict.fromkeys(found))


def words(answer) -> set[str]:
    """The canaries in an answer: its text, its headers, and the cells of a workbook. None is an element or a formula anywhere."""
    raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    if raw[:2] == b"PK" and "sheet" in answer.headers.get("Content-Type", ""):
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True)
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert not [cell.value for cell in cells if cell.data_type == "f"]
        text += "\n".join(str(cell.value) for cell in cells)
    else:
        text += raw.decode(errors="replace")
        assert ELEMENT not in text or "html" not in answer.headers.get("Content-Type", ""), text[max(text.find(ELEMENT) - 200, 0) :][:400]
    return set(WORD.findall(text))


def leaks(login: str, paths: list[str]) -> dict[str, set[str]]:
    """Where somebody finds what is not theirs; and no address breaks."""
    client, found = browser(login), {}
    for path in paths:
        answer = client.get(path)
        assert answer.status_code < 500, (login, path, answer.status_code)
        seen = words(answer)
        if seen:
            found[path] = seen
    return found


@pytest.mark.parametrize("login", STRANGERS)
def test_nobody_finds_another_units_words_at_any_address(foreign, login):
    assert leaks(login, walk(foreign)) == {}


@pytest.mark.guard("S14", "S17")
def test_whoever_may_does_find_them_so_that_the_canaries_are_alive(foreign):
    own = set().union(*leaks("heating2", walk(foreign)).values())
    district = set().union(*leaks("bureau", [path for path in walk(foreign) if path.startswith(("/inspections/", "/reports/major/"))]).values())
    kinds = {f"{CANARY}{kind}" for kind in ("ticket", "finding", "rectified", "opinion", "problem", "room", "device", "place", "cause", "measures", "obligation", "account", "code")}
    assert kinds - own == set() and {f"{CANARY}inspection", f"{CANARY}major"} - district == set()


def test_an_act_on_anothers_thing_is_refused_and_changes_nothing(foreign):
    client, before = browser("heating1"), _fingerprint()
    for path in walk(foreign):
        if "?" in path:
            continue
        # What one may do in one's own name is no act on anothers' thing: only addresses that name something.
        if not any(value in path for value in (*foreign["number"], "demo-heating-2", *foreign["code"])):
            continue
        answer = client.post(path, {"reason": "x", "note": "x", "households": "3", "due_on": "2026-01-01"})
        assert answer.status_code in (400, 403, 404, 405, 409, 415, 422), (path, answer.status_code)
    assert _fingerprint() == before


def _fingerprint() -> list:
    tables = ("complaints_ticket", "plants_finding", "plants_homevisit", "supply_outage", "supply_dailyreport", "deadlines_obligation", "complaints_hostedaccount", "plants_community", "plants_plant")
    with connection.cursor() as cursor:
        found = []
        for table in tables:
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t.id)) FROM {table} t")  # noqa: S608 (our own names)
            found.append((table, cursor.fetchone()[0]))
    return found


@pytest.mark.parametrize("seed", ["plants.ledger_selectors.visible", "plants.visit_selectors.visible", "plants.temperatures.visible"])
def test_a_seeded_leak_is_caught(foreign, monkeypatch, seed):
    module, name = seed.rsplit(".", 1)
    whole = {"plants.ledger_selectors": ledger.Finding, "plants.visit_selectors": visits.HomeVisit, "plants.temperatures": temperatures.RoomTemperature}[module]
    monkeypatch.setattr(f"{module}.{name}", lambda user: whole.objects.all())
    assert leaks("heating1", [path for path in walk(foreign) if path.startswith(("/ledger/", "/visits/", "/temperatures/"))])


def test_a_file_taken_along_is_its_owners_alone_and_a_leaking_one_is_caught(foreign, monkeypatch):
    paths = [path for path in walk(foreign) if path.startswith("/exports/")]
    assert any(words(browser("heating2").get(path)) for path in paths if path.endswith("/file/")), "自己的取得到"
    assert leaks("bureau", paths) == {}, "看得到全部工单的人也取不走别人的文件"
    monkeypatch.setattr("units.exports.of", lambda user: exports.Export.objects.order_by("-id"))
    monkeypatch.setattr("units.exports._rights_of", lambda user: exports.Export.objects.get(state="ready").rights)
    assert leaks("heating1", paths)
