"""docs/performance.md: the table of the last run, with the machine it was made on."""

import os
import platform
from datetime import datetime
from pathlib import Path

from bench.judging import Measured
from core.civil import SHANGHAI

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
MARK = "<!-- 以下由 make bench 写入，不要手改 -->"
VERDICTS = {True: "达到", False: "**未达到**", None: ""}


def said(line: Measured) -> str:
    """One line for the terminal."""
    goal = f"目标 ≤ {line.most:g}" if line.most is not None else ""
    asked = f"，{line.queries} 条语句" + (f"（目标 ≤ {line.most_queries}）" if line.most_queries else "") if line.queries is not None else ""
    return f"{line.goal:4} {line.what}：{line.ours_ms:.1f} 毫秒，{line.ratio:.2f} 倍 [{line.low:.2f}–{line.high:.2f}] {goal}{asked} {VERDICTS[line.is_met]} {line.remark}"


def write(lines: list[Measured], *, size: int, rounds: int, seconds: float) -> None:
    """Keep what stands above the mark, and write the table anew."""
    head = DOCUMENT.read_text(encoding="utf-8").split(MARK)[0] if DOCUMENT.exists() else "# 性能\n\n"
    table = [
        head.rstrip(), "", MARK, "", f"## 最近一次测量：{datetime.now(SHANGHAI):%Y-%m-%d %H:%M}，{size:,} 件工单", "",
        f"{os.cpu_count()} 核，Python {platform.python_version()}，{platform.system()} {platform.machine()}，内嵌 PostgreSQL（提交落盘）；每项至少 {rounds} 轮，次序随机，共 {seconds:.0f} 秒。"
        "倍数是中位数（列表为 95 分位）之比，方括号为 95% 区间；区间整个高于目标才算未达到。", "",
        "| 目标 | 测什么 | 本平台（毫秒） | 对照 | 对照（毫秒） | 倍数 | 目标 | 语句 | |", "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for line in lines:
        asked = "" if line.queries is None else f"{line.queries}" + (f"（≤ {line.most_queries}）" if line.most_queries else "")
        goal = "" if line.most is None else f"≤ {line.most:g}"
        has_twin = line.twin != "—"
        table.append(
            f"| {line.goal} | {line.what} | {line.ours_ms:.1f} | {line.twin} | {f'{line.twin_ms:.1f}' if has_twin else ''} "
            f"| {f'{line.ratio:.2f} [{line.low:.2f}–{line.high:.2f}]' if has_twin else f'{line.ratio:.2f}' if line.most else ''} | {goal} | {asked} | {VERDICTS[line.is_met]} {line.remark} |"
        )
    DOCUMENT.write_text("\n".join([*table, ""]), encoding="utf-8")
