"""The plan file says what the document says, and a wrong one is refused with the line and field of every fault."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as some

from complaints import routing
from heating import planfile
from heating.planfile import PlanFaults
from units import access

FOLDER = Path(settings.BASE_DIR) / "heating" / "plan"
SOURCE = (FOLDER / "weiyang-2025-2026.yaml").read_text(encoding="utf-8")
DOCUMENT = (FOLDER / "weiyang-2025-2026.txt").read_text(encoding="utf-8")

STAGED = {
    "response": (["PT7M30S", "PT12M"], ["PT15M", "PT30M", "PT1H", "PT2H"]),
    "visit": (["PT30M", "PT48M"], ["PT1H", "PT1H30M", "PT3H", "PT6H"]),
    "callback": (["PT12H", "PT19H12M"], ["PT24H", "PT26H", "PT36H", "PT48H"]),
}


@pytest.fixture(scope="module")
def plan():
    return planfile.read(SOURCE)


def faults_of(text: str) -> list[planfile.Fault]:
    with pytest.raises(PlanFaults) as raised:
        planfile.read(text)
    return raised.value.faults


def changed(old: str, new: str) -> str:
    assert SOURCE.count(old) >= 1, old
    return SOURCE.replace(old, new, 1)


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


def clauses_of(plan, letter: str) -> set[str]:
    return {duty["clause"] for duty in plan["duties"] if duty["clause"].startswith(letter)}


# ---------------------------------------------------------------- what the document says


@pytest.mark.clause("A1", "A3", "A4", "A5")
def test_the_document_is_named_as_it_names_itself(plan):
    assert plan["document"]["number"] == "未政办函〔2025〕40号"
    assert plan["document"]["issued_on"] == "2025-11-04"
    plain = re.sub(r"\s+", "", DOCUMENT)
    assert re.sub(r"\s+", "", plan["document"]["title"]) in plain
    assert re.sub(r"\s+", "", plan["document"]["distribution"]) in plain
    assert "市政办函〔2020〕129号" in plan["document"]["basis"]
    assert plan["season"]["starts_on"] == "2025-11-15" and plan["season"]["ends_on"] == "2026-03-15"


def test_every_quote_stands_in_the_document_word_for_word(plan):
    assert planfile.misquotes(plan, DOCUMENT) == []


def test_a_quote_put_right_is_no_quote(plan):
    mended = planfile.read(changed("quote: \"配合未央官街道", "quote: \"配合未央宫街道"))
    [fault] = planfile.misquotes(mended, DOCUMENT)
    assert fault.line == line_of(mended.source, "quote: \"配合未央宫街道") and fault.field.endswith(".quote")


def test_every_clause_that_lays_a_duty_on_somebody_is_there(plan):
    numbered = {1: 10, 2: 5, 3: 12, 5: 2, 6: 2, 7: 5, 8: 6, 9: 2, 10: 3, 11: 2, 16: 2, 17: 2, 18: 6, 19: 2}
    bureaus = {f"D{block}.{row}" for block, rows in numbered.items() for row in range(1, rows + 1)}
    assert clauses_of(plan, "D") == bureaus | {f"D{block}" for block in (4, 12, 13, 14, 15, 20, 21)}
    for letter, most in (("E", 13), ("F", 8), ("G", 25), ("I", 16)):
        assert clauses_of(plan, letter) == {f"{letter}{number}" for number in range(1, most + 1)}


def test_every_duty_says_what_it_means_how_often_and_what_proves_it(plan):
    for duty in plan["duties"]:
        assert duty["title"] and duty["meaning"] and duty["cadence"] and duty["supervised_by"], duty["clause"]
        assert len(duty["title"]) <= 20, duty["title"]
        assert duty["evidence"] or duty["clause"] in ("D20", "D21"), duty["clause"]


def test_duties_bind_those_whom_the_document_names(plan):
    bound = {}
    for duty in plan["duties"]:
        bound.setdefault(duty["clause"], []).extend(duty["units"] or [duty["kind"] or "all"])
    assert {who for clause, whom in bound.items() if clause.startswith("E") for who in whom} == {"street"}
    assert {who for clause, whom in bound.items() if clause.startswith("F") for who in whom} == {"qinhua-gas"}
    assert {who for clause, whom in bound.items() if clause.startswith("G") for who in whom} == {"heating"}
    assert bound["I12"] == ["bureau", "street", "heating"]
    assert bound["I9"] == ["all"]
    assert set(bound["I1"]) == set(plan["members"]["coordination"]) | {"heating", "gas"}


@pytest.mark.clause("D20", "D21")
def test_where_the_document_gives_no_duty_none_is_invented(plan):
    for clause, code in (("D20", "transport"), ("D21", "agriculture-water")):
        [duty] = [duty for duty in plan["duties"] if duty["clause"] == clause]
        assert duty["title"] == "无明确职责条款" and duty["units"] == [code] and not duty["registry"]


@pytest.mark.clause("C1", "C3", "C4", "C7")
def test_one_head_six_deputies_and_the_office_director_hold_their_posts(plan):
    held = [(post["title"], post["holder"], post["holder_title"]) for post in plan["posts"] if post["unit"].startswith("task-force")]
    assert held == [
        ("专班长", "王红武", "区长"), ("副专班长", "车飞", "区委常委、副区长"), ("副专班长", "程希文", "副区长"), ("副专班长", "张永辉", "副区长"),
        ("副专班长", "薛凡", "副区长"), ("副专班长", "王健", "副区长"), ("副专班长", "王卫", "副区长、公安未央分局局长"),
        ("专班办公室主任", "张鹏", "区城管执法局局长"),
    ]  # fmt: skip
    plain = re.sub(r"\s+", "", DOCUMENT)
    assert all(name in plain and title in plain for _, name, title in held)


def names_in(plan, codes: list[str]) -> list[str]:
    return [unit["short_name"] for code in codes for unit in plan["units"] if unit["code"] == code]


@pytest.mark.clause("C2", "C5")
def test_the_task_force_has_nineteen_members_in_the_documents_order_and_every_street(plan):
    said = re.search(r"成员单位：(.+?)以及各街道办事处主要负责同志", re.sub(r"\s+", "", DOCUMENT))[1].split("、")
    assert len(said) == 19
    assert names_in(plan, plan["members"]["task_force"]) == said
    assert plan["members"]["task_force_kinds"] == ["street"]


@pytest.mark.clause("I1")
def test_the_coordination_mechanism_has_its_lead_and_eighteen_others_in_a_list_of_its_own(plan):
    plain = re.sub(r"\s+", "", DOCUMENT)
    said = re.search(r"协调机制，由区城管执法局牵头，(.+?)及各相关企业配合", plain)[1].split("、")
    assert len(said) == 18
    members = names_in(plan, plan["members"]["coordination"])
    assert plan["members"]["lead"] == "urban-management" and members[0] == "区城管执法局"
    assert sorted(members[1:]) == sorted(said)
    assert plan["members"]["coordination_kinds"] == ["heating", "gas"]


@pytest.mark.clause("C5")
def test_every_member_has_one_post_for_its_principal(plan):
    principals = [post["unit"] for post in plan["posts"] if post["principal"]]
    streets = {unit["code"] for unit in plan["units"] if unit["kind"] == "street"}
    assert len(principals) == len(set(principals)) and len(streets) == 12
    assert set(plan["members"]["task_force"]) | streets <= set(principals)


def test_names_as_the_document_misspells_them_lead_to_the_right_unit(plan):
    aliases = {alias: unit["code"] for unit in plan["units"] for alias in unit["aliases"]}
    assert aliases["未央官街道"] == "street-weiyanggong"
    assert aliases["区域棚改事务中心"] == "urban-renewal"
    assert aliases["张家堡街办"] == "street-zhangjiabu"


@pytest.mark.clause("H0", "H1", "H2", "H3", "H4", "H5")
def test_milestones_are_moments_in_xian_and_before_a_day_includes_that_day(plan):
    moments = {row["code"]: (row["kind"], datetime.fromisoformat(row["due_at"])) for row in plan["milestones"]}
    assert {code: (kind, f"{moment:%Y-%m-%d %H:%M:%S %z}") for code, (kind, moment) in moments.items()} == {
        "H1": ("due", "2025-10-26 00:00:00 +0800"),
        "H2": ("due", "2025-11-04 00:00:00 +0800"),
        "H3": ("due", "2025-11-06 00:00:00 +0800"),
        "H4": ("start", "2025-11-08 00:00:00 +0800"),
        "H5": ("due", "2025-11-14 12:00:00 +0800"),
    }
    assert plan["milestones"][2]["conditions"] == ["锅炉可随时点火", "管网压力温度正常", "换热站具备换热能力"]
    assert plan["milestones_ordered_by"] == "市城管局"


# ---------------------------------------------------------------- limits, ladders, routes


def ladder_of(plan, code: str) -> list[dict]:
    [policy] = [policy for policy in plan["policies"] if policy["code"] == code]
    return next(ladder["rungs"] for ladder in plan["ladders"] if ladder["code"] == policy["ladder"])


@pytest.mark.clause("G25")
@pytest.mark.parametrize("code", STAGED)
def test_the_three_stages_warn_and_escalate_as_the_default_ladder_says(plan, code):
    warnings, levels = STAGED[code]
    allowance = planfile.duration(next(policy["allowance"] for policy in plan["policies"] if policy["code"] == code))
    rungs = ladder_of(plan, code)
    assert [allowance * rung["fraction"] for rung in rungs if not rung["level"]] == [planfile.duration(one) for one in warnings]
    assert [allowance + planfile.duration(rung["after"]) for rung in rungs if rung["level"]] == [planfile.duration(one) for one in levels]
    assert [rung["level"] for rung in rungs] == [0, 0, 1, 2, 3, 4]


@pytest.mark.parametrize(("code", "early", "late"), [
    ("city", [0.5, 0.8], ["PT0S", "PT2H", "PT12H", "PT24H"]),
    ("daily-report", ["-PT30M"], ["PT0S", "PT1H", "PT3H30M"]),
    ("weekly-inspection", ["-PT60H", "-PT12H"], ["PT0S", "PT12H", "PT48H", "P7D"]),
    ("milestone", ["-P7D", "-P3D", "-P1D"], ["PT0S", "PT12H", "P1D", "P3D"]),
    ("ledger-item", [0.5, 0.8], ["PT0S", "PT24H", "PT72H", "P7D"]),
    ("obligation", [0.5, 0.8], ["PT0S", "PT24H", "PT72H", "P7D"]),
])  # fmt: skip
def test_what_has_its_due_time_given_warns_and_escalates_as_the_default_ladder_says(plan, code, early, late):
    rungs = ladder_of(plan, code)
    assert [rung["fraction"] or rung["after"] for rung in rungs if not rung["level"]] == early
    assert [rung["after"] for rung in rungs if rung["level"]] == late


def test_level_one_reaches_the_bureau_two_its_principal_three_the_office_four_the_deputy_with_a_proposal(plan):
    for ladder in plan["ladders"]:
        by_level = {rung["level"]: rung for rung in ladder["rungs"] if rung["level"]}
        assert {"bureau", "principal"} <= set(by_level[1]["audience"])
        assert by_level[2]["audience"] == ["bureau_principal"] and by_level[3]["audience"] == ["office_director"]
        if 4 in by_level:
            assert by_level[4]["audience"] == ["deputy_head"] and by_level[4]["proposal"] == "通报"
    assert plan["when_bureau_is_late"] == "office_director"


@pytest.mark.clause("D18.2", "D18.3", "D18.4", "D18.5")
@pytest.mark.parametrize(("category", "clause", "bureaus"), [
    ("heating_service", "D18.2", {"区城管执法局"}),
    ("property_service", "D18.3", {"区住建局"}),
    ("price_fee", "D18.4", {"区发改委", "区市场监管局"}),
    ("heat_theft", "D18.5", {"公安未央分局"}),
])  # fmt: skip
def test_the_four_routes_go_to_the_bureaus_that_their_clause_names(plan, category, clause, bureaus):
    [route] = [row for row in plan["categories"] if row["code"] == category]
    assert route["clause"] == clause
    assert set(names_in(plan, [route["lead"], *(assist["unit"] for assist in route["assists"])])) == bureaus
    quote = next(duty["quote"] for duty in plan["duties"] if duty["clause"] == clause)
    assert all(bureau in quote for bureau in bureaus) and "街道办事处" in quote


@pytest.mark.clause("D18.6")
def test_a_residual_route_leads_to_a_unit_that_its_clause_binds(plan):
    for route in plan["residual"]:
        bound = {code for duty in plan["duties"] if duty["clause"] == route["clause"] for code in duty["units"]}
        assert route["lead"] in bound, route["code"]


def test_every_unit_to_which_the_words_can_point_leads_a_route(plan):
    hints = set(re.findall(r"^\s*hint: ([a-z-]+)$", (FOLDER / "words.yaml").read_text(encoding="utf-8"), re.M))
    assert hints and hints <= {route["lead"] for section in ("categories", "residual") for route in plan[section]}


def test_the_plan_routes_the_categories_that_the_words_tell_apart():
    words = yaml.safe_load((FOLDER / "words.yaml").read_text(encoding="utf-8"))
    assert set(words["categories"]) == set(planfile.CATEGORIES)


@pytest.mark.clause("G24")
def test_a_question_is_answered_without_a_visit_and_the_last_row_takes_every_other_ticket(plan):
    assert plan["clocks"][0]["kind"] == ["enquiry", "suggestion"] and plan["clocks"][0]["stages"] == ["response", "callback"]
    assert plan["clocks"][-1]["stages"] == ["response", "visit", "callback"]


@pytest.mark.clause("G4", "G19", "G21", "G2", "F3", "I7")
def test_numbers_and_lists_are_those_of_the_document(plan):
    assert plan["standards"]["room_celsius"] == 20.0 and plan["standards"]["statutory_celsius"] == 18.0
    assert plan["checklists"]["readiness"] == ["人员", "车辆", "工具", "材料", "备件", "通讯工具"]
    assert plan["checklists"]["courses_per_calendar_year"] == 2
    assert len(plan["checklists"]["daily_report"]["items"]) == 5 and len(plan["checklists"]["weekly_inspection"]) == 13
    named = {row["clause"]: row["names"] for row in plan["documents"]}
    assert [len(named[clause]) for clause in ("G2", "G1", "F2", "F3")] == [5, 3, 2, 2]


def test_the_codes_that_the_portal_relies_on_are_those_that_it_asks_for():
    assert set(planfile.NEEDED_UNITS) == {access.TASK_FORCE, access.OFFICE, access.BUREAU, access.DISPATCHER}


def test_every_field_of_the_format_is_described_for_the_bureau():
    words = set(re.findall(r"[a-z_]+", (FOLDER / "schema.md").read_text(encoding="utf-8")))
    assert fields_of(planfile.PLAN) <= words


def fields_of(shape) -> set[str]:
    if isinstance(shape, planfile.Rows):
        return fields_of(shape.of)
    if isinstance(shape, planfile.Table):
        return set(shape.fields).union(*map(fields_of, shape.fields.values()))
    return set()


def test_the_register_finds_the_routes_that_it_asks_for(plan):
    asked = {*routing.USE_RULES.values(), "renewal", "before_first_registration", "property_managed"}
    assert asked <= {route["code"] for route in plan["residual"]}


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize(("old", "new", "field", "says"), [
    ("max_returns: 2", "max_retruns: 2", "rules.max_retruns", "没有这个字段"),
    ("  number: 未政办函〔2025〕40号\n", "", "document.number", "缺少这个字段"),
    ("number: 未政办函〔2025〕40号", "number: 0610", "document.number", "请加引号"),
    ("issued_on: 2025-11-04", "issued_on: 2025-11-34", "document.issued_on", "日期应如"),
    ("allowance: PT15M", "allowance: 15m", "policies[1].allowance", "ISO 8601"),
    ("allowance: PT15M", "allowance: -PT15M", "policies[1].allowance", "大于零"),
    ("allowance: PT15M", "allowance: P99999999999D", "policies[1].allowance", "ISO 8601"),
    ("allowance: PT15M", "allowance: null", "policies[1].allowance", "须写明时长"),
    ("clause: G25, ladder: response", "clause: G25, ladder: resp", "policies[1].ladder", "没有代码为“resp”的阶梯"),
    ("clause: G25, ladder: response", "clause: G26, ladder: response", "policies[1].clause", "没有条款 G26"),
    ("stage: response", "stage: respons-that-is-far-too-long", "policies[1].stage", "过长"),
    ("{after: PT15M, level: 2", "{after: PT50M, level: 2", "ladders[0].rungs[4]", "先后"),
    ("{after: PT15M, level: 2", "{after: PT15M, level: 1", "ladders[0].rungs[3].level", "逐级"),
    ("{after: PT15M, level: 2", "{after: -PT1M, level: 2", "ladders[0].rungs[3]", "不能早于到期"),
    ("{after: PT15M, level: 2", "{after: PT15M, fraction: 0.9, level: 2", "ladders[0].rungs[3]", "只写一个"),
    ("level: 2, audience: [bureau_principal]", "level: 2, audience: [mayor]", "ladders[0].rungs[3].audience[0]", "可选值"),
    ("lead: urban-management, doer", "lead: urban-managment, doer", "categories[0].lead", "urban-managment"),
    ("{unit: development-reform, task", "{unit: reform, task", "categories[2].assists[0]", "reform"),
    ("code: finance, name", "code: ecology, name", "units[8].code", "重复"),
    ("aliases: [网信办]", "aliases: [网信办, 专 班]", "units[4].aliases[1]", "已属于 task-force"),
    ("aliases: [网信办]", "aliases: [网信办, 区财政局]", "units[4].aliases[1]", "已属于 finance"),
    ("aliases: [网信办]", 'aliases: ["——"]', "units[4].aliases[0]", "标点"),
    ("aliases: [网信办]", 'aliases: ["网\\0信办"]', "units[4].aliases[0]", "控制字符"),
    ("aliases: [网信办]", 'aliases: ["网\\ud800信办"]', "units[4].aliases[0]", "控制字符"),
    ("kind: taskforce, aliases: [专班]", "kind: taskforce, parent: task-force-office, aliases: [专班]", "units[0].parent", "成环"),
    ("title: 副专班长, holder: 车飞", "title: 副专班长, principal: true, holder: 车飞", "posts[1].principal", "已有"),
    ("clause: E2\n", "clause: E1\n", "duties[72].clause", "重复"),
    ("clause: E2\n", "clause: Z2\n", "duties[72].clause", "条款编号"),
    ("cadence: weekly", "cadence: fortnightly", "duties[77].cadence", "可选值"),
    ("2025-11-14T12:00:00+08:00", "2025-11-01T12:00:00+08:00", "milestones[4].due_at", "先后"),
    ("2025-11-14T12:00:00+08:00", "2027-11-14T12:00:00+08:00", "milestones[4].due_at", "不在本采暖季"),
    ("ends_on: 2026-03-15", "ends_on: 2025-03-15", "season.ends_on", "晚于起日"),
    ("inclusive_days: true", "inclusive_days: 1", "rules.inclusive_days", "true 或 false"),
    ("room_celsius: 20.0", "room_celsius: .nan", "standards.room_celsius", "数字"),
    ('cutoff: "08:30"', "cutoff: 18:30", "checklists.daily_report.cutoff", "加引号"),
    ("  - {stages: [response, visit, callback], why: G25}", "  - {kind: [report], stages: [response], why: G25}", "clocks[2]", "最后一行"),
    ("lead: urban-management\n\nduties", "lead: transporter\n\nduties", "members.lead", "名单之内"),
])  # fmt: skip
def test_a_fault_is_named_with_its_field_and_what_is_wrong(old, new, field, says):
    text = changed(old, new)
    found = faults_of(text)
    assert any(fault.field.startswith(field) and says in fault.message for fault in found), found


def test_a_fault_names_the_line_on_which_it_stands():
    text = changed("return_window: PT10M", "return_window: ten minutes")
    [fault] = faults_of(text)
    assert fault.line == line_of(text, "return_window: ten minutes")
    assert str(fault).startswith(f"第 {fault.line} 行 rules.return_window：")


def test_all_faults_are_named_at_once_and_one_hides_no_other():
    text = changed("return_window: PT10M", "return_window: ten")
    for old, new in (("code: finance, name", "code: ecology, name"), ("clause: G25, ladder: response", "clause: G25, ladder: resp"),
                     ("2025-11-14T12:00:00+08:00", "noon"), ("max_returns: 2", "max_retruns: 2")):  # fmt: skip
        text = text.replace(old, new, 1)
    fields = {fault.field for fault in faults_of(text)}
    assert {"rules.return_window", "units[8].code", "policies[1].ladder", "milestones[4].due_at", "rules.max_retruns", "rules.max_returns"} <= fields


@pytest.mark.parametrize(("name", "text"), [
    ("empty", ""),
    ("a word", "plan"),
    ("a list", "- 1\n- 2\n"),
    ("no key", ": :"),
    ("tab", "a:\n\tb: 1\n"),
    ("two files", SOURCE + "\n---\na: 1\n"),
    ("bomb", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
    ("anchor alone", "a: &a 1\n"),
    ("deep", "[" * 100_000),
    ("deep mapping", "{a: " * 50_000),
    ("python", 'document: !!python/object/apply:os.system ["echo"]\n'),
    ("big number", "season: {code: " + "9" * 5000 + "}\n"),
    ("too big", "#" * 500_000),
    ("nul", "a: \0"),
    ("surrogate", "a: \ud800"),
    ("keys that are lists", "? [a, b]\n: 1\n? {c: d}\n: 2\n"),
    ("cut off", SOURCE[: len(SOURCE) // 2]),
    ("merge", "document: {<<: {number: x}}\n"),
    ("wrong date", "season: {starts_on: 2025-02-30}\n"),
    ("unknown tag", "document: !unheard 1\n"),
    ("open quote", 'a: "b\n'),
    ("not yaml", "%PDF-1.7\n%\u00e2\u00e3"),
])  # fmt: skip
def test_a_hostile_file_gives_faults_and_never_another_exception(name, text):
    assert all(fault.line >= 1 and fault.message for fault in faults_of(text))


@effort(max_examples=40, deadline=None)
@given(some.integers(0, len(SOURCE) - 1), some.integers(0, 400), some.text(max_size=12))
def test_whatever_is_cut_out_or_put_in_the_file_is_read_or_refused(position, length, put):
    text = SOURCE[:position] + put + SOURCE[position + length :]
    try:
        planfile.read(text)
    except PlanFaults as faults:
        assert faults.faults


# ---------------------------------------------------------------- the next season


@pytest.mark.clause("A5", "H0")
def test_the_plan_carried_to_the_next_season_has_its_dates_moved_and_lists_what_must_be_decided():
    draft = planfile.read(planfile.carry(SOURCE, "2026-2027"))
    assert (draft["season"]["starts_on"], draft["season"]["ends_on"]) == ("2026-11-15", "2027-03-15")
    assert [row["due_at"][:16] for row in draft["milestones"]] == [
        "2026-10-26T00:00", "2026-11-04T00:00", "2026-11-06T00:00", "2026-11-08T00:00", "2026-11-14T12:00",
    ]  # fmt: skip
    assert not draft["season"]["demonstration"]
    said = "\n".join(draft["to_decide"])
    assert "未政办函〔2025〕40号" in said and "王红武" in said and "市城管局" in said


def test_what_is_not_a_date_is_carried_as_it_is(plan):
    draft = planfile.read(planfile.carry(SOURCE, "2027-2028", demonstration=True))
    for section in set(planfile.PLAN.fields) - {"season", "milestones", "to_decide"}:
        assert draft[section] == plan[section], section
    assert draft["season"]["demonstration"] is True


@pytest.mark.parametrize("today", [date(2026, 11, 23), date(2027, 1, 5), date(2027, 4, 20), date(2026, 7, 1), date(2027, 6, 30)])
def test_a_demonstrations_milestones_keep_their_distances_and_end_on_the_day_that_is_asked(today):
    season = "2026-2027"
    draft = planfile.read(planfile.carry(SOURCE, season, demonstration=True, last_milestone_on=today))
    moments = [datetime.fromisoformat(row["due_at"]) for row in draft["milestones"]]
    assert f"{moments[-1]:%Y-%m-%d %H:%M}" == f"{today} 12:00"
    assert [moment.date() - moments[-1].date() for moment in moments] == [timedelta(days=days) for days in (-19, -10, -8, -6, 0)]


def test_a_leap_day_is_carried_to_the_last_day_of_february():
    leap = SOURCE.replace("starts_on: 2025-11-15", "starts_on: 2023-11-15").replace("ends_on: 2026-03-15", "ends_on: 2024-02-29")
    leap = re.sub(r'"2025-(1\d-\d\dT)', r'"2023-\1', leap)
    assert planfile.read(planfile.carry(leap, "2024-2025"))["season"]["ends_on"] == "2025-02-28"


@pytest.mark.parametrize("season", ["", "2026", "2026-2028", "26-27", "2026—2027", "0001-0002", "9998-9999"])
def test_a_season_is_two_years_in_a_row(season):
    with pytest.raises(ValueError, match="采暖季代码"):
        planfile.carry(SOURCE, season)


def test_durations_are_those_of_iso_8601():
    assert planfile.duration("PT15M") == timedelta(minutes=15)
    assert planfile.duration("-PT60H") == timedelta(hours=-60)
    assert planfile.duration("P1W") == timedelta(days=7)
    assert yaml.safe_load(SOURCE)["rules"]["return_window"] == "PT10M"
