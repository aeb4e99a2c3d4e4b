"""Weekly inspections: owed by street, facility and week; recorded once, also from offline; what is wrong stands in the ledger (E7)."""

import base64
import io
import uuid
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from core import journal
from core.errors import Conflict, Forbidden, Invalid, NotFound
from deadlines import engine, obligations, proof
from deadlines.models import Deadline, Obligation
from notices.models import Notice
from plants import inspection_selectors, inspections
from plants.inspections import Answer, Other, Visit
from plants.models import Boiler, Charge, Community, Finding, Inspection, InspectionDue, Plant
from tests import story
from tests.story import DAY, HOUR, MINUTE, NOON

pytestmark = pytest.mark.django_db
MONDAY = date(2025, 11, 17)
START = NOON + 2 * DAY + 12 * HOUR  # Monday 17 November, midnight
WEEK = 7 * DAY
SEASON_START = date(2025, 11, 15)


def plant(code: str = "demo-plant-1") -> Plant:
    return Plant.objects.get(code=code)


def photo(name: str = "a.jpg") -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "JPEG")
    return SimpleUploadedFile(name, out.getvalue(), "image/jpeg")


def answers(**changed) -> dict[str, Answer]:
    """All is well, but for what is said otherwise."""
    said = {code: Answer(state="ok") for code in ("running", "gauges", "records", "ledger", "gas-leak", "gas-on-site")}
    said |= {"supply-celsius": Answer(value="58.2"), "return-celsius": Answer(value="43.0"), "supply-pressure": Answer(value="0.42"), "gas-pressure": Answer(value="12")}
    said["readiness"] = Answer(ready=["人员", "车辆", "工具", "材料", "备件", "通讯工具"])
    return said | {code.replace("_", "-"): answer for code, answer in changed.items()}


def visit(**more) -> Visit:
    said = {"plant": plant(), "answers": answers(), "call": "answered", "companion": "陈工", "signature": photo("sign.jpg"), **more}
    return Visit(**said)


def record(at=START + DAY, by="inspector", **more) -> Inspection:
    return inspections.record(visit(**more), actor=story.user(by), at=at)


def bad(**more) -> Answer:
    return Answer(**{"state": "bad", "severity": "serious", "note": "压力表检定标签已过期", "due_on": date(2025, 11, 21), "photos": [photo()], **more})


def due(week: date = MONDAY, code: str = "demo-plant-1") -> InspectionDue:
    return InspectionDue.objects.get(plant__code=code, week=week, street__code="street-weiyanggong")


def outcomes(row: InspectionDue) -> list[str]:
    return [one.outcome for one in engine.of(row)]


# ---------------------------------------------------------------- what is owed


@pytest.mark.clause("E7")
def test_each_street_owes_each_week_a_look_at_its_plants_and_gas_facilities():
    inspections.generate(at=START)
    rows = InspectionDue.objects.filter(week=MONDAY)
    assert set(rows.filter(street__code="street-weiyanggong").values_list("plant__code", flat=True)) == {"demo-plant-1", "demo-gas-1"}
    row = due()
    assert (row.opened_at, row.due_at, row.is_partial) == (START, START + WEEK, False)
    clock = engine.of(row).get()
    assert (clock.policy.code, clock.unit.code, clock.due_at) == ("weekly-inspection", "street-weiyanggong", START + WEEK)
    assert row.get_absolute_url() == "/inspections/new/?plant=demo-plant-1"


@pytest.mark.clause("E7")
def test_opening_twice_changes_nothing_and_asks_the_same_number_of_questions(django_assert_max_num_queries):
    inspections.generate(at=START)
    rows, clocks = InspectionDue.objects.count(), Deadline.objects.count()
    with django_assert_max_num_queries(4):
        inspections.generate(at=START + HOUR)
    assert (InspectionDue.objects.count(), Deadline.objects.count()) == (rows, clocks)
    with django_assert_max_num_queries(16):
        inspections.generate(at=START + 10 * WEEK)


@pytest.mark.clause("E7")
def test_the_first_week_of_the_season_is_said_to_be_partial():
    inspections.generate(at=START)
    first = InspectionDue.objects.filter(plant=plant()).earliest("week")
    assert (first.week, first.is_partial) == (date(2025, 11, 10), True)
    assert first.opened_at.date() >= SEASON_START - DAY and first.due_at == START


@pytest.mark.clause("E7")
def test_the_week_at_the_turn_of_the_year_is_one_week():
    inspections.generate(at=NOON + 47 * DAY)  # 31 December
    row = due(date(2025, 12, 29))
    assert (row.due_at - row.opened_at, row.week_name) == (WEEK, "第1周 12.29—01.04")
    done = record(at=row.due_at - MINUTE)
    assert inspections.monday_of(done.counted_at) == date(2025, 12, 29)
    assert InspectionDue.objects.filter(plant=plant(), street__code="street-weiyanggong", week__range=(date(2025, 12, 29), date(2026, 1, 4))).count() == 1


@pytest.mark.clause("E7")
def test_a_facility_added_on_thursday_is_due_from_the_next_week():
    Charge.objects.create(plant=plant("demo-plant-2"), street=story.unit("street-weiyanggong"), since=MONDAY + timedelta(days=3))
    inspections.generate(at=START + 8 * DAY)
    rows = InspectionDue.objects.filter(plant__code="demo-plant-2", street__code="street-weiyanggong")
    assert [row.week for row in rows] == [MONDAY + timedelta(days=7)]


@pytest.mark.clause("E7")
def test_a_facility_of_two_streets_is_owed_by_both():
    Charge.objects.create(plant=plant(), street=story.unit("street-tanjia"), since=date(2025, 11, 1))
    inspections.generate(at=START)
    record()
    shown = {row.street.code: row.state(START + DAY) for row in InspectionDue.objects.filter(plant=plant(), week=MONDAY).select_related("street")}
    assert shown == {"street-weiyanggong": "done", "street-tanjia": "open"}


def test_a_row_goes_only_with_a_reason_and_stays_in_the_matrix():
    inspections.generate(at=START)
    with pytest.raises(Invalid):
        inspections.drop(due(), reason=" ", actor=story.user("bureau"), at=START)
    with pytest.raises(Forbidden):
        inspections.drop(due(), reason="停用", actor=story.user("street"), at=START)
    inspections.drop(due(), reason="锅炉房停用检修", actor=story.user("bureau"), at=START + HOUR)
    assert (due().state(START + 9 * DAY), outcomes(due())) == ("dropped", ["neutral"])


# ---------------------------------------------------------------- when it counts


@pytest.mark.clause("E7")
def test_a_visit_by_sunday_midnight_is_in_time():
    inspections.generate(at=START)
    record(at=START + WEEK)  # Monday 00:00:00 sharp: told at the due moment, but a new week
    assert due().done_at is None
    inspections.generate(at=START + WEEK)
    record(at=START + WEEK + MINUTE, device_time=START + WEEK - MINUTE)
    assert (due().state(START + WEEK + HOUR), outcomes(due())) == ("done", ["met"])


@pytest.mark.clause("E7")
def test_monday_for_last_week_is_late_and_never_done():
    inspections.generate(at=START + WEEK)
    record(at=START + WEEK + 9 * HOUR, makes_up=True)
    assert (due().state(START + WEEK + DAY), outcomes(due())) == ("late", ["late"])
    assert due(MONDAY + timedelta(days=7)).state(START + WEEK + DAY) == "open"


@pytest.mark.clause("E7")
def test_one_visit_satisfies_one_week_and_what_was_missed_stays_missed():
    inspections.generate(at=START + WEEK)
    record(at=START + WEEK + 9 * HOUR)
    assert due().state(START + WEEK + DAY) == "missed"
    assert outcomes(due()) == ["late"]
    assert due(MONDAY + timedelta(days=7)).state(START + WEEK + DAY) == "done"


@pytest.mark.clause("E7")
def test_what_was_written_offline_counts_by_the_device_within_the_tolerance_and_is_to_be_verified():
    inspections.generate(at=START)
    told = record(at=START + 2 * DAY, device_time=START + DAY)
    assert (told.visited_at, told.counted_at, told.to_verify) == (START + DAY, START + DAY, True)
    later = record(at=START + 5 * DAY, device_time=START + 3 * DAY)
    assert (later.visited_at, later.counted_at, later.to_verify) == (START + 3 * DAY, START + 5 * DAY, True)
    ahead = record(at=START + 5 * DAY, device_time=START + 5 * DAY + 5 * MINUTE)
    assert (ahead.visited_at, ahead.to_verify) == (START + 5 * DAY, True)
    with pytest.raises(Invalid):
        record(at=START + 5 * DAY, device_time=START + 6 * DAY)
    inspections.verify_time(told, note="与企业门禁记录一致", actor=story.user("bureau"), at=START + 5 * DAY)
    told.refresh_from_db()
    assert not told.to_verify


def test_the_same_record_sent_twice_is_one():
    inspections.generate(at=START)
    client = uuid.uuid4()
    one = record(client_id=client, answers=answers(gauges=bad()))
    again = record(client_id=client, answers=answers(gauges=bad()), at=START + 2 * DAY)
    assert one == again
    assert (Inspection.objects.count(), Finding.objects.count()) == (1, 1)
    with pytest.raises(Conflict):
        record(client_id=client, by="street")


# ---------------------------------------------------------------- what was seen


@pytest.mark.clause("E7", "G4")
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"running": Answer()}, "item-running"), ({"running": Answer(state="maybe")}, "item-running"), ({"gauges": Answer(state="bad")}, "item-gauges"),
        ({"gauges": bad(photos=[])}, "item-gauges"), ({"gauges": bad(note=" ")}, "item-gauges"), ({"gauges": bad(severity="huge")}, "item-gauges"),
        ({"gauges": bad(due_on=None)}, "item-gauges"), ({"gauges": bad(due_on=date(2027, 1, 1))}, "item-gauges"),
        ({"supply_celsius": Answer(value="582")}, "item-supply-celsius"), ({"supply_celsius": Answer(value="NaN")}, "item-supply-celsius"),
        ({"supply_celsius": Answer()}, "item-supply-celsius"), ({"readiness": Answer()}, "item-readiness"), ({"nothing": Answer(state="ok")}, "item-nothing"),
    ],
)  # fmt: skip
def test_no_problem_needs_the_whole_checklist(changed, field):
    with pytest.raises(Invalid) as refusal:
        record(answers=answers(**changed))
    assert field in refusal.value.fields
    assert not Inspection.objects.exists()


@pytest.mark.clause("E7", "E8", "D7.4", "D1.3")
def test_what_is_wrong_stands_in_the_ledger_of_the_company_with_its_picture():
    one = record(answers=answers(gauges=bad()))
    finding = Finding.objects.get()
    assert (finding.unit.code, finding.found_unit.code, finding.verifier.code, finding.severity) == ("demo-heating-1", "street-weiyanggong", "street-weiyanggong", "serious")
    assert (finding.source_kind, finding.source_key, finding.plant, finding.due_at) == ("inspection", one.number, plant(), START + 5 * DAY)
    row = next(row for row in one.checklist if row["code"] == "gauges")
    assert (row["finding"], len(row["photos"])) == (finding.number, 1)
    assert one.signature is not None
    assert [entry.act for entry in journal.of(one)] == ["record"]


@pytest.mark.clause("G4", "E7")
def test_of_the_six_things_the_missing_ones_are_named_and_a_dead_phone_is_a_finding():
    record(answers=answers(readiness=Answer(ready=["人员", "车辆", "工具", "材料", "通讯工具"])), call="unanswered")
    assert set(Finding.objects.values_list("title", flat=True)) == {"未到位：备件", "值班电话试拨无人接听"}


@pytest.mark.clause("E8")
def test_the_companys_companion_signs_or_it_is_said_why_not():
    with pytest.raises(Invalid):
        record(signature=None)
    with pytest.raises(Invalid):
        record(companion="")
    assert record(signature=None, refusal="企业拒绝签字").refusal == "企业拒绝签字"


@pytest.mark.clause("E7")
def test_a_gas_facility_has_its_own_short_list():
    said = {code: Answer(state="ok") for code in ("gas-leak", "gas-on-site")} | {"gas-pressure": Answer(value="12")}
    one = record(plant=plant("demo-gas-1"), answers=said)
    assert [row["code"] for row in one.checklist] == ["gas-leak", "gas-on-site", "gas-pressure", "duty-phone", "signature"]
    assert one.company.code == "qinhua-gas"


@pytest.mark.clause("D7.4")
def test_last_weeks_hazards_are_shown_and_looked_at_again():
    record(answers=answers(gauges=bad()))
    finding = inspection_selectors.hazards(plant())[0]
    record(at=START + 2 * DAY, revisits={finding.number: "still"})
    assert [entry.act for entry in journal.of(finding)][-1] == "seen_still"
    proof.report(finding, note="已更换", actor=story.user("heating1"), at=START + 3 * DAY)
    record(at=START + 4 * DAY, by="street", revisits={finding.number: "fixed"})
    finding.refresh_from_db()
    assert finding.standing == "verified"
    assert inspection_selectors.hazards(plant()) == []


# ---------------------------------------------------------------- other manners


@pytest.mark.clause("G4")
def test_what_is_seen_on_the_spot_confirms_the_weeks_six_items_at_every_plant():
    obligations.generate(at=START)
    readiness = lambda: Obligation.objects.get(unit__code="demo-heating-1", kind="readiness", period="2025-W47")  # noqa: E731
    record(answers=answers(readiness=Answer(ready=["人员", "车辆", "工具", "材料", "备件"])))
    assert (readiness().standing, readiness().details["items"]["通讯工具"]) == ("open", False)
    record(at=START + 2 * DAY)
    assert (readiness().standing, readiness().verifier_id is not None) == ("verified", True)
    record(at=START + 3 * DAY, mode="unannounced", by="bureau", answers=answers(readiness=Answer(ready=["人员"])))
    assert readiness().standing == "verified"  # not yet released: nobody can tell



def emission(values, **more):
    return record(by="bureau", mode="emission", boiler=Boiler.objects.get(code="demo-boiler-1"), values=values, answers={}, **more)


@pytest.mark.clause("D5.1", "D5.2")
def test_emissions_over_the_limit_open_a_finding_by_themselves():
    good = emission({"nox": "50", "so2": "20", "dust": "10"})
    assert (any(row["is_over"] for row in good.values), Finding.objects.count()) == (False, 0)
    poor = emission({"nox": "50.1", "so2": "3", "dust": "2"}, at=START + 2 * DAY)
    finding = Finding.objects.get()
    assert (finding.source, finding.unit.code, finding.verifier.code) == ("emission", "demo-heating-1", "urban-management")
    assert poor.values[0]["finding"] == finding.number
    for values in ({"nox": "-1", "so2": "1", "dust": "1"}, {"nox": "1"}, {"nox": "1e400", "so2": "1", "dust": "1"}):
        with pytest.raises(Invalid):
            emission(values)


@pytest.mark.clause("D1.5")
def test_a_joint_inspection_scores_four_subjects_and_makes_the_seasons_assessment():
    scores = {"安全生产": "95", "供热质量": "88", "供热服务": "90", "设备检修": "83"}
    with pytest.raises(Invalid):
        record(by="bureau", mode="joint", scores=scores)
    housing = [story.unit("housing-construction")]
    with pytest.raises(Invalid):
        record(by="bureau", mode="joint", scores={**scores, "供热质量": "101"}, participants=housing)
    one = record(by="bureau", mode="joint", scores=scores, participants=housing)
    assert not one.dues.exists()
    rows = inspection_selectors.assessment(story.user("bureau"), at=START + 2 * DAY)
    assert [(row["company"].code, row["mean"], row["grade"]) for row in rows] == [("demo-heating-1", 89, "良好")]
    assert inspection_selectors.assessment(story.user("heating2"), at=START + 2 * DAY) == []
    assert inspection_selectors.to_see(story.user("housing"), one.number) == one


@pytest.mark.clause("I10")
def test_an_unannounced_visit_is_hidden_from_the_inspected_until_it_is_released():
    notices = Notice.objects.count()
    one = record(by="bureau", mode="unannounced", answers=answers(gauges=bad()))
    company = story.user("heating1")
    assert (Finding.objects.count(), Notice.objects.count()) == (0, notices)
    with pytest.raises(NotFound):
        inspection_selectors.to_see(company, one.number)
    assert inspection_selectors.visible(company).count() == 0
    client = story.browser("heating1")
    assert client.get(f"/inspections/{one.number}/").status_code == 404
    assert one.number not in client.get("/inspections/records/").content.decode()
    assert one.number not in client.get("/inspections/records/?format=xlsx").content.decode(errors="replace")
    assert story.browser("street").get(f"/inspections/{one.number}/").status_code == 404
    with pytest.raises(Forbidden):
        inspections.release(one, actor=story.user("street"), at=START + 3 * DAY)
    inspections.release(one, actor=story.user("bureau"), at=START + 10 * DAY)
    assert inspection_selectors.to_see(company, one.number)
    finding = Finding.objects.get()
    assert finding.due_at > START + 10 * DAY
    with pytest.raises(Conflict):
        inspections.release(one, actor=story.user("bureau"), at=START + 11 * DAY)


@pytest.mark.clause("E12", "D8.4", "D1.3")
def test_special_inspections_have_the_plans_own_lists():
    for topic in ("energy", "safety"):
        said = {f"{topic}-{number}": Answer(state="ok") for number in range(1, 5)}
        assert record(by="bureau", mode="special", topic=topic, answers=said).topic == topic
    community = Community.objects.get(code="demo-community-8")
    said = {f"heritage-{number}": Answer(state="ok") for number in range(1, 5)} | {"heritage-2": bad(note="燃煤散烧")}
    one = record(by="bureau", mode="special", topic="heritage", plant=None, community=community, answers=said)
    assert (one.street.code, Finding.objects.get().community) == ("street-hancheng", community)
    with pytest.raises(Invalid):
        record(by="bureau", mode="special", topic="nothing")


def test_what_no_item_names_may_be_somebody_elses():
    other = Other("物业擅自关阀", story.unit("demo-property-1"), date(2025, 11, 22))
    record(others=[other])
    assert (Finding.objects.get().unit.code, Finding.objects.get().title) == ("demo-property-1", "物业擅自关阀")


# ---------------------------------------------------------------- who


@pytest.mark.clause("E7")
@pytest.mark.parametrize("username", ["heating1", "heating2", "viewer", "admin", "property1", "bureau", "dispatcher"])
def test_only_the_street_in_charge_inspects_weekly(username):
    with pytest.raises(Forbidden):
        record(by=username)


def test_a_street_does_not_inspect_where_another_is_in_charge():
    with pytest.raises(Forbidden):
        record(plant=plant("demo-plant-3"))


def test_a_company_sees_the_rows_of_its_own_facilities_only():
    inspections.generate(at=START)
    seen = inspection_selectors.visible_dues(story.user("heating1"))
    assert set(seen.values_list("plant__company__code", flat=True)) == {"demo-heating-1"}
    assert not inspection_selectors.visible_dues(story.user("property1")).exists()
    assert not inspection_selectors.visible_dues(story.user("admin")).exists()
    assert set(inspection_selectors.visible_dues(story.user("street")).values_list("street__code", flat=True)) == {"street-weiyanggong"}


@pytest.mark.clause("E7")
def test_the_matrix_and_the_counts_agree():
    inspections.generate(at=START + WEEK)
    record()
    record(plant=plant("demo-gas-1"), answers={"gas-leak": bad(), "gas-on-site": Answer(state="ok"), "gas-pressure": Answer(value="12")})
    user = story.user("bureau")
    rows = inspection_selectors.matrix(user, [MONDAY], at=START + 8 * DAY)
    mine = [row.cells[0].shown for row in rows if row.street.code == "street-weiyanggong"]
    count = next(one for one in inspection_selectors.week_by_street(user, START + 8 * DAY, MONDAY) if one.street.code == "street-weiyanggong")
    assert (mine, count.total, count.done, count.missed, count.findings) == (["done", "done"], 2, 2, 0, 1)
    assert {row.cells[0].shown for row in rows if row.street.code != "street-weiyanggong"} == {"missed"}


# ---------------------------------------------------------------- doors


def now_is(monkeypatch, at):
    monkeypatch.setattr("core.clock.now", lambda: at)


def posted(**changed) -> dict:
    said = {f"state-{code}": "ok" for code in ("running", "gauges", "records", "ledger", "gas-leak", "gas-on-site")}
    said |= {"value-supply-celsius": "58.2", "value-return-celsius": "43.0", "value-supply-pressure": "0.42", "value-gas-pressure": "12"}
    said |= {"ready-readiness": ["人员", "车辆", "工具", "材料", "备件", "通讯工具"], "call": "answered", "companion": "陈工", "refusal": "拒签"}
    said |= {"client_id": str(uuid.uuid4()), "visited_at": "2025-11-18T00:00", "place": "34.30,108.93,10"}
    return said | changed


FORM = "/inspections/new/?plant=demo-plant-1"


@pytest.mark.clause("E7", "E8", "G4")
def test_the_plain_form_records_a_visit_and_keeps_what_was_typed_when_something_is_missing(monkeypatch):
    now_is(monkeypatch, START + DAY)
    inspections.generate(at=START)
    client = story.browser("inspector")
    page = client.get(FORM).content.decode()
    assert "锅炉、水泵运行平稳" in page and 'data-item="signature"' in page
    answer = client.post(FORM, posted(**{"state-gauges": "", "value-supply-celsius": "582", "note": "锅炉房地面湿滑"}))
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "请核对是否抄错" in text and 'value="582"' in text and "锅炉房地面湿滑" in text and not Inspection.objects.exists()
    bad_one = {"state-gauges": "bad", "severity-gauges": "general", "note-gauges": "标签过期", "due-gauges": "2025-11-21", "photo-gauges": photo()}
    answer = client.post(FORM, posted(**bad_one))
    one = Inspection.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, one.get_absolute_url())
    page = client.get(answer["Location"]).content.decode()
    assert "标签过期" in page and "距厂站" in page
    picture = next(row for row in one.checklist if row["code"] == "gauges")["photos"][0]
    address = f"{one.get_absolute_url()}files/{picture}/"
    seen = {}
    for name in ("inspector", "bureau", "heating1", "heating2", "property1", "admin"):
        answer = story.browser(name).get(address)
        seen[name] = answer.status_code
        if answer.streaming:
            assert b"".join(answer.streaming_content).startswith(b"\xff\xd8")
    assert seen == {"inspector": 200, "bureau": 200, "heating1": 200, "heating2": 404, "property1": 404, "admin": 404}
    assert story.browser("heating1").get(one.get_absolute_url()).content.decode().count("距厂站") == 0


@pytest.mark.clause("E7")
def test_the_queue_sends_the_same_form_and_is_answered_in_json_once(monkeypatch):
    now_is(monkeypatch, START + DAY)
    client, said = story.browser("inspector"), posted()
    numbers = {client.post(FORM, said, headers={"Accept": "application/json"}).json()["number"] for _ in range(2)}
    assert len(numbers) == 1
    refused = client.post(FORM, posted(companion=""), headers={"Accept": "application/json"})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["item-signature"])
    assert client.get("/inspections/token/").json()["user"] == str(story.user("inspector").pk)
    assert story.Client().get("/inspections/token/").status_code == 403
    assert client.get("/inspection-worker.js")["Content-Type"].startswith("text/javascript")


@pytest.mark.clause("E7", "D1.5")
def test_each_sees_the_pages_that_are_theirs(monkeypatch):
    now_is(monkeypatch, START + DAY)
    inspections.generate(at=START)
    record()
    for username, status in [("bureau", 200), ("street", 200), ("heating1", 200), ("viewer", 200), ("admin", 403)]:
        client = story.browser(username)
        for path in ("/inspections/", "/inspections/?format=xlsx", "/inspections/records/", "/inspections/records/?format=xlsx", "/inspections/assessment/", "/inspections/assessment/?format=xlsx"):
            assert client.get(path).status_code == status, (username, path)
    assert "演示二热力" not in story.browser("heating1").get("/inspections/").content.decode()
    assert story.Client().get("/inspections/").status_code == 302
    assert story.browser("heating1").get(FORM).status_code == 403
    assert story.browser("inspector").get("/inspections/new/?plant=demo-plant-3").status_code == 404
    for path in ("/inspections/new/", "/inspections/new/?mode=special&topic=heritage", "/inspections/new/?plant=demo-plant-1&mode=joint",
                 "/inspections/new/?plant=demo-plant-1&mode=emission", "/inspections/new/?mode=unannounced&plant=demo-gas-1"):
        assert story.browser("bureau").get(path).status_code == 200, path
    for path in ("/inspections/?week=2025-W99", "/inspections/?week=x", "/inspections/new/?plant=demo-plant-1&mode=special&topic=zz"):
        assert story.browser("bureau").get(path).status_code == 400, path


@pytest.mark.clause("I10", "D1.5")
def test_the_bureau_scores_releases_and_settles_times_on_the_page(monkeypatch):
    now_is(monkeypatch, START + DAY)
    client = story.browser("bureau")
    scores = {"score-0": "90", "score-1": "90", "score-2": "90", "score-3": "90", "participants": ["housing-construction"]}
    assert client.post(FORM + "&mode=joint", posted(**scores)).status_code == 302
    assert "优秀" in client.get("/inspections/assessment/").content.decode()
    assert client.post(FORM + "&mode=unannounced", posted()).status_code == 302
    hidden = Inspection.objects.get(mode="unannounced")
    assert "公开并列入台账" in client.get(hidden.get_absolute_url()).content.decode()
    assert client.post(f"{hidden.get_absolute_url()}release/").status_code == 302
    assert story.browser("heating1").get(hidden.get_absolute_url()).status_code == 200
    late = record(at=START + 2 * DAY, device_time=START + DAY)
    assert client.post(f"{late.get_absolute_url()}verify/", {"note": ""}).status_code == 422
    assert client.post(f"{late.get_absolute_url()}verify/", {"note": "门禁记录"}).status_code == 302
    inspections.generate(at=START)
    row = due(code="demo-gas-1")
    assert client.post(f"/inspections/dues/{row.pk}/drop/", {"reason": "停用"}).status_code == 302


def wired(**more) -> dict:
    items = ("running", "gauges", "records", "ledger", "gas-leak", "gas-on-site", "supply-celsius", "return-celsius", "supply-pressure", "gas-pressure", "readiness", "duty-phone")
    checklist = [{"item": item, "ok": True} for item in items] + [{"item": "企业陪同人签字", "ok": None, "note": "纸质签字"}]
    return {"plant": "demo-plant-1", "visited_at": "2025-11-18T09:00:00+08:00", "checklist": checklist, **more}


@pytest.mark.clause("E7", "I10")
def test_the_wire_records_and_shows_the_matrix_to_each_their_own(monkeypatch):
    now_is(monkeypatch, START + DAY + 10 * HOUR)
    inspections.generate(at=START)
    street = story.Caller("street-weiyanggong", "inspector")
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    body = wired(client_id=str(uuid.uuid4()), findings=[{"title": "物业关阀", "severity": "general", "due_on": "2025-11-20", "unit": "demo-property-1"}],
                 photos=[base64.b64encode(out.getvalue()).decode()])  # fmt: skip
    first, again = street.post("inspections/", body), street.post("inspections/", body)
    assert (first.status_code, again.status_code, first.json()["number"]) == (201, 200, again.json()["number"])
    assert first.json()["weeks"] == ["2025-W47"]
    out = io.BytesIO()
    Image.effect_noise((2200, 2200), 90).save(out, "PNG")
    large = street.post("inspections/", wired(client_id=str(uuid.uuid4()), photos=[base64.b64encode(out.getvalue()).decode()]))
    assert len(out.getvalue()) > 4_000_000 and large.status_code == 201, "a telephone's photo"
    matrix = street.get("inspections/matrix/", week="2025-W47").json()
    assert {row["plant"]: row["state"] for row in matrix["rows"]} == {"demo-plant-1": "done", "demo-gas-1": "open"}
    other = story.Caller("demo-heating-2", "handler")
    assert {row["plant"] for row in other.get("inspections/matrix/", week="2025-W47").json()["rows"]} == {"demo-plant-3", "demo-plant-4"}
    assert other.get(f"inspections/{first.json()['number']}/").status_code == 404
    assert other.get("inspections/").json()["results"] == []
    assert other.post("inspections/", wired()).status_code == 403
    assert story.Caller("urban-management", "admin").get("inspections/matrix/").status_code == 403


@pytest.mark.clause("E7")
@pytest.mark.parametrize(
    "changed",
    [{"plant": "x"}, {"plant": "\u0000"}, {"checklist": []}, {"checklist": [{"item": "running", "ok": "maybe"}]}, {"checklist": {}}, {"visited_at": "yesterday"}, {"visited_at": "2030-01-01"},
     {"visited_at": 10**30}, {"photos": ["***"]}, {"photos": ["aGVsbG8="]}, {"findings": [{"title": "a", "due_on": "2025-11-20", "unit": "nobody"}]}, {"client_id": "1"},
     {"findings": [{"title": "a", "due_on": "2999-11-20"}]}, {"mode": "joint"}, {"mode": "weekly", "checklist": [{"item": "running", "ok": False}]}],
)  # fmt: skip
def test_nothing_on_the_wire_breaks_it(monkeypatch, changed):
    now_is(monkeypatch, START + DAY + 10 * HOUR)
    assert 400 <= story.Caller("street-weiyanggong", "inspector").post("inspections/", wired(**changed)).status_code < 500
    assert not Inspection.objects.exists()
