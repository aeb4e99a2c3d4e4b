"""The milestones of the season: exactly at the moment is on time, all means all, and a moved date keeps the old verdicts."""

import io
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from core.civil import SHANGHAI
from core.errors import Forbidden, Invalid
from deadlines import engine, proof
from deadlines import season as seasons
from deadlines.models import Escalation, Milestone
from plants import milestone_selectors as selectors
from plants import milestones
from plants.milestones import Progress
from plants.models import Boiler, Community, MilestoneItem, Plant, RoomTemperature
from tests.story import DAY, HOUR, MINUTE, Caller, browser, tick, user

pytestmark = pytest.mark.django_db
EVE = datetime(2025, 11, 4, 12, tzinfo=SHANGHAI)
HEAT = datetime(2025, 11, 14, 12, tzinfo=SHANGHAI)  # H5
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _opened():
    milestones.generate(at=EVE)


def items(code: str, **which):
    """The items of a milestone's current version."""
    return MilestoneItem.objects.select_related("milestone", "unit", "verifier").filter(milestone__code=code, milestone__is_current=True, **which).order_by("name")


def one(code: str, subject: str) -> MilestoneItem:
    """The item of one facility."""
    kind = {"boiler": "boiler", "network": "network", "plant": "plant", "community": "community"}[subject.split("-")[1]]
    return items(code).get(**{f"{kind}__code": subject})


def photo() -> SimpleUploadedFile:
    """A photograph."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return SimpleUploadedFile("检修.png", out.getvalue(), "image/png")


def declare(item, achieved, *, at=None, by="heating1", **more):
    """The company declares an item."""
    milestones.declare(item, Progress(achieved_at=achieved, **more), actor=user(by), at=at or achieved)
    item.refresh_from_db()


@pytest.mark.clause("H0", "H1", "H2", "H3", "H4", "H5")
def test_each_milestone_has_an_item_for_each_facility_that_it_names():
    kinds = {code: set(items(code).values_list("kind", flat=True)) for code in ("H1", "H2", "H3", "H4", "H5")}
    assert kinds == {"H1": {"boiler", "network"}, "H2": {"network", "community"}, "H3": {"plant"}, "H4": {"boiler"}, "H5": {"plant", "community"}}
    assert items("H1", kind="boiler").count() == Boiler.objects.count() and items("H5", kind="community").count() == Community.objects.count()
    assert seasons.plan_of(seasons.active(EVE))["milestones_ordered_by"] == "市城管局"
    assert {item.verifier.code for item in items("H1")} == {"urban-management"}
    before = MilestoneItem.objects.count()
    milestones.generate(at=EVE + HOUR)
    assert MilestoneItem.objects.count() == before


@pytest.mark.clause("H5")
def test_noon_sharp_is_on_time_and_a_second_later_is_late():
    sharp, late = one("H5", "demo-plant-1"), one("H5", "demo-community-1")
    declare(sharp, HEAT)
    declare(late, HEAT + SECOND)
    assert [proof.deadlines_of(item).get().outcome for item in (sharp, late)] == ["met", "late"]
    assert (sharp.is_late(HEAT + DAY), late.is_late(HEAT + DAY)) == (False, True)


@pytest.mark.clause("H1", "H2")
def test_the_overhaul_of_october_told_in_november_is_retrospective_and_needs_evidence_and_approval():
    boiler, network = one("H1", "demo-boiler-1"), one("H1", "demo-network-1")
    done = datetime(2025, 10, 24, 17, tzinfo=SHANGHAI)
    with pytest.raises(Invalid) as refused:
        declare(boiler, done, at=EVE)
    assert "files" in refused.value.fields
    declare(boiler, done, at=EVE, files=(photo(),))
    assert boiler.is_retrospective and boiler.is_late(EVE) and engine.open_of(boiler).exists()
    proof.approve(boiler, actor=user("bureau"), at=EVE + HOUR)
    assert proof.deadlines_of(boiler).get().outcome == "met" and not boiler.is_late(EVE + DAY)
    declare(network, datetime(2025, 10, 26, 0, 0, 1, tzinfo=SHANGHAI), at=EVE)
    assert proof.deadlines_of(network).get().outcome == "late"


@pytest.mark.clause("H3")
def test_three_conditions_are_anded_and_the_last_of_them_counts():
    item = one("H3", "demo-plant-1")
    names = item.milestone.conditions
    assert len(names) == 3
    at = datetime(2025, 11, 5, 20, tzinfo=SHANGHAI)
    with pytest.raises(Invalid) as refused:
        milestones.declare(item, Progress(conditions=dict.fromkeys(names[:2], at)), actor=user("heating1"), at=at)
    assert names[2] in refused.value.message
    milestones.declare(item, Progress(conditions={names[0]: at - DAY, names[1]: at, names[2]: at - HOUR}), actor=user("heating1"), at=at + HOUR)
    item.refresh_from_db()
    assert item.achieved_at == at and proof.deadlines_of(item).get().outcome == "met"


@pytest.mark.clause("H5", "H0")
def test_all_means_all_and_the_page_names_the_one_that_is_missing():
    for item in items("H5", unit__code="demo-heating-1").exclude(community__code="demo-community-3"):
        declare(item, HEAT - HOUR)
    shown = selectors.board(user("heating1"), HEAT + DAY)
    cell = dict(zip([milestone.code for milestone in shown["milestones"]], shown["total"], strict=True))["H5"]
    assert not cell.is_met and cell.missing == ("演示融春里",) and cell.tone == "od"
    assert "演示融春里" in browser("heating1").get("/milestones/H5/").content.decode()
    declare(one("H5", "demo-community-3"), HEAT + DAY)
    cell = selectors.board(user("heating1"), HEAT + DAY)["rows"][0]["cells"][4]
    assert cell.is_met and cell.tone == "late"


def test_who_reports_never_verifies_and_no_company_touches_anothers():
    item = one("H5", "demo-plant-1")
    with pytest.raises(Forbidden):
        declare(item, HEAT - HOUR, by="heating2")
    declare(item, HEAT - HOUR)
    with pytest.raises(Forbidden):
        proof.approve(item, actor=user("heating1"), at=HEAT)
    client = browser("heating2")
    assert client.get(f"/milestones/items/{item.pk}/").status_code == 404 and client.post(f"/milestones/items/{item.pk}/", {}).status_code == 404
    assert "演示一热力北辰锅炉房" not in client.get("/milestones/H5/").content.decode()
    assert "演示一热力" not in client.get("/milestones/?format=xlsx").content.decode("latin-1")
    assert browser("admin").get(f"/milestones/items/{item.pk}/").status_code == 404
    assert browser("street").get(f"/milestones/items/{item.pk}/").status_code == 200


@pytest.mark.clause("H0")
def test_a_moved_date_is_a_new_version_the_old_verdicts_stay_and_what_was_achieved_counts():
    reached, waiting = one("H5", "demo-plant-1"), one("H5", "demo-plant-2")
    declare(reached, HEAT - 2 * DAY)
    old = reached.milestone
    with pytest.raises(Forbidden):
        milestones.move(old, due_at=HEAT + 2 * DAY, reason="市城管局通知", actor=user("heating1"), at=HEAT - DAY)
    milestones.move(old, due_at=HEAT + 2 * DAY, reason="市城管局〔2025〕88号", actor=user("bureau"), at=HEAT - DAY)
    new = Milestone.objects.get(code="H5", is_current=True)
    assert (new.version, new.due_at) == (2, HEAT + 2 * DAY)
    assert MilestoneItem.objects.get(pk=reached.pk).achieved_at == HEAT - 2 * DAY and proof.deadlines_of(reached).get().outcome == "met"
    waiting.refresh_from_db()
    assert waiting.standing == "dropped" and proof.deadlines_of(waiting).get().outcome == "neutral"
    again = one("H5", "demo-plant-1")
    assert again.pk != reached.pk and again.achieved_at == HEAT - 2 * DAY and proof.deadlines_of(again).get().outcome == "met"
    assert engine.open_of(one("H5", "demo-plant-2")).get().due_at == HEAT + 2 * DAY


def test_a_plant_of_the_middle_of_the_season_owes_only_what_comes_later_and_one_out_of_use_nothing():
    plant = Plant.objects.create(code="demo-plant-9", name="新厂", company=Plant.objects.get(code="demo-plant-1").company, commissioned_on=datetime(2025, 11, 10).date())
    milestones.generate(at=HEAT - 2 * DAY)
    assert set(MilestoneItem.objects.filter(plant=plant).values_list("milestone__code", flat=True)) == {"H5"}
    Plant.objects.filter(pk=plant.pk).update(is_active=False, inactive_reason="缓建")
    milestones.generate(at=HEAT - DAY)
    item = MilestoneItem.objects.get(plant=plant)
    assert (item.standing, item.verdict_note) == ("dropped", "缓建")


def test_warnings_come_before_and_the_bureau_hears_at_the_very_moment():
    item = one("H5", "demo-plant-1")
    for moment in (HEAT - 7 * DAY, HEAT - 3 * DAY, HEAT - DAY):
        tick(moment + MINUTE)
    assert not Escalation.objects.filter(deadline__in=engine.of(item)).exists()
    tick(HEAT + SECOND)
    assert Escalation.objects.get(deadline__in=engine.of(item)).level == 1
    tick(HEAT + 12 * HOUR)
    assert sorted(Escalation.objects.filter(deadline__in=engine.of(item)).values_list("level", flat=True)) == [1, 2]


def test_several_are_declared_and_approved_at_once_with_a_result_for_each():
    mine = items("H5", unit__code="demo-heating-1", kind="community")
    client = browser("heating1")
    foreign = one("H5", "demo-community-2")
    form = {"act": "declare", "item": [item.pk for item in mine] + [foreign.pk], "achieved_at": "2025-11-13T10:00:00", "note": "已达温"}
    answer = client.post("/milestones/H5/", {**form, "files": [photo()]})
    assert answer.status_code == 200 and answer.content.decode().count('ok-t">完成</span>') == mine.count()
    foreign.refresh_from_db()
    assert foreign.standing == "open" and set(mine.values_list("standing", flat=True)) == {"reported"}
    page = browser("bureau").post("/milestones/H5/", {"act": "approve", "item": [item.pk for item in mine], "note": "抽查属实"}).content.decode()
    assert page.count('ok-t">完成</span>') == mine.count() and set(mine.values_list("standing", flat=True)) == {"verified"}


def test_a_wrong_form_keeps_what_was_typed_and_evidence_is_for_those_who_may_see():
    item = one("H5", "demo-plant-1")
    client = browser("heating1")
    wrong = client.post(f"/milestones/items/{item.pk}/", {"achieved_at": "昨天", "note": "供水 58 度"})
    assert wrong.status_code == 422 and "供水 58 度" in wrong.content.decode() and "时间" in wrong.content.decode()
    client.post(f"/milestones/items/{item.pk}/", {"achieved_at": "2025-11-14T09:00:00", "files": [photo()], "supply_celsius": "58.2", "room_celsius": "20.4"})
    item.refresh_from_db()
    assert item.standing == "reported" and str(item.room_celsius) == "20.40"
    page = browser("bureau").get(f"/milestones/items/{item.pk}/").content.decode()
    key = page.split(f"/milestones/items/{item.pk}/files/")[1].split("/")[0]
    address = f"/milestones/items/{item.pk}/files/{key}/"
    assert browser("bureau").get(address).status_code == 200 and browser("heating2").get(address).status_code == 404


def test_over_the_wire():
    mine, theirs = Caller("demo-heating-1", "handler"), Caller("demo-heating-2", "handler")
    rows = {row["code"]: row for row in mine.get("milestones/").json()["results"]}
    assert rows["H5"]["total"] == items("H5", unit__code="demo-heating-1").count() and rows["H5"]["met"] is False
    body = {"plant": "demo-plant-1", "achieved_at": "2025-11-03T17:00:00", "evidence": "供水温度 58 ℃，室温 20.4 ℃"}
    answer = theirs.post("milestones/H5/progress/", body)
    assert answer.status_code == 404
    for wrong in ({}, {"plant": "demo-plant-1", "community": "demo-community-1"}, {**body, "achieved_at": "2099-01-01"}, {**body, "achieved_at": "\x00"}, []):
        assert mine.post("milestones/H5/progress/", wrong).status_code == 400
    assert mine.post("milestones/H9/progress/", body).status_code == 404
    Milestone.objects.filter(code="H5").update(due_at=datetime(2027, 1, 1, tzinfo=SHANGHAI))
    MilestoneItem.objects.filter(milestone__code="H5").update(due_at=datetime(2027, 1, 1, tzinfo=SHANGHAI))
    answer = mine.post("milestones/H5/progress/", {**body, "achieved_at": "2026-11-03T17:00:00"})
    assert answer.status_code == 200 and answer.json()["standing"] == "reported" and answer.json()["subject"] == "demo-plant-1"
    assert mine.post("milestones/H5/progress/", {**body, "achieved_at": "2026-11-03T17:00:00"}).status_code == 409


@pytest.mark.clause("H0")
def test_of_a_moved_date_each_version_is_read_with_its_own_verdicts_and_a_refused_move_keeps_what_was_typed():
    declare(one("H5", "demo-plant-1"), HEAT - DAY)
    bureau = browser("bureau")
    refused = bureau.post("/milestones/H5/move/", {"due_at": "2025-11-14T12:00:00", "reason": "市供热办函〔2025〕9号"})
    assert refused.status_code == 422 and "市供热办函〔2025〕9号" in refused.content.decode() and "时间没有变化" in refused.content.decode()
    assert bureau.post("/milestones/H5/move/", {"due_at": "2025-11-16T12:00:00", "reason": "市供热办函〔2025〕9号"}).status_code == 302
    now, before = bureau.get("/milestones/H5/").content.decode(), bureau.get("/milestones/H5/?version=1").content.decode()
    assert "2025-11-16 12:00:00" in now and "version=1" in now and "市里调整了时间" in now
    assert "旧版本" in before and "2025-11-14 12:00" in before and "市里调整了时间" not in before
    assert bureau.get("/milestones/H5/?version=7").status_code == 404
    assert bureau.get("/milestones/H5/?version=x").status_code == 200


@pytest.mark.clause("H5", "G21")
def test_a_room_below_the_commitment_is_no_proof_of_warmth_and_the_verifier_sees_what_was_measured():
    item = one("H5", "demo-community-1")
    client = browser("heating1")
    cold = client.post(f"/milestones/items/{item.pk}/", {"achieved_at": "2025-11-14T09:00:00", "files": [photo()], "room_celsius": "19.95", "note": "大部分达温"})
    assert cold.status_code == 422 and "19.95 ℃ 未达 20" in cold.content.decode() and "大部分达温" in cold.content.decode()
    item.refresh_from_db()
    assert item.standing == "open"
    declare(item, HEAT - DAY, room_celsius=Decimal("20.00"))
    assert "前后两天没有测温记录" in browser("bureau").get(f"/milestones/items/{item.pk}/").content.decode()
    for value in ("19.95", "21.3"):
        RoomTemperature.objects.create(
            community=item.community, room="客厅", celsius=Decimal(value), measured_at=HEAT - DAY - HOUR, unit=item.unit, subject_kind="community",
            subject_key=item.community.code,
        )  # fmt: skip
    assert "2 次</a>，1 次达到 20" in browser("bureau").get(f"/milestones/items/{item.pk}/").content.decode()


@pytest.mark.clause("H0")
def test_a_season_that_is_over_is_looked_at_as_of_its_end():
    assert browser("bureau").get("/milestones/?season=2025-2026").status_code == 200
    season, at = seasons.looked_at("2025-2026", datetime(2026, 11, 28, tzinfo=SHANGHAI))
    assert (season.code, at) == ("2025-2026", datetime(2026, 3, 16, tzinfo=SHANGHAI))
    assert seasons.looked_at("", EVE) == (seasons.active(EVE), EVE)
    for path in ("/milestones/", "/milestones/H5/", "/milestones/H5/export/", "/milestones/ignition/", "/obligations/", "/obligations/units/", "/obligations/matrix/", "/obligations/documents/", "/obligations/export/"):
        assert browser("bureau").get(f"{path}?season=2025-2026").status_code == 200, path
        assert browser("bureau").get(f"{path}?season=1999").status_code == 404, path


def test_a_refusal_without_a_reason_is_asked_back_at_its_field():
    item = one("H5", "demo-plant-1")
    declare(item, HEAT - DAY)
    bureau = browser("bureau")
    asked = bureau.post(f"/milestones/items/{item.pk}/refuse/", {"note": " "})
    assert asked.status_code == 422 and "请写明原因" in asked.content.decode() and "退回" in asked.content.decode()
    item.refresh_from_db()
    assert item.standing == "reported"
    assert bureau.post(f"/milestones/items/{item.pk}/refuse/", {"note": "供水温度不足"}).status_code == 302
    assert bureau.post(f"/milestones/items/{item.pk}/refuse/", {"note": "供水温度不足"}).status_code == 409
