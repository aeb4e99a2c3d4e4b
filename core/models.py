"""The journal of everything that happened, and the files that prove it."""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from core.crypto import SealedTextField

# What a link of the chain covers: every field, each preceded by its length, so that no text can pose as two.
ENTRY_FIELDS = (
    "position::text",
    "extract(epoch from at)::numeric(20,6)::text",
    "subject_kind",
    "subject_key",
    "act",
    "coalesce(actor_id::text, '')",
    "actor_name",
    "unit_code",
    "reason",
    "data::text",
    "prev_hash",
)


def entry_digest(row: str) -> str:
    """SQL for the hash of a journal row; `row` is its alias (`NEW` in the trigger)."""
    parts = []
    for field in ENTRY_FIELDS:
        column = field.replace("coalesce(", f"coalesce({row}.") if field.startswith("coalesce(") else (
            field.replace("from at", f"from {row}.at") if "from at" in field else f"{row}.{field}"
        )
        parts.append(f"octet_length({column})::text || ':' || {column}")
    return f"encode(sha256(convert_to({' || '.join(parts)}, 'UTF8')), 'hex')"


CHAIN_LOCK = 2025_1114

CHAIN = f"""
    PERFORM pg_advisory_xact_lock({CHAIN_LOCK});
    SELECT position, hash INTO last_position, last_hash FROM core_entry ORDER BY position DESC LIMIT 1;
    NEW.position := coalesce(last_position, 0) + 1;
    NEW.prev_hash := coalesce(last_hash, '');
    NEW.hash := {entry_digest("NEW")};
    RETURN NEW;
"""


class Entry(models.Model):
    """One thing that happened. The database numbers and chains it, and refuses to change or delete it."""

    position = models.BigIntegerField(default=0, editable=False)
    at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    subject_kind = models.CharField(max_length=32)
    subject_key = models.CharField(max_length=64)
    act = models.CharField("事项", max_length=48)
    # No foreign keys: history must not depend on what may change or go.
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150, default="", blank=True)
    unit_code = models.CharField(max_length=64, default="", blank=True)
    reason = models.TextField(default="", blank=True)
    data = models.JSONField(default=dict, blank=True)
    prev_hash = models.CharField(max_length=64, default="", editable=False)
    hash = models.CharField(max_length=64, default="", editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "台账流水"
        constraints = [models.UniqueConstraint(fields=["position"], name="entry_position_once")]
        indexes = [
            models.Index(fields=["subject_kind", "subject_key", "position"], name="entry_of_subject"),
            models.Index(fields=["act", "position"], name="entry_by_act"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="chain",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                level=pgtrigger.Row,
                declare=[("last_position", "bigint"), ("last_hash", "text")],
                func=CHAIN,
            ),
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="never_emptied",
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                level=pgtrigger.Statement,
                func="RAISE EXCEPTION 'the journal is never emptied';",
            ),
        ]

    def __str__(self):
        return f"{self.position} {self.act} {self.subject_key}"


class Attachment(models.Model):
    """A photo or paper that proves something. Served only through the room that owns its subject."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject_kind = models.CharField(max_length=32)
    subject_key = models.CharField(max_length=64)
    name = models.CharField("文件名", max_length=120)
    content_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=120)
    # Where and when the picture was taken, as its camera said: evidence, never served.
    origin = SealedTextField(default="", blank=True)
    uploaded_by = models.BigIntegerField(null=True)
    uploaded_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "附件"
        indexes = [models.Index(fields=["subject_kind", "subject_key"], name="attachment_of_subject")]

    def __str__(self):
        return self.name


class Tally(models.Model):
    """How many there were of something in a stretch of time (core/limits.py); whose, only as a digest."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = "频次"

    def __str__(self):
        return str(self.count)


class Stamp(models.Model):
    """Which state of a topic's tables is the present one; written by triggers only (core/stamps.py)."""

    topic = models.CharField(max_length=20, primary_key=True)
    version = models.UUIDField()

    class Meta:
        verbose_name = verbose_name_plural = "版本戳"

    def __str__(self):
        return self.topic


class Backup(models.Model):
    """One attempt to keep everything elsewhere, and how it ended; `name` is its folder. The portal's memory of its own care."""

    name = models.CharField(max_length=40, unique=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    size = models.BigIntegerField(default=0)
    copied_to = models.CharField(max_length=300, default="", blank=True)
    fault = models.TextField(default="", blank=True)
    # When it was last read back into a scratch database and compared, and what was found amiss.
    rehearsed_at = models.DateTimeField(null=True)
    rehearsal_fault = models.TextField(default="", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "备份"
        indexes = [models.Index(fields=["-began_at"], name="backup_newest")]

    def __str__(self):
        return self.name


class Anchor(models.Model):
    """The journal's newest position and hash as a day began: published outside, it holds the chain to what it was."""

    day = models.DateField(primary_key=True)
    position = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    taken_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "台账锚点"

    def __str__(self):
        return f"{self.position}:{self.hash}"
