"""`make fuzz`: schemathesis over the portal's own schema, as three roles, against real processes (S26, G9).

Every operation is called with what its schema allows and with what it does not. Whatever answers 5xx, or otherwise than the
schema says, is a fault; the figures are written into docs/security.md.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import requests
import yaml

from core.civil import SHANGHAI
from tests.drills.world import ROOT, World

DOCUMENT = ROOT / "docs" / "security.md"
MARK = "<!-- 以下由 make fuzz 写入，不要手改 -->"
CASES = 50_000
ROLES = {"区城管执法局": ("urban-management", "officer"), "供热企业": ("demo-heating-1", "handler"), "区委社会工作部": ("social-work", "dispatcher")}
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance,ignored_auth"
PHASES = "examples,coverage,fuzzing,stateful"


@dataclass
class Told:
    """What a run as one role found."""

    role: str
    cases: int
    server_errors: int
    failures: list[str]
    seconds: int


def main() -> int:
    """Fuzz as each role; 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--cases", type=int, default=CASES, help="三种角色一共约多少例")
    parser.add_argument("--role", choices=list(ROLES), help="只用一种角色")
    parser.add_argument("--only", help="只测路径匹配此式的操作")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="把结果写入 docs/security.md")
    said = parser.parse_args()
    roles = [said.role] if said.role else list(ROLES)
    found = []
    with World(limits=1800) as world:
        for role in roles:
            found.append(run(world, role, cases=said.cases // len(roles), only=said.only, seed=said.seed))
            print(f"{role}：{found[-1].cases} 例，{found[-1].server_errors} 次 5xx，{len(found[-1].failures)} 处不符，{found[-1].seconds} 秒", flush=True)
            for failure in found[-1].failures:
                print(f"  {failure}")
    if said.write:
        _write(found)
    return 1 if any(one.failures or one.server_errors for one in found) else 0


def run(world: World, role: str, *, cases: int, only: str | None, seed: int) -> Told:
    """One role's cases, spread evenly over the operations."""
    unit, name = ROLES[role]
    token = world.manage("issue_token", "--unit", unit, "--role", name).strip()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        started = time.monotonic()
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{world.address}/api/schema/", "-u", world.address, "-H", f"Authorization: Token {token}",
            "--checks", CHECKS, "--phases", PHASES, "-n", str(max(1, cases // operations(world, only))), "--workers", "1", "--seed", str(seed), "--continue-on-failure",
            "--generation-database", "none", "--report-json-path", str(report), "--no-color", *(["--include-path-regex", only] if only else []),
        ]  # fmt: skip
        log = world.var / f"fuzz-{unit}.log"
        with log.open("wb") as out:
            subprocess.run(command, stdout=out, stderr=out, check=False, cwd=folder)
        told = json.loads(report.read_text(encoding="utf-8"))
        (ROOT / "var").mkdir(exist_ok=True)
        (ROOT / "var" / f"fuzz-{unit}.json").write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        (ROOT / "var" / f"fuzz-{unit}.log").write_bytes(log.read_bytes())
    return _told(role, told, round(time.monotonic() - started))


def operations(world: World, only: str | None) -> int:
    """How many operations the schema names, all told."""
    paths = yaml.safe_load(requests.get(f"{world.address}/api/schema/", timeout=30).text)["paths"]
    return sum(len(acts) for path, acts in paths.items() if not only or re.search(only, path))


def _told(role: str, report: dict, seconds: int) -> Told:
    if not report["complete"]:
        raise SystemExit(f"schemathesis 没有跑完：{report['stop_reason']} {report['errors']}")
    failures = [f"{one['title']}：{one['count']} 例，{'、'.join(one['operations'][:6])}" for one in report["failures"]]
    failures += [f"{one}" for one in report["errors"]]
    broken = sum(one["count"] for one in report["failures"] if one["type"] == "ServerError")
    return Told(role, report["test_cases"]["generated"], broken, failures, seconds)


def _write(found: list[Told]) -> None:
    head = DOCUMENT.read_text(encoding="utf-8").split(MARK)[0] if DOCUMENT.exists() else "# 安全\n\n"
    lines = [
        head.rstrip(), "", MARK, "", f"## 接口模糊测试：{datetime.now(SHANGHAI):%Y-%m-%d %H:%M}", "",
        "| 角色 | 例数 | 5xx | 与接口说明不符 | 秒 |", "|---|---|---|---|---|",
        *(f"| {one.role} | {one.cases} | {one.server_errors} | {len(one.failures)} | {one.seconds} |" for one in found),
        f"| 合计 | {sum(one.cases for one in found)} | {sum(one.server_errors for one in found)} | {sum(len(one.failures) for one in found)} | {sum(one.seconds for one in found)} |",
        "",
    ]  # fmt: skip
    DOCUMENT.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heating.settings")
    raise SystemExit(main())
