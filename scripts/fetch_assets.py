"""Fetches the front-end files that are kept in the repository: run by whoever raises a version, never at start-up.

    python scripts/fetch_assets.py

Needs npm and the registry. What it writes under static/vendor and tests/browser is committed, so that a bare machine
without npm or internet has everything. To use a further icon, add its name to scripts/icons.txt and run it again.
"""

import base64
import hashlib
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"

# Package → the digest that the registry gives for it; another content under the same version is refused.
PACKAGES = {
    "bootstrap@5.3.9": "20cU0rcfw8WdxtVbmfU+xT2EjvVTw9Ror/h1Qvd7DXCujRg8OO9mdBCsmTHdJFf3BuadmBNJtgIuUXsBqSkk/w==",
    "echarts@6.1.0": "q0yaFPggC9FUdsWH4blavRWFmxdrIodbkoKNAjJudAI6CA9gNPxHtV2RcZNEepZVlk4yvBYkOkbk6HIVpIyHZA==",
    "@tabler/icons@3.51.0": "0pinvPZz7YeX+OSfxuEAbnEPWbocVXW5iU8h5lh41pYG8sZuQfpWECC980lxOT0clGIcNGn8xsBr+zKaRGdA/g==",
    "axe-core@4.14.1": "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
}

FILES = {
    "bootstrap@5.3.9": {
        "package/dist/css/bootstrap.min.css": VENDOR / "bootstrap-5.3.9" / "bootstrap.min.css",
        "package/LICENSE": VENDOR / "bootstrap-5.3.9" / "LICENSE",
    },
    "echarts@6.1.0": {
        "package/dist/echarts.common.min.js": VENDOR / "echarts-6.1.0" / "echarts.common.min.js",
        "package/LICENSE": VENDOR / "echarts-6.1.0" / "LICENSE",
        "package/NOTICE": VENDOR / "echarts-6.1.0" / "NOTICE",
        "package/licenses/LICENSE-d3": VENDOR / "echarts-6.1.0" / "LICENSE-d3",
    },
    "@tabler/icons@3.51.0": {"package/LICENSE": VENDOR / "tabler-icons-3.51.0" / "LICENSE"},
    "axe-core@4.14.1": {
        "package/axe.min.js": ROOT / "tests" / "browser" / "axe.min.js",
        "package/LICENSE": ROOT / "tests" / "browser" / "axe.LICENSE",
    },
}
ICONS = VENDOR / "tabler-icons-3.51.0" / "icons.css"
# What may stand in a quoted data address as it is.
DATA = " =/:,'"
# A manifest storage follows this comment and stops at the missing map.
SOURCE_MAP = re.compile(rb"^\s*(?:/\*#\s*sourceMappingURL=.*?\*/|//#\s*sourceMappingURL=.*)\s*$", re.MULTILINE)


def main() -> None:
    """Fetch, check and write everything."""
    with tempfile.TemporaryDirectory() as folder:
        for package, digest in PACKAGES.items():
            with tarfile.open(packed(package, digest, Path(folder))) as archive:
                for name, target in FILES[package].items():
                    write(target, SOURCE_MAP.sub(b"", archive.extractfile(name).read()))
                if package.startswith("@tabler"):
                    write(ICONS, icons_css(archive).encode())


def packed(package: str, digest: str, folder: Path) -> Path:
    """The package's archive, as npm fetches it; stops when its content is not the one that was chosen."""
    done = subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True)
    archive = folder / done.stdout.split()[-1]
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != digest:
        raise SystemExit(f"{package}: sha512-{found} is not the digest that was chosen")
    return archive


def icons_css(archive: tarfile.TarFile) -> str:
    """One rule per icon of scripts/icons.txt: its drawing, which .i uses as a mask, so that it takes the colour of the text."""
    names = sorted(set((ROOT / "scripts" / "icons.txt").read_text().split()))
    lines = ["/* Drawings of @tabler/icons 3.51.0 (MIT, see LICENSE). Written by scripts/fetch_assets.py from scripts/icons.txt. */"]
    for name in names:
        drawing = archive.extractfile(f"package/icons/outline/{name}.svg").read().decode()
        shapes = "".join(re.findall(r"<(?:path|circle|line|rect|polyline|ellipse)\b[^>]*/>", drawing))
        shapes = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "", shapes)
        svg = (
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='#000' stroke-width='2' "
            f"stroke-linecap='round' stroke-linejoin='round'>{shapes}</svg>"
        ).replace('"', "'")
        url = f'url("data:image/svg+xml,{quote(svg, safe=DATA)}")'
        lines.append(f".ico-{name}{{--drawing:{url}}}")
    return "\n".join(lines) + "\n"


def write(target: Path, content: bytes) -> None:
    """Write a file, with its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    print(f"{len(content):>9}  {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
