"""Loading a plan: all or nothing, twice is once, changed limits bind what opens afterwards, and what is dumped is what is there."""

import threading
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from core import clock
from core.models import Entry
from deadlines import engine
from deadlines import season as seasons
from deadlines.models import Milestone, Policy, PolicyDocument, Rung, Season
from heating import planfile, planload
from units import selectors as unit_selectors
from units.models import Duty, Holding, Member, Post, Unit, UnitAlias

FOLDER = Path(settings.BASE_DIR) / "heating" / "plan"
FILE = FOLDER / "weiyang-2025-2026.yaml"
SOURCE = FILE.read_text(encoding="utf-8")
MORNING = datetime(2025, 11, 4, 1, 0, tzinfo=UTC)
TABLES = (Season, PolicyDocument, Milestone, Policy, Rung, Unit, UnitAlias, Post, Holding, Duty, Member)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_loaded(unseeded):
    """These stories begin before anything was loaded, whatever world the other tests stand in."""


def load(text: str = SOURCE, **how) -> list[str]:
    return planload.load(planfile.read(text), **{"at": MORNING, **how}).lines


def run(command: str, *args) -> str:
    out = StringIO()
    call_command(command, *args, stdout=out, stderr=StringIO())
    return out.getvalue()


def snapshot() -> dict:
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in TABLES}


def changed(old: str, new: str, text: str = SOURCE) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def file_of(folder: Path, text: str) -> str:
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


# ---------------------------------------------------------------- what is loaded


@pytest.mark.clause("A1", "A3", "C2", "C5", "I1")
def test_the_plan_fills_season_document_units_posts_members_duties_milestones_and_limits():
    run("load_plan", str(FILE))
    plan = planfile.read(SOURCE)
    season = Season.objects.get()
    assert (season.code, season.name, season.is_demo) == ("2025-2026", "2025—2026 年采暖期", False)
    document = season.documents.get()
    assert document.number == "未政办函〔2025〕40号" and "15分钟响应、1小时上门、24小时回访" in document.text
    assert Unit.objects.count() == len(plan["units"])
    assert Unit.objects.get(code="task-force-office").parent.code == "task-force"
    assert Member.objects.filter(body="task_force", unit__isnull=False).count() == 19
    assert Member.objects.filter(body="coordination", unit__isnull=False, is_lead=False).count() == 18
    assert Member.objects.get(is_lead=True).unit.code == "urban-management"
    assert Duty.objects.count() == sum(len(duty["units"]) or 1 for duty in plan["duties"])
    assert list(Milestone.objects.values_list("code", flat=True)) == ["H1", "H2", "H3", "H4", "H5"]
    assert Policy.objects.filter(is_current=True).count() == len(plan["policies"])
    assert seasons.plan_of(season)["milestones_ordered_by"] == "市城管局"


@pytest.mark.clause("E7", "I9", "I12")
def test_a_unit_sees_its_own_duties_those_of_its_kind_and_those_of_every_unit():
    load()
    street = {duty.clause for duty in unit_selectors.duties_of(Unit.objects.get(code="street-tanjia"), "2025-2026")}
    assert {"E7", "E13", "I5", "I9", "I12"} <= street and not street & {"G25", "D3.1", "F6"}
    housing = {duty.clause for duty in unit_selectors.duties_of(Unit.objects.get(code="housing-construction"), "2025-2026")}
    assert {"D3.1", "D3.12", "I1", "I9", "I12"} <= housing and "E7" not in housing


def test_the_bureau_when_late_itself_is_reported_to_the_office_director_instead():
    load()
    for rung in Rung.objects.exclude(level=0):
        assert not {"bureau", "bureau_principal"} & set(rung.audiences_if_bureau)
    first = Rung.objects.get(policy__code="response", level=1)
    assert first.audiences == ["bureau", "principal", "street"] and first.audiences_if_bureau == ["office_director", "principal", "street"]


def test_ladders_in_the_database_climb_as_the_table_says():
    load()
    limit = engine.limit("response")
    opened = datetime(2025, 11, 20, 1, 0, tzinfo=UTC)
    due = opened + limit.policy.allowance
    moments = [engine.moment_of(rung, opened, due) - opened for rung in limit.rungs]
    assert moments == [timedelta(minutes=minutes) for minutes in (7.5, 12, 15, 30, 60, 120)]


# ---------------------------------------------------------------- twice, trial, faults


def test_loading_twice_changes_nothing():
    load()
    before, entries = snapshot(), Entry.objects.count()
    assert load(at=MORNING + timedelta(days=3)) == []
    assert snapshot() == before and Entry.objects.count() == entries


def test_what_every_start_of_a_deployment_loads_does_not_undo_what_the_bureau_changed_since(tmp_path):
    run("load_plan", str(FILE), "--if-none")
    load(changed("allowance: PT15M", "allowance: PT10M"))
    before = snapshot()
    assert run("load_plan", str(FILE), "--if-none") == "" and snapshot() == before
    assert Policy.objects.get(code="response", is_current=True).allowance == timedelta(minutes=10)


def test_a_trial_says_what_would_change_and_changes_nothing(tmp_path):
    run("load_plan", str(FILE))
    before = snapshot()
    said = run("load_plan", file_of(tmp_path, changed("allowance: PT15M", "allowance: PT10M")), "--dry-run")
    assert "15 分钟响应：15 分钟 → 10 分钟" in said and "将有 1 处改动" in said
    assert snapshot() == before


def test_a_wrong_file_is_refused_with_every_line_and_nothing_is_loaded(tmp_path):
    text = changed("allowance: PT15M", "allowance: soon", changed("max_returns: 2", "max_retruns: 2"))
    with pytest.raises(CommandError) as refused:
        run("load_plan", file_of(tmp_path, text))
    said = str(refused.value)
    assert "policies[1].allowance" in said and "rules.max_retruns" in said and "第 " in said and "未作任何改动" in said
    assert not Season.objects.exists() and not Unit.objects.exists()


def test_a_plan_that_misquotes_its_document_is_refused(tmp_path):
    (tmp_path / "weiyang-2025-2026.txt").write_text((FOLDER / "weiyang-2025-2026.txt").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(CommandError, match="引文与文件正文不符"):
        run("load_plan", file_of(tmp_path, changed('quote: "负责做好供暖期网络舆论监测和分析"', 'quote: "负责舆情监测"')))
    assert not Season.objects.exists()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00plan", "season: 供暖".encode("gb18030")])
def test_a_file_that_is_no_text_is_refused_in_words(tmp_path, content):
    path = tmp_path / "plan.yaml"
    path.write_bytes(content)
    with pytest.raises(CommandError, match="无法读取|有误"):
        run("load_plan", str(path))
    with pytest.raises(CommandError, match="无法读取"):
        run("load_plan", str(tmp_path / "missing.yaml"))


def test_the_document_is_read_from_beside_the_plan_and_from_nowhere_else(tmp_path):
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    inner = tmp_path / "plans"
    inner.mkdir()
    run("load_plan", file_of(inner, changed("text_file: weiyang-2025-2026.txt", "text_file: ../secret.txt")))
    assert PolicyDocument.objects.get().text == ""


def test_when_something_fails_half_way_nothing_of_the_plan_is_kept(monkeypatch):
    monkeypatch.setattr(planload, "_policies", lambda *said: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load()
    assert not any(model.objects.exists() for model in TABLES)


# ---------------------------------------------------------------- changes


@pytest.mark.clause("G25")
def test_a_changed_limit_is_a_new_version_and_what_has_begun_keeps_the_old():
    load()
    season, unit = Season.objects.get(), Unit.objects.get(code="finance")
    season.deadline_label = "试"
    begun = engine.open_deadline("response", season, unit, at=MORNING)
    [line] = load(changed("allowance: PT15M", "allowance: PT10M"))
    assert "15 分钟 → 10 分钟" in line and "第 2 版" in line
    begun.refresh_from_db()
    assert begun.due_at == MORNING + timedelta(minutes=15) and begun.policy.version == 1
    after = engine.open_deadline("response", season, unit, at=MORNING, round=2)
    assert after.due_at == MORNING + timedelta(minutes=10) and after.policy.version == 2
    [line] = load()
    assert "第 3 版" in line and Policy.objects.filter(code="response", is_current=True).get().version == 3


def test_a_changed_ladder_is_a_new_version_of_its_limit():
    load()
    [line] = load(changed("{after: PT15M, level: 2", "{after: PT20M, level: 2"))
    assert "督办阶梯" in line
    assert Rung.objects.get(policy__code="response", policy__version=1, level=2).after == timedelta(minutes=15)
    assert Rung.objects.get(policy__code="response", policy__version=2, level=2).after == timedelta(minutes=20)


@pytest.mark.clause("H0")
def test_a_milestone_moved_by_the_city_keeps_its_old_version():
    load()
    [line] = load(changed("2025-11-14T12:00:00+08:00", "2025-11-15T12:00:00+08:00"))
    assert "第 2 版" in line
    old, new = Milestone.objects.filter(code="H5").order_by("version")
    assert (old.is_current, new.is_current) == (False, True) and new.due_at - old.due_at == timedelta(days=1)


def test_a_milestone_that_is_dropped_and_comes_back_is_a_further_version():
    load()
    data = yaml.safe_load(SOURCE)
    data["milestones"] = [row for row in data["milestones"] if row["code"] != "H4"]
    data["policies"] = [policy for policy in data["policies"] if policy["code"] != "obligation"]
    lines = load(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
    assert [line[0] for line in lines] == ["－", "－"]
    assert not Milestone.objects.filter(code="H4", is_current=True).exists()
    load()
    assert Milestone.objects.get(code="H4", is_current=True).version == 2
    assert Policy.objects.get(code="obligation", is_current=True).version == 2


def test_changed_rules_are_seen_by_the_rooms_that_decide_by_them():
    load()
    season = Season.objects.get()
    assert seasons.plan_of(season)["rules"]["max_returns"] == 2
    assert "rules" in load(changed("max_returns: 2", "max_returns: 3"), at=MORNING + timedelta(minutes=1))[0]
    assert seasons.plan_of(Season.objects.get())["rules"]["max_returns"] == 3


def test_what_is_loaded_is_in_the_journal_with_the_differences():
    load()
    load(changed("allowance: PT15M", "allowance: PT10M"), at=MORNING + timedelta(hours=1))
    entry = Entry.objects.filter(subject_kind="season", act="load_plan").order_by("-position").first()
    assert entry.at == MORNING + timedelta(hours=1) and "15 分钟 → 10 分钟" in entry.data["changes"][0]


# ---------------------------------------------------------------- posts


@pytest.mark.clause("C2")
def test_whoever_has_taken_a_post_since_keeps_it_when_the_same_plan_is_loaded_again():
    load()
    post = Post.objects.get(code="office-director")
    Holding.objects.filter(post=post, until=None).update(until=MORNING + timedelta(days=1))
    Holding.objects.create(post=post, name="李某", since=MORNING + timedelta(days=1))
    assert load() == []
    assert Holding.objects.get(post=post, until=None).name == "李某"


def test_a_post_left_vacant_stays_vacant_when_the_same_plan_is_loaded_again():
    load()
    Holding.objects.filter(post__code="deputy-head-3").update(until=MORNING + timedelta(days=1))
    assert load() == []
    assert not Holding.objects.filter(post__code="deputy-head-3", until=None).exists()


def test_a_name_newly_written_in_the_plan_takes_the_post_from_then_on():
    load()
    later = MORNING + timedelta(days=30)
    [line] = load(changed("holder: 张永辉", "holder: 王某"), at=later)
    assert "张永辉 → 王某" in line
    old, new = Holding.objects.filter(post__code="deputy-head-3").order_by("since")
    assert (old.name, old.until, new.name, new.since, new.until) == ("张永辉", later, "王某", later, None)


def test_another_post_may_become_the_principals():
    load()
    text = changed("title: 局长（主要负责同志）, principal: true, holder: 张鹏", "title: 局长, holder: 张鹏")
    head = "  - {code: bureau-head, unit: urban-management, title: 主要负责同志, principal: true}\n"
    text = changed("  - {code: finance-principal", f"{head}  - {{code: finance-principal", text)
    assert load(text)
    assert Post.objects.get(unit__code="urban-management", is_principal=True).code == "bureau-head"
    load()
    assert Post.objects.get(unit__code="urban-management", is_principal=True).code == "urban-management-principal"


# ---------------------------------------------------------------- dump, carry, two at once


def test_loading_what_was_dumped_changes_nothing(tmp_path):
    run("load_plan", str(FILE))
    before, dumped = snapshot(), run("dump_plan")
    assert "没有差异" in run("load_plan", file_of(tmp_path, dumped))
    assert snapshot() == before and run("dump_plan") == dumped


def test_what_was_changed_in_the_portal_is_dumped_as_it_now_is(tmp_path):
    load()
    unit = Unit.objects.get(code="finance")
    unit.short_name, unit.note = "区财政金融局", "更名"
    unit.save()
    UnitAlias.objects.create(unit=unit, name="区财政局")
    UnitAlias.objects.filter(name="财政局").delete()
    Holding.objects.filter(post__code="deputy-head-3").update(until=MORNING + timedelta(days=1))
    before = snapshot()
    assert "没有差异" in run("load_plan", file_of(tmp_path, run("dump_plan")))
    assert snapshot() == before


def test_limits_made_short_for_a_trial_are_dumped_as_they_are_and_can_be_taken_back(tmp_path):
    run("load_plan", str(FILE))
    short = changed("allowance: PT24H, clause: G25", "allowance: PT40S, clause: G25", changed("allowance: PT15M", "allowance: PT10S"))
    load(changed("{after: PT15M, level: 2", "{after: PT5S, level: 2", short))
    before, dumped = snapshot(), run("dump_plan")
    assert "allowance: PT10S" in dumped and "after: PT5S" in dumped
    assert "没有差异" in run("load_plan", file_of(tmp_path, dumped)) and snapshot() == before
    lines = load()
    assert len(lines) == 2 and all("第 3 版" in line for line in lines)


def test_the_order_of_units_and_posts_is_part_of_the_plan(tmp_path):
    load()
    data = yaml.safe_load(SOURCE)
    data["units"].reverse()
    data["posts"].reverse()
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    assert load(text) == ["～ 单位的先后", "～ 职务的先后"]
    before = snapshot()
    assert "没有差异" in run("load_plan", file_of(tmp_path, run("dump_plan"))) and snapshot() == before


def test_another_districts_plan_is_another_file_and_nothing_else(tmp_path):
    data = yaml.safe_load(SOURCE.replace("未央", "雁塔").replace("张家堡", "小寨").replace("zhangjiabu", "xiaozhai"))
    data["document"].update(number="雁政办函〔2025〕1号", text_file=None)
    streets = {unit["code"] for unit in data["units"] if unit["kind"] == "street" and unit["code"] != "street-xiaozhai"}
    data["units"] = [unit for unit in data["units"] if unit["code"] not in streets]
    data["posts"] = [post for post in data["posts"] if post["unit"] not in streets]
    data["obligations"]["clauses"] = [row for row in data["obligations"]["clauses"] if row["clause"] != "E12"]  # no heritage zone there
    path = file_of(tmp_path, yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
    run("load_plan", path)
    assert [unit.name for unit in Unit.objects.filter(kind="street")] == ["小寨街道办事处"]
    assert Unit.objects.get(code="urban-management").name == "西安市雁塔区城市管理和综合执法局"
    assert unit_selectors.named("小寨街办").code == "street-xiaozhai"
    assert not Unit.objects.filter(name__contains="未央").exists() and PolicyDocument.objects.get().number == "雁政办函〔2025〕1号"
    assert "没有差异" in run("load_plan", path)


def test_dumping_before_anything_is_loaded_says_so():
    with pytest.raises(CommandError, match="没有载入过"):
        run("dump_plan")


@pytest.mark.clause("A5")
def test_a_carried_season_stands_beside_the_old_one_and_keeps_its_posts_and_limits(tmp_path):
    load()
    output = tmp_path / "next.yaml"
    said = run("carry_plan", str(FILE), "--season", "2026-2027", "--output", str(output))
    assert "草案已写到" in said
    lines = load(output.read_text(encoding="utf-8"), at=MORNING + timedelta(days=300))
    assert "＋ 采暖季 2026—2027 年采暖期" in lines and not any("时限" in line or "单位 " in line for line in lines)
    assert set(Season.objects.values_list("code", flat=True)) == {"2025-2026", "2026-2027"}
    assert seasons.active(datetime(2026, 1, 1, tzinfo=UTC)).code == "2025-2026"
    assert seasons.active(datetime(2026, 12, 1, tzinfo=UTC)).code == "2026-2027"
    assert Duty.objects.filter(season="2026-2027").count() == Duty.objects.filter(season="2025-2026").count()


def test_carrying_to_what_is_no_season_is_refused():
    with pytest.raises(CommandError, match="采暖季代码"):
        run("carry_plan", str(FILE), "--season", "2026")


@pytest.mark.django_db(transaction=True)
def test_two_who_load_at_once_load_once():
    results, gate = [], threading.Barrier(2)

    def one():
        try:
            gate.wait()
            results.append(load(at=clock.now()))
        except Exception as fault:  # noqa: BLE001 - told to the test
            results.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(bool, results)) == [False, True], results
    assert Season.objects.count() == 1
