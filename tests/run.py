"""What `make test` runs: a look at the code itself, then the engine and HTTP tests, then the browser tests, in parallel both; one verdict."""

import os
import subprocess
import sys
import time

from tests import hygiene
from tests.chromium import bring_chinese, bring_chromium, find_chromium

NOTHING_SELECTED = 5  # pytest's


def main(arguments: list[str]) -> int:
    """Run both parts, also when the first fails; one failure is the verdict. Arguments go to pytest."""
    if not (find_chromium() or bring_chromium()):
        print("没有 Chromium，也装不上：浏览器测试将失败。", file=sys.stderr)
    bring_chinese()
    cores = os.cpu_count() or 2
    by_file = ["--dist", "loadfile", "--no-loadscope-reorder"]  # in the order of tests/conftest.py
    parts = [
        ("接口与引擎", ["-m", "not browser", "-n", str(min(cores, 8)), *by_file]),
        # One portal for both workers; the folder only where no other is named.
        ("浏览器与进程", ["-m", "browser", "-n", str(min(cores, 2)), *by_file, "-o", "testpaths=tests/browser"]),
    ]
    if not arguments:
        print("== 静态检查 ==", flush=True)
        if hygiene.main():
            return 1
    verdicts = []
    for name, options in parts:
        started = time.monotonic()
        print(f"\n== {name} ==", flush=True)
        status = subprocess.run([sys.executable, "-m", "pytest", "-q", *options, *arguments], check=False).returncode
        verdicts.append(status)
        said = {0: "通过", NOTHING_SELECTED: "没有测试"}.get(status, "失败")
        print(f"{name}：{said}，{time.monotonic() - started:.0f} 秒", flush=True)
    # With arguments one part may well have nothing to run; both is a slip of the pen and no success.
    if arguments and set(verdicts) != {NOTHING_SELECTED}:
        verdicts = [0 if status == NOTHING_SELECTED else status for status in verdicts]
    return 1 if any(verdicts) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
