"""A shortage of gas: who is cut in which order and why, who decides, who is told, and that complaints' clocks run on."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from core import journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from notices.models import Notice
from plants.models import Boiler, Community, Plant
from supply import allocation, curtailment, gas, gas_selectors
from supply.allocation import Option
from supply.models import Activation, Restriction
from tests.story import DAY, HOUR, MINUTE, NOON, Caller, browser, dispatched, tick, unit, user
from units import access
from units.models import User


def option(key, rank, m3, households=0, *, stage=1, protected=(), unknown=0):
    return Option(key=key, stage=stage, order=key, rank=rank, name=f"措施{key}", m3=Decimal(m3), households=households, protected=protected, unknown=unknown)


def officer(code: str, name: str) -> User:
    """Somebody who handles the work of a unit that the demonstration does not people."""
    found = User.objects.get_or_create(username=name, defaults={"full_name": name})[0]
    access.enrol(found, unit(code), "officer", actor=None, at=NOON - DAY)
    return found


def place(code: str) -> Community:
    return Community.objects.get(code=code)


def measure(stage, kind, name, m3, boiler=None, *places):
    return curtailment.Measure(
        stage=stage, kind=kind, name=name, reduction_m3=Decimal(m3), boiler=Boiler.objects.get(code=boiler) if boiler else None,
        communities=tuple(place(code) for code in places),
    )  # fmt: skip


@pytest.fixture
def plan(db):
    """The first company's: a bath house, homes with coal standing by (one area with a school), homes without."""
    made = curtailment.plan_of(unit("demo-heating-1"), at=NOON)
    Plant.objects.filter(code="demo-plant-2").update(has_coal_backup=True)
    Plant.objects.filter(code="demo-plant-1").update(has_coal_backup=False)
    Community.objects.filter(code="demo-community-3").update(households=640)
    Community.objects.filter(code="demo-community-1").update(households=820)
    Community.objects.filter(code="demo-community-7").update(households=410)
    for one in (
        measure(1, "non_residential", "演示浴场", 12_000),
        measure(1, "non_residential", "演示商场", 8_000),
        measure(2, "residential", "融春里", 30_000, "demo-boiler-3", "demo-community-3"),
        measure(2, "residential", "含学校片区", 40_000, "demo-boiler-3", "demo-school-1"),
        measure(3, "residential", "北苑回迁区", 25_000, "demo-boiler-1", "demo-community-7"),
        measure(3, "residential", "和暖苑", 50_000, "demo-boiler-2", "demo-community-1"),
    ):
        curtailment.add_step(made, one, actor=None, at=NOON)
    return made


def proposed(plan, gap, at=NOON):
    return curtailment.propose(plan, demand_m3=Decimal(300_000), supply_m3=Decimal(300_000 - gap), actor=user("heating1"), at=at)


def names(activation) -> list[str]:
    return [line["name"].split(" · ")[-1] for line in activation.lines if line["taken"]]


# ---------------------------------------------------------------- the proposal


@pytest.mark.django_db
@pytest.mark.clause("F4", "F5", "G8", "B6")
@pytest.mark.parametrize(
    ("gap", "expected", "remaining"),
    [
        (5_000, ["演示浴场"], 0),
        (12_001, ["演示浴场", "演示商场"], 0),
        (20_001, ["演示浴场", "演示商场", "融春里"], 0),
        (50_000, ["演示浴场", "演示商场", "融春里"], 0),
        (60_000, ["演示浴场", "演示商场", "融春里"], 10_000),
    ],
)
def test_homes_are_cut_after_everything_else_and_boilers_without_coal_not_at_all(plan, gap, expected, remaining):
    found = proposed(plan, gap)
    assert names(found) == expected
    assert found.remaining_m3 == remaining and found.covered_m3 == sum(line["m3"] for line in found.lines if line["taken"])


@pytest.mark.django_db
@pytest.mark.clause("G8", "F4")
def test_every_line_explains_itself_and_can_be_added_up_by_hand(plan):
    lines = {line["name"].split(" · ")[-1]: line for line in proposed(plan, 60_000).lines}
    assert lines["演示浴场"]["why"] == "先停非居民负荷：第 1 阶段 演示浴场 减 12,000 m³，累计 12,000 m³，尚缺 48,000 m³"
    assert "有备用燃煤锅炉" in lines["融春里"]["why"] and "640 户" in lines["融春里"]["why"] and "累计 50,000 m³，尚缺 10,000 m³" in lines["融春里"]["why"]
    assert "不得限供" in lines["含学校片区"]["why"] and "演示第一小学（学校、幼儿园）" in lines["含学校片区"]["why"]
    assert "具名决定" in lines["和暖苑"]["why"] and not lines["和暖苑"]["taken"]


def test_within_a_stage_the_fewest_households_and_no_more_than_needed():
    homes = [option(1, 1, 30, 500), option(2, 1, 10, 100), option(3, 1, 5, 50)]
    assert {one.key for one in allocation.propose(Decimal(5), homes).taken} == {3}
    assert {one.key for one in allocation.propose(Decimal(12), homes).taken} == {3, 2}
    # The largest makes the two small ones unnecessary: they stay on.
    assert {one.key for one in allocation.propose(Decimal(20), homes).taken} == {1}
    unknown = [option(1, 1, 10, 0, unknown=1), option(2, 1, 10, 900)]
    assert {one.key for one in allocation.propose(Decimal(5), unknown).taken} == {2}, "an area of unknown size is not an empty one"


options = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 500), st.integers(0, 900), st.integers(1, 4), st.booleans()), max_size=12
).map(lambda rows: [option(key, *row[:3], stage=row[3], protected=("学校",) if row[4] else ()) for key, row in enumerate(rows)])


@pytest.mark.clause("F4", "F5", "B6", "G8")
@settings(max_examples=300, deadline=None, derandomize=True)
@given(gap=st.integers(-50, 3000), todo=options, allows_last=st.booleans())
def test_whatever_the_plan_and_the_gap(gap, todo, allows_last):
    found = allocation.propose(Decimal(gap), todo, allows_last=allows_last)
    taken = {one.key for one in found.taken}
    allowed = [one for one in todo if not one.protected and (one.rank < 2 or allows_last)]
    assert taken <= {one.key for one in allowed}, "what is protected is never cut, the last tier only when decided"
    assert found.covered == sum(one.m3 for one in found.taken)
    assert found.covered >= gap or taken == {one.key for one in allowed}, "the gap is covered, or everything allowed is used"
    assert found.remaining == max(Decimal(gap) - found.covered, 0)
    if not gap > 0:
        assert not taken
    for one in found.taken:
        lower = sum(other.m3 for other in allowed if other.rank < one.rank)
        assert lower < gap, "a tier is touched only where the ones before it do not suffice"
        assert all(other.key in taken for other in allowed if other.rank < one.rank), "and then they are used up"
    last = [one for one in found.taken if (one.rank, one.stage) == max((other.rank, other.stage) for other in found.taken)]
    assert all(found.covered - one.m3 < gap for one in last) or found.covered < gap, "no more than needed"
    again = allocation.propose(Decimal(gap), list(reversed(todo)), allows_last=allows_last)
    assert again == found, "the same question has one answer"


@pytest.mark.parametrize(("gap", "level"), [(0, None), (4_999, 5), (5_000, 4), (9_999, 4), (10_000, 3), (20_000, 2), (30_000, 1), (100_000, 1)])
@pytest.mark.django_db
@pytest.mark.clause("G8")
def test_the_level_is_the_gaps_share_of_the_demand(plan, gap, level):
    levels = plan.season.settings["checklists"]["curtailment_levels"]
    assert allocation.level_of(Decimal(gap), Decimal(100_000), levels) == level


@pytest.mark.django_db
def test_without_a_gap_or_a_plan_nothing_is_proposed(plan):
    with pytest.raises(Invalid, match="没有缺口"):
        proposed(plan, 0)
    empty = curtailment.plan_of(unit("demo-heating-2"), at=NOON)
    with pytest.raises(Invalid, match="尚未编制"):
        curtailment.propose(empty, demand_m3=Decimal(10), supply_m3=Decimal(1), actor=user("heating2"), at=NOON)


@pytest.mark.django_db
def test_a_plan_takes_only_what_can_be_carried_out(plan):
    for wrong, field in (
        (measure(1, "residential", "无锅炉", 100), "boiler"),
        (measure(1, "residential", "燃煤", 100, "demo-boiler-4", "demo-community-3"), "boiler"),
        (measure(1, "residential", "无小区", 100, "demo-boiler-1"), "communities"),
        (measure(1, "residential", "他人小区", 100, "demo-boiler-1", "demo-community-2"), "communities"),
        (measure(1, "non_residential", "他人锅炉", 100, "demo-boiler-5"), "boiler"),
        (measure(1, "residential", "过多", 900_000, "demo-boiler-1", "demo-community-1"), "reduction_m3"),
        (measure(0, "non_residential", "无阶段", 100), "stage"),
    ):
        with pytest.raises(Invalid) as fault:
            curtailment.add_step(plan, wrong, actor=None, at=NOON)
        assert list(fault.value.fields) == [field]


# ---------------------------------------------------------------- approval and what follows


@pytest.mark.django_db
@pytest.mark.clause("F4", "G8")
def test_a_named_person_decides_with_a_reason_on_boilers_without_coal(plan):
    found = proposed(plan, 60_000)
    with pytest.raises(Forbidden):
        curtailment.approve(found, override_reason="无其他办法", actor=user("heating1"), at=NOON)
    with pytest.raises(Forbidden):
        curtailment.approve(found, actor=None, at=NOON)
    curtailment.approve(found, override_reason="气源协调未果，缺口持续", actor=user("bureau"), at=NOON)
    assert names(found) == ["演示浴场", "演示商场", "融春里", "北苑回迁区"], "the one with fewer households of the last tier"
    assert found.override_by == user("bureau") and found.remaining_m3 == 0
    entry = journal.of(found).get(act="approve")
    assert entry.data["overridden"] is True and entry.reason == "气源协调未果，缺口持续"


@pytest.mark.django_db
def test_no_override_where_the_other_measures_suffice(plan):
    found = proposed(plan, 20_000)
    with pytest.raises(Invalid, match="不需要具名决定"):
        curtailment.approve(found, override_reason="保险起见", actor=user("bureau"), at=NOON)


@pytest.mark.django_db
@pytest.mark.clause("G8", "D2.2", "E4", "E9")
def test_those_concerned_are_told_and_listed_from_beginning_to_recovery(plan):
    found = proposed(plan, 45_000)
    assert not curtailment.active_for([place("demo-community-3").pk], NOON)
    curtailment.approve(found, actor=user("bureau"), at=NOON + HOUR)
    told = Notice.objects.filter(key__startswith=f"curtailment:{found.pk}:begun")
    assert {notice.unit.code for notice in told} == {"demo-heating-1", "street-zhangjiabu", "development-reform", "qinhua-gas"}
    assert "演示融春里（640 户）" in told.get(unit__code="street-zhangjiabu").body
    community = place("demo-community-3")
    assert curtailment.active_for([community.pk], NOON + HOUR)[community.pk].activation == found
    assert "限量供热" in curtailment.public_notices(community, at=NOON + HOUR)[0]
    curtailment.end(found, note="气源恢复", actor=user("bureau"), at=NOON + 5 * HOUR)
    assert not curtailment.active_for([community.pk], NOON + 5 * HOUR)
    assert {one.recovered_at for one in found.carried_out.all()} == {NOON + 5 * HOUR}
    assert Notice.objects.filter(key__startswith=f"curtailment:{found.pk}:ended").count() == 4
    with pytest.raises(Conflict):
        curtailment.end(found, note="再来一次", actor=user("bureau"), at=NOON + 6 * HOUR)


@pytest.mark.django_db
def test_measure_by_measure_the_last_recovery_ends_it(plan):
    found = proposed(plan, 45_000)
    curtailment.approve(found, actor=user("bureau"), at=NOON)
    *others, last = found.carried_out.all()
    for one in others:
        curtailment.recover_step(one, actor=user("heating1"), at=NOON + HOUR)
    found.refresh_from_db()
    assert found.state == Activation.State.ACTIVE
    curtailment.recover_step(last, note="已复热", actor=user("heating1"), at=NOON + 2 * HOUR)
    found.refresh_from_db()
    assert found.state == Activation.State.ENDED and found.ended_at == NOON + 2 * HOUR


@pytest.mark.django_db
def test_a_new_approval_continues_the_one_that_runs(plan):
    first = proposed(plan, 5_000)
    curtailment.approve(first, actor=user("bureau"), at=NOON)
    second = proposed(plan, 45_000, at=NOON + HOUR)
    curtailment.approve(second, actor=user("bureau"), at=NOON + HOUR)
    first.refresh_from_db()
    assert first.state == Activation.State.ENDED and second.number in first.end_note
    third = proposed(plan, 12_000, at=NOON + 2 * HOUR)
    fourth = proposed(plan, 13_000, at=NOON + 3 * HOUR)
    third.refresh_from_db()
    assert third.state == Activation.State.WITHDRAWN and fourth.state == Activation.State.PROPOSED


@pytest.mark.django_db
@pytest.mark.clause("G8")
def test_a_changed_plan_is_proposed_anew(plan):
    found = proposed(plan, 5_000)
    curtailment.take_out(plan.steps.get(name="演示浴场"), reason="已停业", actor=user("heating1"), at=NOON)
    with pytest.raises(Conflict, match="请重新提出"):
        curtailment.approve(found, actor=user("bureau"), at=NOON)


# ---------------------------------------------------------------- complaints of restricted communities


@pytest.mark.django_db
@pytest.mark.clause("G8", "B6")
def test_complaints_of_restricted_communities_are_tagged_and_their_clocks_run(plan):
    before = dispatched(at=NOON - 2 * DAY, community="demo-community-3")
    found = proposed(plan, 45_000)
    curtailment.approve(found, actor=user("bureau"), at=NOON)
    ticket = dispatched(at=NOON + HOUR, community="demo-community-3")
    elsewhere = dispatched(at=NOON + HOUR, community="demo-community-2")
    tick(NOON + HOUR + 16 * MINUTE)
    assert engine.of(ticket).get(stage="response").is_late(NOON + HOUR + 16 * MINUTE)
    caller = Caller("urban-management", "officer")
    assert caller.get(f"tickets/{ticket.number}/").json()["curtailment"] == found.number
    assert caller.get(f"tickets/{elsewhere.number}/").json()["curtailment"] is None
    curtailment.end(found, note="恢复", actor=user("bureau"), at=NOON + 3 * HOUR)
    late_one = dispatched(at=NOON + 4 * HOUR, community="demo-community-3")
    assert caller.get(f"tickets/{late_one.number}/").json()["curtailment"] is None
    assert caller.get(f"tickets/{ticket.number}/").json()["curtailment"] == found.number, "it was so when they called"
    page = browser("bureau").get("/tickets/?community=demo-community-3").content.decode()
    assert page.count(">限供</span>") >= 2 and before.number in page


@pytest.mark.django_db
def test_who_is_restricted_is_remembered_until_any_restriction_changes(plan):
    found = proposed(plan, 45_000)
    spans = {pk: (place("demo-community-3").pk, NOON, NOON + DAY) for pk in range(50)}
    assert curtailment.restricted(spans) == {}
    curtailment.approve(found, actor=user("bureau"), at=NOON)
    assert len(curtailment.restricted(spans)) == 50
    with CaptureQueriesContext(connection) as queries:
        assert len(curtailment.restricted(spans)) == 50
    assert len(queries) == 1, "the stamp"
    Restriction.objects.update(until=NOON)
    assert curtailment.restricted(spans) == {}


# ---------------------------------------------------------------- the board, readings, the log


@pytest.mark.django_db
@pytest.mark.clause("D2.2", "E4")
def test_the_board_prints_its_coverage_and_never_takes_missing_for_nought():
    bureau = user("bureau")
    gas.read(unit("demo-heating-1"), day=NOON.date(), demand_m3=Decimal(100), supply_m3=Decimal(80), actor=user("heating1"), at=NOON - 2 * HOUR)
    gas.read(unit("demo-heating-1"), day=NOON.date(), demand_m3=Decimal(120), supply_m3=Decimal(80), actor=user("heating1"), at=NOON - HOUR)
    gas.read(unit("demo-heating-2"), day=NOON.date(), demand_m3=Decimal(50), supply_m3=Decimal(70), actor=user("heating2"), at=NOON - DAY - HOUR)
    found = gas_selectors.board(bureau, NOON.date(), at=NOON)
    assert found.coverage == "2/3 家" and found.gap == 40, "one company's surplus fills no other's gap"
    rows = {row.company.code: row for row in found.rows}
    assert rows["demo-heating-1"].age == HOUR and not rows["demo-heating-1"].is_stale and rows["demo-heating-2"].is_stale
    assert rows["demo-heating-3"].gap is None
    street = gas_selectors.board(user("street"), NOON.date(), at=NOON)
    assert [row.company.code for row in street.rows] == ["demo-heating-1"], "what heats its territory"
    assert [row.company.code for row in gas_selectors.board(user("heating2"), NOON.date(), at=NOON).rows] == ["demo-heating-2"]
    assert gas_selectors.board(user("admin"), NOON.date(), at=NOON).rows == []
    reform = officer("development-reform", "reform")
    assert len(gas_selectors.board(reform, NOON.date(), at=NOON).rows) == 3


@pytest.mark.django_db
def test_who_may_enter_figures():
    for login, allowed in [("heating1", True), ("bureau", True), ("heating2", False), ("street", False), ("viewer", False)]:
        if allowed:
            gas.read(unit("demo-heating-1"), day=NOON.date(), demand_m3=Decimal(9), supply_m3=Decimal(9), actor=user(login), at=NOON)
        else:
            with pytest.raises(Forbidden):
                gas.read(unit("demo-heating-1"), day=NOON.date(), demand_m3=Decimal(9), supply_m3=Decimal(9), actor=user(login), at=NOON)


@pytest.mark.django_db
@pytest.mark.clause("D2.4", "G10")
def test_gas_asked_for_upstream_is_logged_and_no_answer_is_not_nought():
    reform = officer("development-reform", "reform")
    made = gas.coordinate(unit("development-reform"), day=NOON.date(), counterpart="省天然气公司", asked_m3=Decimal(50_000), actor=reform, at=NOON)
    own = gas.coordinate(unit("demo-heating-1"), day=NOON.date(), counterpart="秦华天然气公司", asked_m3=Decimal(9_000), granted_m3=Decimal(4_000), actor=user("heating1"), at=NOON)
    assert made.granted_m3 is None and gas_selectors.granted(gas_selectors.coordinations(reform)) == {"asked": 59_000, "granted": 4_000, "waiting": 1}
    gas.answered(made, granted_m3=Decimal(0), note="暂无余量", actor=reform, at=NOON + HOUR)
    made.refresh_from_db()
    assert made.granted_m3 == 0 and made.answered_at == NOON + HOUR
    with pytest.raises(Conflict):
        gas.answered(made, granted_m3=Decimal(1), actor=reform, at=NOON + HOUR)
    assert list(gas_selectors.coordinations(user("heating1"))) == [own]
    assert not gas_selectors.coordinations(user("heating2")).exists() and not gas_selectors.coordinations(user("street")).exists()


@pytest.mark.django_db
@pytest.mark.clause("D2.3")
def test_trouble_with_the_supply_is_the_bureau_of_gases():
    made = gas.report_incident(unit("demo-heating-1"), what="门站压力骤降", happened_at=NOON - MINUTE, actor=user("heating1"), at=NOON)
    assert made.owner.code == "development-reform" and Notice.objects.filter(key__startswith=f"gas-incident:{made.pk}:").count() == 2
    reform = officer("development-reform", "reform")
    with pytest.raises(Forbidden):
        gas.close_incident(made, measure="已处理", actor=user("heating1"), at=NOON)
    gas.close_incident(made, measure="省公司已增压", actor=reform, at=NOON + HOUR)
    with pytest.raises(Conflict):
        gas.close_incident(made, measure="再次", actor=reform, at=NOON + HOUR)


# ---------------------------------------------------------------- doors


@pytest.mark.django_db
@pytest.mark.clause("E4", "G8")
def test_who_may_know_of_a_curtailment(plan):
    found = proposed(plan, 45_000)
    address = f"/gas/curtailments/{found.number}/"
    for login, status in [("heating1", 200), ("bureau", 200), ("heating2", 404), ("street", 404), ("admin", 404), ("property1", 404), ("housing", 404)]:
        client = browser(login)
        assert client.get(address).status_code == status, login
        assert client.post(f"{address}approve/", {"note": "同意"}).status_code == (302 if login == "bureau" else 403 if login == "heating1" else 404), login
        assert (found.number in client.get("/gas/curtailments/").content.decode()) is (status == 200), login
    zhangjiabu = officer("street-zhangjiabu", "zhangjiabu")
    client = browser("street")
    client.force_login(zhangjiabu)
    page = client.get(address).content.decode()
    assert "演示融春里" in page and "演示浴场" not in page and "逐项说明" not in page, "a street reads what concerns its territory"
    assert browser("street").get(address).status_code == 404
    assert browser("heating2").get("/gas/plans/demo-heating-1/").status_code == 404
    assert browser("street").get("/gas/plans/demo-heating-1/").status_code == 404


@pytest.mark.django_db
@pytest.mark.clause("G8", "F4")
def test_from_the_figures_to_the_recovery_through_the_pages(plan):
    company, bureau = browser("heating1"), browser("bureau")
    page = company.post("/gas/plans/demo-heating-1/propose/", {"demand_m3": "300000", "supply_m3": "240000", "recount": "1"}).content.decode()
    assert "先停非居民负荷：第 1 阶段 演示浴场 减 12,000 m³，累计 12,000 m³，尚缺 48,000 m³" in page and not Activation.objects.exists()
    assert company.post("/gas/plans/demo-heating-1/propose/", {"demand_m3": "1", "supply_m3": "2"}).status_code == 422
    company.post("/gas/plans/demo-heating-1/propose/", {"demand_m3": "300000", "supply_m3": "240000"})
    found = Activation.objects.get()
    assert "具名决定" in bureau.get(f"/gas/curtailments/{found.number}/approve/").content.decode()
    bureau.post(f"/gas/curtailments/{found.number}/approve/", {"note": "同意", "override_reason": "气源无法落实"})
    found.refresh_from_db()
    assert found.override_by == user("bureau") and "演示北苑回迁区" in company.get(f"/gas/curtailments/{found.number}/").content.decode()
    assert company.post(f"/gas/curtailments/{found.number}/end/", {"note": ""}).status_code == 422
    company.post(f"/gas/curtailments/{found.number}/end/", {"note": "气源恢复"})
    found.refresh_from_db()
    assert found.state == "ended" and not Restriction.objects.filter(until=None).exists()
    for door in ("/gas/", "/gas/export/", "/gas/curtailments/export/", "/gas/log/", "/gas/log/export/", "/gas/plans/demo-heating-1/export/"):
        assert bureau.get(door).status_code == 200, door
    assert bureau.get("/gas/?day=x").status_code == 400 and bureau.get("/gas/curtailments/?state=x").status_code == 400


@pytest.mark.django_db
@pytest.mark.clause("D2.2", "G8", "E4")
def test_over_the_wire_each_learns_of_its_own(plan):
    found = proposed(plan, 45_000)
    curtailment.approve(found, actor=user("bureau"), at=NOON)
    callers = {code: Caller(code, role) for code, role in (("demo-heating-1", "handler"), ("demo-heating-2", "handler"), ("street-zhangjiabu", "officer"), ("development-reform", "officer"))}
    status = {code: caller.get(f"curtailments/{found.number}/").status_code for code, caller in callers.items()}
    assert status == {"demo-heating-1": 200, "demo-heating-2": 404, "street-zhangjiabu": 200, "development-reform": 200}
    street = callers["street-zhangjiabu"].get(f"curtailments/{found.number}/").json()
    assert street["lines"] is None and [one["community"] for one in street["communities"]] == ["demo-community-3"]
    assert callers["demo-heating-2"].get("curtailments/").json()["results"] == []
    assert [row["company"] for row in callers["demo-heating-2"].get("gas/", day="2025-11-14").json()["results"]] == ["demo-heating-2"]
    assert callers["development-reform"].get("gas/", day="2025-11-14").json()["companies"] == 3
    for odd in ("gas/?day=x", "curtailments/?state=x", "curtailments/?cursor=x", "curtailments/?company=%00"):
        assert callers["demo-heating-1"].get(odd).status_code == 400, odd


@pytest.mark.django_db
@pytest.mark.guard("S26")
@pytest.mark.parametrize("said", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999999", "-1", "x", "２", ""])
def test_figures_that_are_none_are_named_and_break_no_preview(plan, monkeypatch, said):
    monkeypatch.setattr("core.clock.now", lambda: NOON)
    for more in ({}, {"recount": "1"}):
        answer = browser("heating1").post("/gas/plans/demo-heating-1/propose/", {"demand_m3": said, "supply_m3": said, "figures_from": said, **more})
        assert answer.status_code in (200, 400, 422), answer.status_code
    assert not Activation.objects.exists()
