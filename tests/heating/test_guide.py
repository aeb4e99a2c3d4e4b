"""The user guide says what is so: its addresses exist, its clauses are quoted, its figures are the plan's, and everybody may read it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve

from heating import guide, planfile
from tests import story

TEXT = guide.GUIDE.read_text(encoding="utf-8")
PLAN = planfile.read((Path(settings.BASE_DIR) / "heating" / "plan" / "weiyang-2025-2026.yaml").read_text(encoding="utf-8"))


def limit(code: str) -> timedelta:
    return planfile.duration(next(policy["allowance"] for policy in PLAN["policies"] if policy["code"] == code))


def section(heading: str) -> str:
    return re.search(rf"^### {heading}$(.*?)(?=^##)", TEXT, re.M | re.S)[1]


def test_every_address_in_the_guide_is_a_page_of_the_portal():
    for path in set(re.findall(r"\]\((/[^)]*)\)", TEXT)):
        assert resolve(path), path


def test_every_clause_that_the_guide_cites_is_quoted_by_the_plan():
    quoted = {row["clause"] for part in ("duties", "milestones") for row in PLAN[part]}
    known = quoted | {"A1", "A3", "B1", "B2", "B4", "C2", "C3", "C4", "C6", "C7", "H0"}  # of the document's head and organisation
    cited = set(re.findall(r"(?<![A-Za-z0-9])[A-I]\d{1,2}(?:\.\d{1,2})?(?![\dA-Za-z])", TEXT))
    assert len(cited) > 20 and cited <= known, cited - known


@pytest.mark.parametrize(("stage", "row"), [("response", "响应"), ("visit", "上门"), ("callback", "回访")])
def test_the_ladder_in_the_guide_is_that_of_the_plan(stage, row):
    said = re.search(rf"^\| {row} \| (.+) \|$", section("超时以后报给谁"), re.M)[1].split(" | ")
    ladder = next(policy["ladder"] for policy in PLAN["policies"] if policy["code"] == stage)
    rungs = next(one["rungs"] for one in PLAN["ladders"] if one["code"] == ladder)
    unit = {"分钟": timedelta(minutes=1), "小时": timedelta(hours=1)}
    spoken = [int(number) * unit[name] for number, name in (re.search(r"(\d+) (分钟|小时)", cell).groups() for cell in said)]
    assert spoken == [limit(stage) + planfile.duration(rung["after"]) for rung in rungs if rung["level"]]


def test_the_figures_in_the_guide_are_those_of_the_plan():
    rules = PLAN["rules"]
    assert limit("dispatch") == limit("ruling") == timedelta(minutes=30) and TEXT.count("30 分钟（可改）") == 1 and "30 分钟内裁定（可改）" in TEXT
    assert rules["return_window"] == "PT10M" and "送达后 10 分钟内退单" in section("退单不停表")
    assert rules["max_returns"] == 2 and "最多退两次" in section("退单不停表")
    assert rules["unreachable"] == {"attempts": 3, "half_days": 2} and "三次未接通，且分在至少两个半天" in section("回访没有打通")
    assert rules["appointment_horizon"] == "P7D" and "7 天以后" in section("改约")
    assert rules["offline_tolerance"] == "PT30M" and "30 分钟之内按设备时间认" in section("什么算到场")
    assert rules["late_on_arrival_after"] == "PT15M" and "离来电已过 15 分钟" in section("到达时已超时")
    assert rules["street_on_site_from_round"] == 3 and "第三轮起街道到场协调" in section("没有解决")


def test_the_lead_of_each_route_in_the_guide_is_that_of_the_plan():
    names = {unit["code"]: unit["short_name"] for unit in PLAN["units"]}
    for row in PLAN["categories"]:
        if row["clause"] != "D18.6":
            assert re.search(rf"^\| [^|]+ \| {names[row['lead']]} \|.*\| {row['clause']} \|$", TEXT, re.M), row["code"]


def test_the_keys_in_the_guide_are_those_of_the_help_on_every_page():
    frame = (Path(settings.BASE_DIR) / "templates" / "base.html").read_text(encoding="utf-8")
    offered = set(re.findall(r"<kbd[^>]*>([^<]+)</kbd>", frame[frame.index("帮助与快捷键") :]))
    assert offered <= set(re.findall(r"`([^`]+)`", TEXT))


@pytest.mark.django_db
@pytest.mark.parametrize("name", [login.username for login in story.demo.LOGINS])
def test_everybody_who_is_signed_in_reads_the_guide_in_the_portals_own_frame(name):
    client = Client()
    client.force_login(story.user(name))
    page = client.get("/help/").content.decode()
    assert "退单不停表" in page and "<table>" in page and "帮助与快捷键" in page and 'href="#' in page
    assert "[TOC]" not in page and "**" not in page


@pytest.mark.django_db
def test_a_visitor_is_asked_to_sign_in_first():
    assert Client().get("/help/").headers["Location"].startswith("/login/")
