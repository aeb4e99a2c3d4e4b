"""The register of the heated city: who answers for what, what it lacks, who may see and mend it, and how tables enter it."""

import io
from datetime import date, timedelta

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core import journal
from core.errors import Conflict, Forbidden, Invalid
from core.workbook import Sheet, workbook
from plants import defects, register, register_imports
from plants.models import Boiler, Charge, Community, Management, Meter, Network, Plant, RegisterImport
from plants.register_kinds import BOILERS, CHARGES, COMMUNITIES, METERS, NETWORKS, PLANTS
from tests import story
from tests.story import NOON

pytestmark = pytest.mark.django_db
TODAY = date(2025, 11, 14)


def bureau():
    return story.user("bureau")


def place(code: str = "demo-community-1") -> Community:
    return Community.objects.get(code=code)


def plant(code: str = "demo-plant-1") -> Plant:
    return Plant.objects.get(code=code)


def change(kind, row, **values):
    return register.save(kind, values, row=row, actor=bureau(), at=NOON)


def lacks(code: str, by: str = "bureau") -> set[str]:
    return {row.code for row in defects.found(story.user(by), today=TODAY, code=code)[0].rows}


def table(kind, *rows) -> bytes:
    return workbook(Sheet(kind.label, [(name, 12) for name in rows[0]], rows[1:]))


def imported(kind, *rows):
    job = register_imports.upload(table(kind, *rows), "底册.xlsx", kind=kind, actor=bureau(), at=NOON)
    register_imports.agree_columns(job, job.mapping, actor=bureau(), at=NOON)
    outcome = register_imports.run(job, actor=bureau(), at=NOON)
    return job, outcome


# ---------------------------------------------------------------- defects


@pytest.mark.clause("B4")
def test_a_community_without_company_street_or_plant_is_a_defect_until_it_is_mended():
    Community.objects.filter(code="demo-community-1").update(company=None, street=None, plant=None)
    for name in ("company", "street", "plant"):
        assert "demo-community-1" in lacks(f"community-{name}")
    change(COMMUNITIES, place(), company=story.unit("demo-heating-1"), street=story.unit("street-weiyanggong"), plant=plant())
    for name in ("company", "street", "plant"):
        assert "demo-community-1" not in lacks(f"community-{name}")


@pytest.mark.clause("B4")
def test_a_plant_without_company_or_checking_street_and_two_names_for_one_place_are_defects():
    Plant.objects.filter(code="demo-plant-1").update(company=None)
    Charge.objects.filter(plant=plant()).update(until=TODAY - timedelta(days=1))
    assert "demo-plant-1" in lacks("plant-company") and "demo-plant-1" in lacks("plant-charge")
    one = place()
    change(COMMUNITIES, one, aliases=["老院子"])
    twin, _ = register.save(COMMUNITIES, {"name": "老院子", "street": one.street, "company": one.company}, actor=bureau(), at=NOON)
    assert lacks("community-twin") == {one.code, twin.code}
    register.one_name(one, twin, reason="同一小区", actor=bureau(), at=NOON)
    assert lacks("community-twin") == set()
    assert not Community.objects.get(pk=twin.pk).is_active and journal.of(twin).filter(act="register_stop").exists()


@pytest.mark.clause("G20")
def test_each_community_has_a_named_heat_manager_whom_its_company_keeps():
    Community.objects.filter(code="demo-community-1").update(heat_manager="", heat_manager_phone="")
    assert "demo-community-1" in lacks("community-manager") and "demo-community-1" in lacks("community-manager", "heating1")
    answer = story.browser("heating1").post("/plants/communities/demo-community-1/edit/", {"heat_manager": "李管理", "heat_manager_phone": "029-86000001", "name": "改不了"})
    assert answer.status_code == 302
    assert (place().heat_manager, place().heat_manager_phone, place().name) == ("李管理", "029-86000001", place().name)
    assert place().name != "改不了" and "demo-community-1" not in lacks("community-manager")
    entry = journal.of(place()).last()
    assert entry.act == "register_change" and "李管理" not in str(entry.data)
    assert story.browser("heating2").get("/plants/communities/demo-community-1/edit/").status_code == 404
    with pytest.raises(Forbidden):
        register.keep(COMMUNITIES, place(), {"heat_manager": "别人"}, actor=story.user("heating2"), at=NOON)


@pytest.mark.clause("G9")
def test_each_heat_source_of_the_four_has_its_capacity_and_a_gas_boiler_its_daily_gas():
    assert set(Boiler.objects.values_list("source", flat=True)) == {"gas", "coal", "cogeneration", "sewage"}
    Boiler.objects.filter(code="demo-boiler-1").update(gas_m3_per_day=None)
    assert lacks("boiler-gas") == {"demo-boiler-1"}
    with pytest.raises(Invalid) as fault:
        change(BOILERS, Boiler.objects.get(code="demo-boiler-4"), gas_m3_per_day=1000)
    assert "gas_m3_per_day" in fault.value.fields
    with pytest.raises(Invalid):
        change(BOILERS, Boiler.objects.get(code="demo-boiler-1"), capacity_mw=0)


@pytest.mark.clause("D8.2", "D8.3")
def test_a_boiler_without_registration_or_near_its_inspection_is_told():
    Boiler.objects.filter(code="demo-boiler-1").update(registration_no="", inspected_until=TODAY - timedelta(days=1))
    Boiler.objects.filter(code="demo-boiler-2").update(inspected_until=TODAY + timedelta(days=30))
    Boiler.objects.filter(code="demo-boiler-3").update(inspected_until=TODAY + timedelta(days=31))
    assert lacks("boiler-registration") == {"demo-boiler-1"}
    assert lacks("boiler-overdue") == {"demo-boiler-1"} and lacks("boiler-soon") == {"demo-boiler-2"}


@pytest.mark.clause("D8.6", "G12")
def test_meters_and_old_pipes_come_by_table_and_are_told_when_due():
    imported(METERS, ["小区", "名称", "检定有效期至"], ["demo-community-1", "总表", "2025-11-30"], ["demo-community-2", "总表", "2025-11-01"])
    assert len(lacks("meter-soon")) == 1 and len(lacks("meter-overdue")) == 1
    assert "demo-network-4" in lacks("network-old")
    imported(NETWORKS, ["代码", "名称", "企业", "级别", "改造项目"], ["demo-network-4", "演示谭家一次网", "demo-heating-2", "一次网", "2026 年更新工程"])
    assert "demo-network-4" not in lacks("network-old") and Network.objects.get(code="demo-network-4").built_in == 1999
    page = story.browser("bureau").get("/plants/networks/?old=1").content.decode()
    assert "2026 年更新工程" in page


# ---------------------------------------------------------------- from a day to a day


@pytest.mark.clause("D3.11")
def test_how_a_community_is_managed_changes_from_a_day_on_and_history_stays():
    Management.objects.filter(community=place()).delete()
    register.manage(place(), "property", since=date(2024, 10, 1), reason="初次登记", actor=bureau(), at=NOON)
    Community.objects.filter(pk=place().pk).update(property_manager=None)
    assert place().code in lacks("community-property")
    browser = story.browser("bureau")
    assert browser.post("/plants/communities/demo-community-1/manage/", {"mode": "direct", "since": "2025-11-20", "reason": "移交直管"}).status_code == 302
    assert [(one.mode, one.since, one.until) for one in Management.objects.filter(community=place()).order_by("since")] == [
        ("property", date(2024, 10, 1), date(2025, 11, 20)), ("direct", date(2025, 11, 20), None),
    ]  # fmt: skip
    answer = browser.post("/plants/communities/demo-community-1/manage/", {"mode": "property", "since": "2023-01-01", "reason": "写错"})
    assert answer.status_code == 422 and "写错" in answer.content.decode()
    assert story.browser("heating1").post("/plants/communities/demo-community-1/manage/", {"mode": "property", "since": "2025-12-01", "reason": "不管"}).status_code == 403
    assert Management.objects.filter(community=place()).count() == 2


@pytest.mark.clause("D3.8", "D3.12")
def test_a_contract_and_the_day_of_first_registration_stand_with_the_community():
    Management.objects.filter(community=place()).delete()
    register.manage(place(), "property", since=date(2024, 10, 1), reason="初次登记", actor=bureau(), at=NOON)
    assert place().code in lacks("community-contract")
    change(COMMUNITIES, place(), contract_no="供热合同 2025-018", is_new_project=True, first_registered_on=date(2025, 12, 1))
    assert place().code not in lacks("community-contract")
    page = story.browser("bureau").get("/plants/communities/demo-community-1/").content.decode()
    assert "供热合同 2025-018" in page and "2025" in page
    assert place().name in story.browser("bureau").get("/plants/communities/?list=new_project").content.decode()


def test_streets_take_turns_in_checking_a_plant_and_each_turn_stays():
    browser, held = story.browser("bureau"), Charge.objects.get(plant=plant())
    assert browser.post(f"/plants/charges/{held.pk}/end/", {"end-until": "2025-11-14", "end-reason": "区划调整"}).status_code == 302
    assert browser.post("/plants/plants/demo-plant-1/charge/", {"street": "street-xujiawan", "since": "2025-11-15", "reason": "区划调整"}).status_code == 302
    rows = [(one.street.code, one.since, one.until) for one in Charge.objects.filter(plant=plant()).order_by("since")]
    assert rows[0][0::2] == ("street-weiyanggong", date(2025, 11, 14)) and rows[1] == ("street-xujiawan", date(2025, 11, 15), None)
    with pytest.raises(Conflict):
        register.put_in_charge(plant(), story.unit("street-xujiawan"), since=date(2025, 12, 1), reason="再来", actor=bureau(), at=NOON)
    assert journal.of(plant()).filter(act__in=("charge_begin", "charge_end")).count() == 2


def test_nothing_is_deleted_but_put_out_of_use_with_a_reason():
    with pytest.raises(Conflict):
        register.put_out_of_use(PLANTS, plant(), reason="关停", actor=bureau(), at=NOON)
    browser, row = story.browser("bureau"), Boiler.objects.get(code="demo-boiler-2")
    assert browser.post("/plants/boilers/demo-boiler-2/stop/", {"stop-reason": ""}).status_code == 422
    assert browser.post("/plants/boilers/demo-boiler-2/stop/", {"stop-reason": "报废"}).status_code == 302
    row.refresh_from_db()
    assert (row.is_active, row.inactive_reason) == (False, "报废")
    assert "demo-boiler-2" not in browser.get("/plants/boilers/").content.decode() and "demo-boiler-2" in browser.get("/plants/boilers/?inactive=1").content.decode()
    browser.post("/plants/boilers/demo-boiler-2/stop/", {"stop-reason": "修复"})
    row.refresh_from_db()
    assert row.is_active


# ---------------------------------------------------------------- lists


@pytest.mark.clause("B6", "D17.1", "E12")
def test_special_users_the_overlay_area_and_the_heritage_zone_are_lists():
    change(COMMUNITIES, place("demo-community-2"), is_heritage=True, is_moved_in_without_heat=True, is_renewal=True, overlay=story.unit("daxing-committee"))
    browser = story.browser("bureau")
    school, other = place("demo-school-1").name, place("demo-community-3").name
    special = browser.get("/plants/communities/?list=special").content.decode()
    assert school in special and other not in special
    for query in ("list=heritage", "list=moved_in", "list=renewal", "overlay=daxing-committee"):
        page = browser.get(f"/plants/communities/?{query}").content.decode()
        assert place("demo-community-2").name in page and other not in page, query


# ---------------------------------------------------------------- who sees what


@pytest.mark.clause("B4")
def test_a_company_learns_of_no_other_companys_rows_by_any_door():
    browser, foreign = story.browser("heating1"), "演示二热力"
    for path in ("/plants/", "/plants/boilers/", "/plants/networks/", "/plants/communities/", "/plants/charges/", "/plants/meters/", "/plants/defects/"):
        page = browser.get(path)
        assert page.status_code == 200, path
        assert foreign not in page.content.decode(), path
    for path in ("/plants/plants/demo-plant-3/", "/plants/boilers/demo-boiler-5/", "/plants/networks/demo-network-3/", "/plants/communities/demo-community-4/"):
        assert browser.get(path).status_code == 404, path
    for kind in ("plants", "boilers", "networks", "communities", "charges"):
        book = openpyxl.load_workbook(io.BytesIO(browser.get(f"/plants/{kind}/?format=xlsx").content))
        assert all(foreign not in str(cell) for row in book.active.iter_rows(values_only=True) for cell in row), kind
    assert browser.get("/plants/communities/?company=demo-heating-2").content.decode().count("演示二") == 0
    assert browser.get("/plants/plants/new/").status_code == 403 and browser.get("/plants/imports/").status_code == 403


def test_a_street_sees_its_territory_an_administrator_and_a_visitor_nothing():
    inspector = story.browser("inspector")
    assert "demo-plant-1" in inspector.get("/plants/").content.decode() and "demo-plant-3" not in inspector.get("/plants/").content.decode()
    assert inspector.get("/plants/communities/demo-community-4/").status_code == 404
    assert story.browser("admin").get("/plants/").status_code == 403
    assert story.browser("admin").get("/plants/defects/").status_code == 403


@pytest.mark.parametrize("path", ["/plants/odd/", "/plants/plants/no-such/", "/plants/imports/99999999999999999999/", "/plants/charges/x/", "/plants/communities/?cursor=zz", "/plants/?q=%00"])
def test_odd_addresses_are_refused_and_break_nothing(path):
    assert story.browser("bureau").get(path).status_code in (200, 400, 404)


# ---------------------------------------------------------------- tables


@pytest.mark.clause("B4")
def test_a_table_goes_from_upload_to_preview_to_what_is_right_and_back_with_what_is_wrong():
    browser = story.browser("bureau")
    rows = [["小区名称", "所属街道", "供热企业", "热源厂站", "户数", "备注"],
            ["新苑", "未央宫街道", "demo-heating-1", "演示一热力北辰锅炉房", 320, "x"],
            ["无街小区", "没有的街道", "demo-heating-1", "", "", ""], ["坏数", "未央宫街道", "demo-heating-1", "", "很多", ""]]  # fmt: skip
    file = SimpleUploadedFile("小区.xlsx", table(COMMUNITIES, *rows))
    answer = browser.post("/plants/imports/", {"kind": "communities", "file": file})
    job = RegisterImport.objects.get()
    assert answer.status_code == 302 and job.mapping == {"0": "name", "1": "street", "2": "company", "3": "plant", "4": "households"}
    assert browser.post(f"/plants/imports/{job.pk}/", {"column_1": "street"}).status_code == 422
    browser.post(f"/plants/imports/{job.pk}/", {f"column_{column}": name for column, name in job.mapping.items()})
    page = browser.get(f"/plants/imports/{job.pk}/").content.decode()
    assert "导入正确的 1 行" in page and "没有的街道" in page and not Community.objects.filter(name="新苑").exists()
    assert browser.post(f"/plants/imports/{job.pk}/run/").status_code == 302
    made = Community.objects.get(name="新苑")
    assert (made.street.code, made.company.code, made.plant.code, made.households) == ("street-weiyanggong", "demo-heating-1", "demo-plant-1", 320)
    job.refresh_from_db()
    assert job.counts == {"rows": 3, "created": 1, "updated": 0, "unchanged": 0, "wrong": 2} and job.rows == []
    book = openpyxl.load_workbook(io.BytesIO(browser.get(f"/plants/imports/{job.pk}/wrong/").content)).active
    last = list(book.iter_rows(values_only=True))
    assert last[0][-3:] == ("行号", "字段", "原因") and last[1][0] == "无街小区" and last[1][-2] == "街道" and "没有的街道" in last[1][-1]
    assert browser.post(f"/plants/imports/{job.pk}/run/").status_code == 409
    assert browser.post(f"/plants/imports/{job.pk}/delete/").status_code == 404


def test_the_same_file_twice_changes_nothing():
    rows = (["厂站", "街道", "起"], ["demo-plant-2", "街道不对", "2025-11-01"], ["demo-plant-2", "street-xujiawan", "2025-11-01"])
    assert imported(CHARGES, *rows)[1].created == 1
    assert (imported(CHARGES, *rows)[1].created, imported(CHARGES, *rows)[1].unchanged) == (0, 1)
    rows = (["厂站", "名称", "热源", "额定热功率"], ["demo-plant-1", "3 号炉", "天然气锅炉", 14.5])
    assert imported(BOILERS, *rows)[1].created == 1
    before = journal.head()
    assert imported(BOILERS, *rows)[1].unchanged == 1
    assert Boiler.objects.filter(name="3 号炉").count() == 1 and journal.head()[0] > before[0]
    assert not journal.of(Boiler.objects.get(name="3 号炉")).filter(act="register_change").exists()


def test_what_the_list_exports_can_be_imported_again_without_a_change():
    browser = story.browser("bureau")
    for kind in (PLANTS, BOILERS, NETWORKS, COMMUNITIES):
        raw = browser.get(f"/plants/{kind.code}/?format=xlsx").content
        job = register_imports.upload(raw, "导出.xlsx", kind=kind, actor=bureau(), at=NOON)
        register_imports.agree_columns(job, job.mapping, actor=bureau(), at=NOON)
        outcome = register_imports.preview(job, at=NOON)
        assert outcome.faults == [] and outcome.created == outcome.updated == 0, (kind.code, outcome.faults[:3])
        assert browser.get(f"/plants/imports/templates/{kind.code}/").status_code == 200


def test_a_gap_in_the_same_file_or_an_odd_file_costs_only_itself():
    with pytest.raises(Invalid):
        register_imports.upload(b"hello", "x.csv", kind=PLANTS, actor=bureau(), at=NOON)
    with pytest.raises(Forbidden):
        register_imports.upload(table(PLANTS, ["名称", "类别"], ["a", "b"]), "x.xlsx", kind=PLANTS, actor=story.user("heating1"), at=NOON)
    _, outcome = imported(
        PLANTS, ["名称", "类别", "企业", "所属厂站"], ["新热源", "热源厂站", "demo-heating-1", ""], ["新站", "换热站", "demo-heating-1", "新热源"],
        ["新站", "换热站", "demo-heating-1", "新热源"], ["错站", "热源", "demo-heating-1", ""],
    )  # fmt: skip
    assert outcome.created == 2 and len(outcome.faults) == 2
    assert Plant.objects.get(name="新站").parent.name == "新热源"


def test_every_page_of_the_register_opens_for_its_keeper():
    Meter.objects.create(code="demo-meter-1", name="总表", community=place())
    browser = story.browser("bureau")
    paths = ["", "plants/demo-plant-1/", "communities/demo-community-1/", "boilers/demo-boiler-1/", "networks/demo-network-1/", "meters/demo-meter-1/", "plants/new/", "communities/new/",
             "boilers/new/", "networks/new/", "meters/new/", "communities/demo-community-1/edit/", "boilers/demo-boiler-1/edit/", "defects/", "imports/", "defects/?format=xlsx"]  # fmt: skip
    for path in paths:
        assert browser.get(f"/plants/{path}").status_code == 200, path
    answer = browser.post("/plants/boilers/new/", {"plant": "demo-plant-1", "name": "4 号炉", "source": "gas", "capacity_mw": "29", "gas_m3_per_day": "72000"})
    assert answer.status_code == 302 and Boiler.objects.get(name="4 号炉").code.startswith("boiler-")
    assert browser.post("/plants/boilers/new/", {"plant": "demo-plant-1", "name": "5 号炉", "source": "gas", "capacity_mw": "x"}).status_code == 422
