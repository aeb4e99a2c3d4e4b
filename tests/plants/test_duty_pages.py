"""The pages of duty: who sees whose roster, what the matrix counts, and that a planned call is nobody's but the district's."""

import io
from datetime import timedelta

import openpyxl
import pytest
from django.test import Client

from core import civil, clock
from notices.models import Notice
from plants import site_watch, spot_calls
from plants.models import SpotCall
from tests import story
from tests.story import DAY, HOUR, NOON
from units import access, duty_selectors, phones, shifts, training
from units.models import DutyPost, DutyShift, Worker
from units.shifts import PostPlan
from units.training import Course, Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def at():
    return clock.now()


def post_of(at, code="demo-heating-1", **more) -> DutyPost:
    said = {"name": "服务电话", "kind": "phone", "since": civil.day_bounds(civil.day_of(at))[0] - 10 * DAY, **more}
    return shifts.add_post(story.unit(code), PostPlan(**said), actor=None, at=at)


def somebody(at, name="朱志强", code="demo-heating-1", user=None) -> Worker:
    training.record(story.unit(code), [Person(name)], Course("pre_job", "上岗", civil.day_of(at) - 10 * DAY), actor=None, at=at)
    return training.engage(story.unit(code), Person(name), user=user, actor=None, at=at)


def sheets(answer) -> dict[str, list[tuple]]:
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return {sheet.title: list(sheet.values) for sheet in book}


@pytest.mark.clause("I12")
def test_the_matrix_shows_hours_uncovered_and_units_without_a_post(at, django_assert_max_num_queries):
    monday = civil.day_of(at) - timedelta(days=civil.day_of(at).weekday())
    start = civil.day_bounds(monday)[0]
    post = post_of(at, since=start)
    for day in range(7):
        shifts.put_on(post, somebody(at), start + day * DAY, start + day * DAY + (24 if day else 18) * HOUR + (timedelta() if day else timedelta(minutes=30)), actor=None, at=at)
    units = [story.unit("demo-heating-1"), story.unit("demo-heating-2"), story.unit("finance")]
    with django_assert_max_num_queries(3):
        rows = {row.unit.code: row for row in duty_selectors.matrix(units, monday, at=at)}
    assert [cell.hours if cell.uncovered else "" for cell in rows["demo-heating-1"].cells] == ["5.5", "", "", "", "", "", ""]
    assert not any(cell.has_post for cell in rows["finance"].cells)
    assert not rows["finance"].is_complete
    text = story.browser("bureau").get("/duty/").content.decode()
    for shown in ("缺 5.5 小时", "未设岗", "演示一热力", "区财政局", "张家堡街道", "秦华天然气公司"):
        assert shown in text


@pytest.mark.clause("F6")
def test_each_gas_facility_shows_who_is_on_site_now(at):
    post = post_of(at, "qinhua-gas", name="北辰驻场", kind="on_site", facility="demo-gas-1")
    shifts.put_on(post, somebody(at, "戚建平", "qinhua-gas"), at - HOUR, at + HOUR, actor=None, at=at)
    text = story.browser("bureau").get("/duty/").content.decode()
    for shown in ("演示北辰调压站", "戚建平", "未设驻场岗"):
        assert shown in text
    assert "演示北辰调压站" not in story.browser("heating1").get("/duty/").content.decode()


@pytest.mark.clause("F6")
def test_a_gas_facility_that_nobody_is_posted_at_is_an_alarm_of_the_season():
    season_day = NOON + 5 * DAY
    post_of(NOON, "qinhua-gas", name="北辰驻场", kind="on_site", facility="demo-gas-1")
    site_watch.generate(at=NOON)  # the day before the season
    assert not Notice.objects.filter(kind="roster_unset").exists()
    for moment in (season_day, season_day + HOUR):
        site_watch.generate(at=moment)
    notice = Notice.objects.get(kind="roster_unset", audience="principal")
    assert notice.unit.code == "qinhua-gas" and "演示徐家湾调压站" in notice.body and "演示北辰调压站" not in notice.body and "F6" in notice.body
    desk = Notice.objects.get(kind="roster_unset", audience="bureau")
    assert desk.unit.code == "urban-management" and desk.link == "/duty/?only=gaps" and "演示徐家湾调压站" in desk.body


@pytest.mark.clause("D1.10")
def test_everybody_reads_the_district_s_duty_phone_with_surnames_only(at):
    bureau = story.unit("urban-management")
    number = phones.enter(bureau, "duty", "029-00000001", actor=None, at=at)
    for name, kind, phone in [("张明远", "leader", None), ("李晓航", "phone", number)]:
        post = post_of(at, "urban-management", name=kind, kind=kind, phone=phone)
        shifts.put_on(post, somebody(at, name, "urban-management"), at - HOUR, at + HOUR, actor=None, at=at)
    for username in ("bureau", "heating1", "property1", "admin", "street"):
        text = story.browser(username).get("/duty/").content.decode()
        assert "029-00000001" in text, username
        assert "带班 张** · 值班 李**" in text, username
        assert username == "bureau" or "张明远" not in text, username
    assert "029-00000001" in story.browser("heating1").get("/inbox/").content.decode()


def test_a_company_learns_of_no_other_company_s_roster(at):
    post = post_of(at, "demo-heating-2", name="二热力电话")
    worker = somebody(at, "孔令军", "demo-heating-2")
    shift = shifts.put_on(post, worker, at - HOUR, at + HOUR, actor=None, at=at)
    for username in ("heating1", "property1", "street", "housing", "admin"):
        browser = story.browser(username)
        for path in ("/duty/", "/duty/training/", "/duty/phones/", "/duty/calls/"):
            answer = browser.get(path)
            assert answer.status_code == 200, (username, path)
            assert "孔令军" not in answer.content.decode(), (username, path)
            assert "演示二热力" not in answer.content.decode(), (username, path)
        for path in ("/duty/units/demo-heating-2/", f"/duty/shifts/{shift.pk}/"):
            assert browser.get(path).status_code == 404, (username, path)
        for path in ("units/demo-heating-2/put-on", "units/demo-heating-2/copy", f"shifts/{shift.pk}/swap", f"shifts/{shift.pk}/off", f"people/{worker.pk}/leave"):
            assert browser.post(f"/duty/{path}/", {"reason": "x"}).status_code == 404, (username, path)
        for path in ("/duty/export/", "/duty/training/export/", "/duty/phones/export/", "/duty/calls/export/"):
            said = str(sheets(browser.get(path)))
            assert "孔令军" not in said, (username, path)
            assert "第二热力" not in said, (username, path)
    assert not DutyShift.objects.filter(is_void=True).exists()


def test_the_district_looks_at_a_roster_and_does_not_write_it(at):
    post = post_of(at)
    shift = shifts.put_on(post, somebody(at), at - HOUR, at + HOUR, actor=None, at=at)
    for username in ("bureau", "viewer", "director", "dispatcher"):
        browser = story.browser(username)
        assert browser.get("/duty/units/demo-heating-1/").status_code == 200
        assert browser.get(f"/duty/shifts/{shift.pk}/").status_code == 200
        assert browser.post(f"/duty/shifts/{shift.pk}/off/", {"reason": "x"}).status_code == 403
        assert browser.post("/duty/units/demo-heating-1/put-on/", {}).status_code == 403


@pytest.mark.clause("G14", "G18")
def test_a_company_sets_up_its_roster_in_the_browser(at):
    browser = story.browser("heating1")
    base = "/duty/units/demo-heating-1/"
    start = civil.day_bounds(civil.day_of(at))[0]
    said = {"name": "24 小时服务电话", "kind": "phone", "needs": 1, "since": f"{start:%Y-%m-%dT%H:%M}"}
    assert browser.post(f"{base}posts/", said).status_code == 302
    account = story.user("heating1").pk
    assert browser.post(f"{base}people/", {"name": "朱志强", "phone": "13800000001", "user": account}).status_code == 302
    assert browser.post(f"{base}people/", {"name": "外人", "user": story.user("heating2").pk}).status_code == 422
    worker, post = Worker.objects.get(), DutyPost.objects.get()
    tomorrow = start + DAY
    night = {
        "post": post.pk, "worker": worker.pk, "starts_at": f"{tomorrow + 20 * HOUR:%Y-%m-%dT%H:%M}", "ends_at": f"{tomorrow + 32 * HOUR:%Y-%m-%dT%H:%M}",
        "days": 3, "note": "夜班",
    }  # fmt: skip
    refused = browser.post(f"{base}put-on/", night)
    assert refused.status_code == 422
    assert "没有有效的上岗前培训记录" in refused.content.decode()
    assert "夜班" in refused.content.decode()
    people = {"unit": "demo-heating-1", "kind": "pre_job", "topic": "上岗前培训", "trained_on": civil.day_of(at).isoformat(), "is_passed": "on"}
    assert browser.post("/duty/training/add/", {**people, "people": "朱志强，话务\n秦海燕\t话务\t13800000002\n\n"}).status_code == 302
    assert Worker.objects.count() == 2
    assert browser.post(f"{base}put-on/", night).status_code == 302
    assert DutyShift.objects.count() == 3
    # All or none: the second day collides.
    assert browser.post(f"{base}put-on/", {**night, "starts_at": f"{start + 20 * HOUR:%Y-%m-%dT%H:%M}", "ends_at": f"{start + 32 * HOUR:%Y-%m-%dT%H:%M}"}).status_code == 409
    assert DutyShift.objects.count() == 3
    page = browser.get(base, {"week": civil.day_of(tomorrow).isoformat()}).content.decode()
    assert "朱志强" in page
    assert "138****0001" in page
    assert "13800000001" not in page
    shift = DutyShift.objects.order_by("starts_at").first()
    other = Worker.objects.get(name="秦海燕")
    assert browser.post(f"/duty/shifts/{shift.pk}/swap/", {"worker": other.pk, "reason": ""}).status_code == 422
    assert browser.post(f"/duty/shifts/{shift.pk}/swap/", {"worker": other.pk, "reason": "调班"}).status_code == 302
    new = DutyShift.objects.get(is_void=False, worker=other)
    assert "替 朱志强" in browser.get(f"/duty/shifts/{new.pk}/").content.decode()
    assert browser.post(f"/duty/shifts/{new.pk}/hand-over/", {"text": "早了"}).status_code == 409
    assert browser.post(f"/duty/shifts/{new.pk}/off/", {"reason": "病假"}).status_code == 302
    assert browser.post(f"{base}posts/{post.pk}/end/", {"until": f"{tomorrow + 5 * DAY:%Y-%m-%dT%H:%M}", "reason": "并岗"}).status_code == 302
    assert browser.post(f"/duty/people/{other.pk}/leave/", {"reason": "离职"}).status_code == 302


@pytest.mark.clause("I12")
def test_the_matrix_goes_out_as_a_workbook(at):
    post = post_of(at)
    shifts.put_on(post, somebody(at), at - HOUR, at + HOUR, actor=None, at=at)
    found = sheets(story.browser("bureau").get("/duty/export/"))
    assert any(row[0] == "演示第一热力有限公司" and "缺" in str(row) for row in found["到岗情况"])
    assert any(row[0] == "西安市未央区财政局" and "未设岗" in row for row in found["到岗情况"])
    assert any("朱志强" in row for row in found["班次"])


# ---------------------------------------------------------------- spot calls


def planned(at, code="demo-heating-1", number="029-00000088", hours=-1) -> SpotCall:
    phone = phones.enter(story.unit(code), "service", number, actor=None, at=at)
    phones.publish(phone, actor=None, at=at)
    monday = civil.day_of(at) - timedelta(days=civil.day_of(at).weekday())
    return SpotCall.objects.create(
        company=phone.unit, phone=phone, number=number, week=monday, place=hours + 2, seed="secret-seed", planned_at=at + hours * HOUR, rings_limit=6
    )


@pytest.mark.clause("I15")
def test_the_moment_of_a_planned_call_is_hidden_from_the_company(at):
    call, coming = planned(at), planned(at, number="029-00000089", hours=5)
    browser = story.browser("heating1")
    for one in (call, coming):
        moment = civil.spoken(one.planned_at, reference=at)
        for path in ("/duty/calls/", "/duty/calls/?result=open", "/duty/calls/?result=missed", "/duty/", "/inbox/"):
            text = browser.get(path).content.decode()
            assert f'class="num">{moment}' not in text, path
            assert f"/duty/calls/{one.pk}/" not in text, path
        assert browser.get(f"/duty/calls/{one.pk}/").status_code == 404
        assert browser.post(f"/duty/calls/{one.pk}/tell/", {"result": "answered", "rings": 1}).status_code == 404
    assert len(sheets(browser.get("/duty/calls/export/"))["抽查记录"]) == 1
    assert "secret-seed" not in browser.get("/duty/calls/").content.decode()
    assert len(sheets(story.browser("bureau").get("/duty/calls/export/"))["抽查记录"]) == 3


@pytest.mark.clause("I15")
def test_the_bureau_calls_and_the_company_reads_what_became_of_it(at):
    call = planned(at)
    browser = story.browser("bureau")
    assert "登记结果" in browser.get("/duty/calls/").content.decode()
    assert browser.post(f"/duty/calls/{call.pk}/tell/", {"result": "answered"}).status_code == 422
    assert browser.post(f"/duty/calls/{call.pk}/tell/", {"result": "unanswered", "rings": 20}).status_code == 302
    assert browser.post(f"/duty/calls/{call.pk}/tell/", {"result": "answered", "rings": 1}).status_code == 409
    page = story.browser("heating1").get("/duty/calls/").content.decode()
    assert "无人接听" in page
    assert "0 / 1" in page
    assert "通报候选</span>" not in page
    assert "通报候选</span>" in browser.get("/duty/calls/").content.decode()
    assert story.browser("heating2").get(f"/duty/calls/{call.pk}/").status_code == 404
    assert story.browser("viewer").post(f"/duty/calls/{call.pk}/tell/", {"result": "busy"}).status_code == 403


@pytest.mark.clause("I15")
def test_a_number_is_called_out_of_turn(at):
    phone = planned(at).phone
    for username, status in [("heating1", 403), ("street", 403), ("viewer", 403), ("bureau", 302)]:
        assert story.browser(username).post("/duty/calls/now/", {"phone": phone.pk}).status_code == status, username
    call = SpotCall.objects.get(week=None)
    assert spot_calls.tell(call, result="answered", rings=3, actor=story.user("bureau"), at=call.planned_at).is_passed


def test_a_company_without_a_number_is_named(at):
    assert "没有公开服务电话" in story.browser("bureau").get("/duty/calls/").content.decode()


# ---------------------------------------------------------------- odd callers


@pytest.mark.parametrize(
    "path",
    [
        "/duty/?week=0001-01-01", "/duty/?week=9999-12-31", "/duty/?week=x&kind=%F0%9F%94%A5&only=1", "/duty/calls/?since=2025-13-99&until=x&company=%00x"[:45],
        "/duty/calls/?since=0001-01-01&until=9999-12-31", "/duty/calls/?cursor=abc", "/duty/training/?cursor=abc&unit=x", "/duty/training/?q=%25&kind=x&state=y",
        "/duty/units/urban-management/?week=2100-12-31", "/duty/shifts/999999999999999999999/", "/duty/calls/99999999999999999999/", "/phones/?x=1",
    ],
)  # fmt: skip
def test_odd_addresses_make_no_fault(path):
    assert story.browser("bureau").get(path).status_code < 500


@pytest.mark.parametrize(
    "said",
    [
        {}, {"post": "x", "worker": "-1", "starts_at": "昨天", "ends_at": "", "days": "0"}, {"post": "9" * 30, "worker": "9" * 30, "starts_at": "9999-12-31T23:59", "days": "31"},
        {"starts_at": "2100-12-31T23:00", "ends_at": "2100-12-31T23:59", "days": "31"},
    ],
)  # fmt: skip
def test_odd_forms_make_no_fault(said):
    assert story.browser("heating1").post("/duty/units/demo-heating-1/put-on/", said).status_code == 422


def test_a_visitor_is_sent_to_the_door():
    for path in ("/duty/", "/duty/calls/", "/duty/training/", "/duty/phones/", "/duty/units/urban-management/", "/duty/export/"):
        assert Client().get(path).url.startswith("/login/")


def test_the_rights_that_write_a_roster_end_with_the_membership(at):
    post_of(at)
    user = story.user("heating1")
    access.leave(user.memberships.get(), actor=None, at=at)
    assert story.browser("heating1").get("/duty/units/demo-heating-1/").status_code == 404
