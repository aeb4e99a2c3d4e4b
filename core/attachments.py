"""Photos and papers: checked by what they are, re-encoded, and kept under names that nobody guesses."""

import hashlib
import io
import json
import secrets
import threading
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from PIL import Image, ImageOps

from core.errors import Invalid, NotFound
from core.models import Attachment

LONGEST_SIDE = 1920
# As many as are decoded within 200 MB: a JPEG no larger than needed, a PNG with four bytes a pixel, a WEBP three times over.
MOST_PIXELS = {"JPEG": 40_000_000, "PNG": 36_000_000, "WEBP": 10_000_000}
# One picture at a time in a process: forty million pixels are 160 MB while they are decoded.
_decoding = threading.BoundedSemaphore(1)
_EXIF_TIME, _EXIF_GPS = 0x0132, 0x8825


def store(upload: UploadedFile, subject, *, actor, at: datetime, field: str = "attachment") -> Attachment:
    """Keep a JPEG, PNG, WEBP or PDF for `subject`. Pictures are decoded and written anew without their camera's data.

    Invalid (naming `field`) for anything else, for a file too large, or a picture that cannot be decoded.
    """
    if upload.size > settings.ATTACHMENT_MAX_BYTES:
        raise Invalid(f"文件过大，最多 {settings.ATTACHMENT_MAX_BYTES // 1024 // 1024} MB", field=field)
    raw = upload.read()
    origin = ""
    if raw[:5] == b"%PDF-":
        body, content_type, suffix = raw, "application/pdf", "pdf"
    else:
        body, origin = _picture(raw, field)
        content_type, suffix = "image/jpeg", "jpg"
    path = Path("attachments") / secrets.token_hex(1) / f"{secrets.token_hex(16)}.{suffix}"
    target = Path(settings.MEDIA_ROOT) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(body)
    return Attachment.objects.create(
        subject_kind=subject.journal_kind,
        subject_key=str(subject.journal_key),
        name=_plain_name(upload.name, suffix),
        content_type=content_type,
        size=len(body),
        sha256=hashlib.sha256(raw).hexdigest(),
        path=str(path),
        origin=origin,
        uploaded_by=actor.pk if actor is not None else None,
        uploaded_at=at,
    )


def of(subject):
    """The attachments of one subject, oldest first."""
    return Attachment.objects.filter(
        subject_kind=subject.journal_kind, subject_key=str(subject.journal_key)
    ).order_by("uploaded_at")


def forget(subject_kind: str, keys: list[str]) -> int:
    """Remove the files and rows of these subjects, the files once the transaction holds; how many."""
    found = list(Attachment.objects.filter(subject_kind=subject_kind, subject_key__in=keys))
    Attachment.objects.filter(pk__in=[one.pk for one in found]).delete()

    def remove():
        for one in found:
            (Path(settings.MEDIA_ROOT) / one.path).unlink(missing_ok=True)

    transaction.on_commit(remove)
    return len(found)


def _picture(raw: bytes, field: str) -> tuple[bytes, str]:
    try:
        with _decoding:
            with Image.open(io.BytesIO(raw), formats=["JPEG", "PNG", "WEBP"]) as image:
                if image.width * image.height > MOST_PIXELS[image.format]:
                    raise Invalid(f"图片尺寸过大，{image.format} 最多 {MOST_PIXELS[image.format] // 10_000} 万像素", field=field)
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is decoded no larger than needed
                image.load()
                exif = image.getexif()
                origin = {
                    "time": str(exif.get(_EXIF_TIME, "")),
                    "gps": {str(key): str(value) for key, value in exif.get_ifd(_EXIF_GPS).items()},
                }
                small = _smaller(image)
                image.close()  # the whole is gone before anything is made of the small one
            plain = ImageOps.exif_transpose(small).convert("RGB")
            plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            out = io.BytesIO()
            plain.save(out, "JPEG", quality=85)
    except Invalid:
        raise
    except Exception as fault:  # Pillow raises many kinds for files made to hurt it
        raise Invalid("只接受 JPEG、PNG、WEBP 图片或 PDF，且文件须完整", field=field) from fault
    return out.getvalue(), json.dumps(origin, ensure_ascii=False) if any(origin.values()) else ""


def _smaller(image: Image.Image) -> Image.Image:
    """A copy not much larger than what is kept, so that nothing after it makes a copy of the whole."""
    scale = max(image.size) / (1.5 * LONGEST_SIDE)
    size = [max(round(side / scale), 1) for side in image.size]
    return image.resize(size, Image.Resampling.NEAREST) if scale > 1 else image.copy()


def _plain_name(name: str, suffix: str) -> str:
    stem = "".join(c for c in Path(name or "附件").stem if c.isprintable() and c not in '\\/:*?"<>|')[:100]
    return f"{stem or '附件'}.{suffix}"


def open_file(attachment: Attachment):
    """The bytes of a kept file; NotFound when it is gone from the disk."""
    path = Path(settings.MEDIA_ROOT) / attachment.path
    if not path.is_file():
        raise NotFound("附件文件已不在")
    return path.open("rb")
