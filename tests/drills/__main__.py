"""`make drills`: every drill in full (or `--short`), and the figures written into docs/reliability.md."""

import argparse
import os
import platform
import re
import sys
import time
from datetime import datetime

from core.civil import SHANGHAI
from tests.drills import faults, keeping, public
from tests.drills.result import Result
from tests.drills.world import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
# name → (drill, full size, short size)
DRILLS = {
    "worker": (faults.worker_killed, 1500, 60), "redis": (faults.redis_lost, 200, 20), "postgres": (faults.postgres_lost, 200, 20),
    "beats": (faults.two_beats, 600, 40), "clock": (faults.clocks_wrong, 200, 20), "backlog": (faults.backlog, 50_000, 2_000),
    "same-number": (faults.same_number, 200, 10), "officers": (faults.two_officers, 1000, 20), "endpoint": (keeping.endpoint_hangs, 400, 100),
    "frozen": (faults.worker_frozen, 1, 1), "journal": (keeping.journal_tampered, 500, 40), "restore": (keeping.wiped_and_restored, 100_000, 1_000),
    "guesses": (public.guesses, 50_000, 300), "submissions": (public.submissions, 10_000, 100), "chaos": (faults.chaos, 10_000, 300),
}  # fmt: skip
SHORTER = {"redis": {"seconds": 8}, "postgres": {"seconds": 6}, "submissions": {"clients": 20}, "chaos": {"kills": 6}}
SECTION = re.compile(r"^### [^\n]*（`([\w-]+)`）\n.*?(?=^### |\Z)", re.M | re.S)
MARK = "<!-- 以下由 make drills 写入，不要手改 -->"


def main() -> int:
    """Run the drills named, or all; 1 when a promise was not kept."""
    parser = argparse.ArgumentParser(prog="make drills")
    parser.add_argument("names", nargs="*", choices=[*DRILLS, []], help="、".join(DRILLS))
    parser.add_argument("--short", action="store_true", help="短演练，几分钟")
    parser.add_argument("--write", action="store_true", help="把结果写入 docs/reliability.md")
    said = parser.parse_args()
    results = []
    for name in said.names or DRILLS:
        drill, full, short = DRILLS[name]
        print(f"\n== {name} ==", flush=True)
        started = time.monotonic()
        try:
            result = drill(short if said.short else full, **(SHORTER.get(name, {}) if said.short else {}))
        except AssertionError as fault:  # one that broke off is a promise not kept, and keeps no other from being run
            result = Result(f"{drill.__name__}，中途停下")
            result.hold(str(fault)[:200], "没有", "有", kept=False)
        result.figures["drill_seconds"] = round(time.monotonic() - started)
        results.append((name, result))
        _say(result)
        if said.write:
            _write(results, short=said.short)
    return 0 if all(result.is_kept for _, result in results) else 1


def _say(result: Result) -> None:
    print(result.name, "跳过：" + result.skipped if result.skipped else "")
    for what, measured, promised, kept in result.held:
        print(f"  {'✓' if kept else '✗'} {what}：{measured}（承诺 {promised}）")
    print(f"  {result.figures}", flush=True)


def _write(results: list, *, short: bool) -> None:
    """Each drill's own section, with its own date: a run of some of them leaves the others as they stand."""
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else "# 可靠性\n\n"
    head, _, below = text.partition(MARK)
    sections = {found.group(1): found.group(0).rstrip() for found in SECTION.finditer(below)}
    when = f"{datetime.now(SHANGHAI):%Y-%m-%d %H:%M}{'（短演练）' if short else ''}"
    for name, result in results:
        sections[name] = _section(name, result, when)
    lines = [
        head.rstrip(), "", MARK, "", "## 最近一次演练", "", f"{os.cpu_count()} 核，Python {platform.python_version()}，{platform.system()} {platform.machine()}。", "",
        *(f"{sections[name]}\n" for name in DRILLS if name in sections),
    ]  # fmt: skip
    DOCUMENT.write_text("\n".join(lines), encoding="utf-8")


def _section(name: str, result: Result, when: str) -> str:
    lines = [f"### {result.name}（`{name}`）", "", when, ""]
    if result.skipped:
        return "\n".join([*lines, f"跳过：{result.skipped}"])
    lines += ["| 承诺 | 实测 | 目标 | |", "|---|---|---|---|"]
    lines += [f"| {what} | {measured} | {promised} | {'达到' if kept else '**未达到**'} |" for what, measured, promised, kept in result.held]
    return "\n".join([*lines, "", "；".join(f"{key} {value}" for key, value in result.figures.items())])


if __name__ == "__main__":
    sys.exit(main())
