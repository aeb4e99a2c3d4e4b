"""What `make test` runs: the engine and HTTP tests in parallel, then the browser tests; one verdict."""

import os
import subprocess
import sys
import time

from tests.chromium import bring_chromium, find_chromium


def main(arguments: list[str]) -> int:
    """Run both parts, also when the first fails; the worse of the two is the verdict. Arguments go to pytest."""
    if not (find_chromium() or bring_chromium()):
        print("没有 Chromium，也装不上：浏览器测试将失败。", file=sys.stderr)
    workers = str(min(os.cpu_count() or 2, 8))
    parts = [
        ("接口与引擎", ["-m", "not browser", "-n", workers, "--dist", "loadfile"]),
        ("浏览器与进程", ["-m", "browser", "-p", "no:xdist"]),
    ]
    verdicts = []
    for name, options in parts:
        started = time.monotonic()
        print(f"\n== {name} ==", flush=True)
        status = subprocess.run([sys.executable, "-m", "pytest", "-q", *options, *arguments], check=False).returncode
        # 5: nothing of this part was selected by the arguments given.
        verdicts.append(0 if status == 5 and arguments else status)
        print(f"{name}：{'通过' if not verdicts[-1] else '失败'}，{time.monotonic() - started:.0f} 秒", flush=True)
    return max(verdicts)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
