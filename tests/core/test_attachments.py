"""Photos are what they show and nothing else: taken apart, measured, written anew (S16, G10)."""

import io
import json
import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from core import attachments
from core.errors import Invalid
from tests.story import NOON, dispatched

pytestmark = [pytest.mark.django_db, pytest.mark.guard("S16")]


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), **more) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **more)
    return out.getvalue()


def huge() -> bytes:
    """A PNG of a few kilobytes that says it is 13,000 × 13,000."""
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(b"\0" * 200_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 13_000, 13_000, 8, 2, 0, 0, 0)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def kept(raw: bytes, settings, tmp_path, name: str = "照片.jpg"):
    settings.MEDIA_ROOT = tmp_path
    return attachments.store(SimpleUploadedFile(name, raw, "image/jpeg"), dispatched(), actor=None, at=NOON)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(huge(), id="169 million pixels"), pytest.param(picture()[:300], id="cut off"), pytest.param(picture("GIF"), id="gif"), pytest.param(picture("BMP"), id="bmp"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", id="svg"), pytest.param(b"<script>alert(1)</script>", id="html"), pytest.param(b"", id="nothing"),
        pytest.param(b"MZ" + b"\0" * 500, id="program"), pytest.param(b"GIF89a/*" + picture()[8:], id="two at once"),
    ],
)  # fmt: skip
def test_what_is_no_picture_or_too_large_a_one_is_refused_in_words(raw, settings, tmp_path):
    with pytest.raises(Invalid) as refused:
        kept(raw, settings, tmp_path)
    assert refused.value.message and not list(tmp_path.rglob("*.jpg"))


def test_place_time_and_whatever_hangs_behind_the_picture_are_gone_from_what_is_served_and_sealed_beside_it(settings, tmp_path):
    exif = Image.Exif()
    exif[0x0132] = "2025:11:14 12:00:00"
    exif[0x8825] = {1: "N", 2: (34.0, 20.0, 0.0), 3: "E", 4: (108.0, 56.0, 0.0)}
    raw = picture(exif=exif.tobytes()) + b"<script>alert(1)</script>"
    found = kept(raw, settings, tmp_path, name="../../etc/家里.JPG")
    served = (tmp_path / found.path).read_bytes()
    assert b"<script" not in served and not Image.open(io.BytesIO(served)).getexif()
    assert json.loads(found.origin) and "2025:11:14" in found.origin
    assert "/" not in found.name and found.name.endswith(".jpg") and len(found.path.rsplit("/", 1)[1]) >= 32


@pytest.mark.parametrize(("kind", "size"), [("PNG", (6400, 6400)), ("WEBP", (3200, 3200))])
def test_more_pixels_than_a_process_bears_are_refused(kind, size, settings, tmp_path):
    with pytest.raises(Invalid, match="图片尺寸过大"):
        kept(picture(kind, size), settings, tmp_path)


def test_a_large_picture_is_made_as_small_as_a_screen_needs(settings, tmp_path):
    found = kept(picture(size=(5000, 3000)), settings, tmp_path)
    assert max(Image.open(tmp_path / found.path).size) == attachments.LONGEST_SIDE
