"""Finds a Chromium for the browser tests, or brings one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHINESE = "fonts-noto-cjk"


def find_chromium() -> str | None:
    """The path of a Chromium: named by CHROMIUM, on the PATH, or Playwright's own; None when there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    brought = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    own = sorted(brought.glob("chromium-*/chrome-linux*/chrome"))
    return str(own[-1]) if own else None


def bring_chromium() -> str | None:
    """Install one: from Debian's packages as root, else Playwright's own. None when neither works here."""
    print("安装 Chromium…", flush=True)
    if _install("chromium", CHINESE) and find_chromium():
        return find_chromium()
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return find_chromium()


def bring_chinese() -> None:
    """Chinese letters for the pictures of the pages, where they can be had: without them the pages work, in empty boxes."""
    program = shutil.which("fc-list")
    if program and not subprocess.run([program, ":lang=zh-cn", "family"], capture_output=True, check=False).stdout.strip():
        print("安装中文字体…", flush=True)
        _install(CHINESE)


def _install(*packages: str) -> bool:
    """From Debian's packages; only root may. Whether that worked."""
    if os.getuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    said = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "check": False, "env": environment}
    subprocess.run(["apt-get", "update", "-q"], **said)
    done = subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], **said)
    if done.returncode:
        print(done.stderr[-500:], file=sys.stderr)
    return done.returncode == 0
