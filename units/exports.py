"""The life of a list that somebody takes along 导出: a short one at once, a long one in the background, under a term.

One mechanism for every list: its room says in a `Listed` what its rows are, who may read them and what stands in the
columns; settings.EXPORTS names them all, so that the worker finds the list by its code. A short list and a long one are
the same rows of the same selector, masked by the same writer (S14).
"""

import contextlib
import hashlib
import json
import logging
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from core import civil, journal, workbook
from core.errors import Conflict, Forbidden, NotFound, PortalError
from core.paging import beyond
from core.privacy import scrub
from units import access
from units.models import Export, User

log = logging.getLogger(__name__)

DIRECT = 5_000  # rows for which somebody may wait before the page
MOST = 1_000_000  # rows of one sheet, as spreadsheets can still open it
CHUNK = 2_000
KEPT = timedelta(hours=24)  # how long a file waits to be fetched (S12)
STALE = timedelta(seconds=30)
MOST_TRIES = 5
MOST_AT_ONCE = 3  # being made for one person
READY, MAKING = Export.State.READY, Export.State.MAKING
TASK = "notices.tasks.make_export"


@dataclass(frozen=True)
class Listed:
    """A list that can be taken along.

    `found(user, given, at)` is its rows as the person may see them, Forbidden or Invalid as on its page; `rows(user, at)`
    makes a row's cells of an object, in the order of `columns`; `order` is the keyset by which it is walked, of fields
    that never change, the last one unique. `said(given)` tells the filters in words.
    """

    code: str
    name: str
    columns: list[tuple[str, int]]
    order: tuple[str, ...]
    found: Callable[[User, dict, datetime], QuerySet]
    rows: Callable[[User, datetime], Callable[[object], tuple]]
    said: Callable[[dict], str] = lambda given: "；".join(f"{name}={value}" for name, value in given.items())


def list_of(code: str) -> Listed:
    """The list with this code, from the room that keeps it."""
    return import_string(settings.EXPORTS[code])


# ---------------------------------------------------------------- what people do


def answer(user, listed: Listed, params, *, at: datetime) -> HttpResponseBase:
    """The list as a file if it is short; otherwise it is begun in the background, and here is the way to its page."""
    given = {name: value.strip() for name, value in params.items() if name not in ("cursor", "format", "export") and value.strip()}
    found = _in_order(listed, listed.found(user, given, at))
    objects = list(found[: DIRECT + 1])
    if len(objects) <= DIRECT:
        return direct(user, listed, objects, given, at=at)
    return redirect("units:export", pk=ask(user, listed, given, at=at).pk)


def direct(user, listed: Listed, objects: list, given: dict, *, at: datetime) -> HttpResponse:
    """These objects as a file, at once."""
    rows = map(listed.rows(user, at), objects)
    body = workbook.response(_filename(listed.name, at), _sheet(listed, rows, scrub(listed.said(given)), at))
    journal.record(user, "export", actor=user, at=at, what=listed.code, rows=len(objects), filters=_shown(given))
    return body


def ask(user, listed: Listed, given: dict, *, at: datetime) -> Export:
    """Begin a long one; asked for again while it is being made it is the same one. Conflict with too many at once."""
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).get(pk=user.pk)  # two clicks are one after the other
        making = list(Export.objects.filter(user=user, state=MAKING))
        for one in making:
            if one.code == listed.code and json.loads(one.given) == given:
                return one
        if len(making) >= MOST_AT_ONCE:
            raise Conflict(f"您已有 {MOST_AT_ONCE} 个导出正在生成，请等其中一个完成")
        said = scrub(listed.said(given))[:300]
        made = Export.objects.create(user=user, code=listed.code, name=listed.name, given=json.dumps(given, ensure_ascii=False), said=said, asked_at=at)
        journal.record(made, "export_ask", actor=user, at=at, what=listed.code, filters=_shown(given))
    nudge(made)
    return made


def of(user) -> QuerySet[Export]:
    """What somebody asked for, newest first."""
    return Export.objects.filter(user=user).order_by("-id")


def to_see(user, pk: int) -> Export:
    """One of one's own; NotFound for anybody else's."""
    found = of(user).filter(pk=pk).first() if 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found


def fetch(user, pk: int, *, at: datetime) -> tuple[Export, Path]:
    """One's own file, and where it lies. NotFound for anybody else's, Conflict before it is made and after its term, Forbidden once one's rights are others."""
    export = to_see(user, pk)
    if export.state != READY or at >= export.finished_at + KEPT:
        raise Conflict({MAKING: "还在生成，请稍候", Export.State.FAILED: "这次导出没有完成，请重新导出"}.get(export.state, "文件已过期清除，请重新导出"))
    if export.rights != _rights_of(user):
        raise Forbidden("您的权限在导出之后有变化，请重新导出")
    list_of(export.code).found(user, json.loads(export.given), export.asked_at)  # as on its page: Forbidden for who may not see the list any more
    path = _file_of(export.path)
    if not path.is_file():
        raise Conflict("文件已不在，请重新导出")
    journal.record(export, "export_fetch", actor=user, at=at, what=export.code, rows=export.rows)
    return export, path


def file_name(export: Export) -> str:
    """Under which name it is saved, without suffix."""
    return _filename(export.name, export.asked_at)


def nudge(export: Export) -> None:
    """Put it before a worker now, if the broker can be reached; beat finds within seconds what could not be told."""
    try:
        current_app.send_task(TASK, [export.pk])
    except (OperationalError, RedisError, OSError) as fault:
        log.warning("export %s waits for beat, the broker is out of reach: %s", export.pk, fault)


# ---------------------------------------------------------------- what the worker does


def waiting(at: datetime) -> list[int]:
    """Exports that nobody works on: fresh ones, and those whose worker died."""
    return list(Export.objects.filter(state=MAKING).filter(Q(beat_at=None) | Q(beat_at__lt=at - STALE)).order_by("id").values_list("pk", flat=True))


def make(pk: int, *, now: Callable[[], datetime], tell: Callable[..., None]) -> None:
    """Make one from its first row to its last. Safe to call twice: one worker holds it at a time.

    A worker that dies leaves it to the next, which begins anew; after MOST_TRIES it fails. `tell(user, subject, body, link, key, at)`
    says so to whoever asked, in the transaction that ends it.
    """
    at = now()
    held = Export.objects.filter(pk=pk, state=MAKING).filter(Q(beat_at=None) | Q(beat_at__lt=at - STALE))
    if not held.update(beat_at=at, tries=F("tries") + 1, rows_done=0):
        return
    export = Export.objects.select_related("user").get(pk=pk)
    if export.tries > MOST_TRIES:
        _fail(export, f"连续 {MOST_TRIES} 次没有完成，请缩小范围后重新导出", now(), tell)
        return
    path = _new_file()
    try:
        with tempfile.TemporaryDirectory(dir=_folder()) as desk:
            _make(export, Path(desk), path, now, tell)
        return
    except _Taken:
        log.warning("export %s was taken over by another worker", pk)
    except PortalError as fault:
        _fail(export, fault.message, now(), tell)
    except Exception:
        # Whatever it was: told where operators look, tried again by whoever comes next.
        log.exception("export %s stopped after %s rows", pk, export.rows_done)
    path.unlink(missing_ok=True)


def expire(*, at: datetime) -> int:
    """Files whose term is over go, and what a killed worker left lying. How many files of exports went."""
    gone = list(Export.objects.filter(state=READY, finished_at__lte=at - KEPT).order_by("finished_at")[:200])
    for export in gone:
        if Export.objects.filter(pk=export.pk, state=READY).update(state=Export.State.GONE, path="", given="{}"):
            _file_of(export.path).unlink(missing_ok=True)
    _sweep_folder(at)
    return len(gone)


class _Taken(Exception):
    """This worker was slow and another one has gone on in its place."""


def _make(export: Export, desk: Path, path: Path, now: Callable[[], datetime], tell: Callable[..., None]) -> None:
    user, listed, given = export.user, list_of(export.code), json.loads(export.given)
    if not user.is_active:
        raise Forbidden("账号已停用")
    rights = _rights_of(user)
    found = listed.found(user, given, export.asked_at)
    total = min(found.order_by().count(), MOST)
    written = 0

    def rows() -> Iterator[tuple]:
        nonlocal written
        cells = listed.rows(user, export.asked_at)
        for chunk in _walk(listed, found):
            _beat(export, now(), rows=max(total, written + len(chunk)), rows_done=written)
            for one in chunk:
                yield cells(one)
            written += len(chunk)

    workbook.write(desk / path.name, _sheet(listed, rows(), export.said, export.asked_at), most=MOST)
    (desk / path.name).replace(path)
    at = now()
    written = min(written, MOST)
    with transaction.atomic():
        _beat(
            export, None, state=READY, finished_at=at, rows=written, rows_done=written, size=path.stat().st_size, rights=rights,
            path=str(path.relative_to(settings.MEDIA_ROOT)),
        )  # fmt: skip
        tell(
            user, f"导出已可下载：{listed.name}（{written:,} 行）", f"{export.said or '全部'}。文件保留 {KEPT // timedelta(hours=1)} 小时，只有您能下载。",
            link=f"/exports/{export.pk}/", key=f"export:{export.pk}", at=at,
        )  # fmt: skip
        journal.record(export, "export", actor=user, at=at, what=listed.code, rows=written, filters=_shown(given))


def _walk(listed: Listed, found: QuerySet) -> Iterator[list]:
    """Every row, chunk by chunk, by the keyset: no chunk costs more than the one before it, and nothing is held open meanwhile."""
    names, last = [name.lstrip("-") for name in listed.order], None
    comparison = "lt" if listed.order[0].startswith("-") else "gt"
    while True:
        rest = found if last is None else found.filter(beyond(names, last, comparison))
        chunk = list(_in_order(listed, rest)[:CHUNK])
        if chunk:
            yield chunk
        if len(chunk) < CHUNK:
            return
        last = [getattr(chunk[-1], name) for name in names]


def _sheet(listed: Listed, rows, said: str, at: datetime) -> workbook.Sheet:
    """The rows, and above them what they are: a file that has left the portal says so by itself."""
    return workbook.Sheet(listed.name, listed.columns, rows, above=(listed.name, f"{said or '全部'}；截至 {civil.spoken(at)}"))


def _in_order(listed: Listed, found: QuerySet) -> QuerySet:
    return found.order_by(*listed.order)


def _beat(export: Export, at: datetime | None, **changes) -> None:
    """Still at it. _Taken where another attempt has begun."""
    if not Export.objects.filter(pk=export.pk, state=MAKING, tries=export.tries).update(beat_at=at, **changes):
        raise _Taken


def _fail(export: Export, said: str, at: datetime, tell: Callable[..., None]) -> None:
    log.warning("export %s failed: %s", export.pk, said)
    with transaction.atomic(), contextlib.suppress(_Taken):
        _beat(export, None, state=Export.State.FAILED, error=said[:300], finished_at=at, given="{}")
        tell(export.user, f"导出没有完成：{export.name}", said, link=f"/exports/{export.pk}/", key=f"export:{export.pk}", at=at)


def _rights_of(user) -> str:
    held = sorted((verb, sorted(ids)) for verb, ids in access.rights(user).items())
    return hashlib.sha256(json.dumps(held).encode()).hexdigest()


def _shown(given: dict) -> dict:
    """The filters as a journal may keep them."""
    return {name: scrub(value) for name, value in given.items()}


def _filename(name: str, at: datetime) -> str:
    return f"{name}-{at.astimezone(civil.SHANGHAI):%Y%m%d-%H%M}"


def _folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "exports"


def _file_of(path: str) -> Path:
    return Path(settings.MEDIA_ROOT) / path


def _new_file() -> Path:
    """Where it will lie: under a name that nobody guesses, in a folder that nobody else may read and that holds nothing else."""
    _folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    return _folder() / f"{secrets.token_hex(16)}.xlsx"


def _sweep_folder(at: datetime) -> None:
    """What no row knows and a day has not touched: a killed worker's."""
    if not _folder().is_dir():
        return
    known = set(Export.objects.filter(state=READY).values_list("path", flat=True))
    for path in _folder().iterdir():
        with contextlib.suppress(FileNotFoundError):
            if f"exports/{path.name}" not in known and path.stat().st_mtime < (at - KEPT).timestamp():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
