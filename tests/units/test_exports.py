"""A list too long to wait for is made in the background, once, for one person, and under a term (P12, S12, S14)."""

import io
import json
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest

from complaints import intake
from complaints.intake import Intake
from complaints.models import State
from core.errors import Forbidden
from core.models import Entry
from notices import inbox
from notices.models import Message
from tests.story import DAY, HOUR, NOON, browser, dispatched, user
from units import access, exports, housekeeping
from units.models import Export

pytestmark = pytest.mark.django_db
FORMULA = "=HYPERLINK(1)"


@pytest.fixture(autouse=True)
def moment(monkeypatch, settings, tmp_path):
    """Seven tickets are already a long list, written two at a time; the clock is ours, and the folder of files."""
    settings.MEDIA_ROOT = tmp_path
    now = [NOON + HOUR]
    monkeypatch.setattr("core.clock.now", lambda: now[0])
    monkeypatch.setattr(exports, "DIRECT", 6)
    monkeypatch.setattr(exports, "CHUNK", 2)
    return now


def seven(**more) -> None:
    for number in range(7):
        dispatched(at=NOON, content=f"第{number}户不热", building=f"{FORMULA}13912345678", doer="demo-heating-1", **more)


def asked(login: str = "bureau", query: str = "state=dispatched") -> Export:
    """What comes of pressing 导出 on a long list."""
    answer = browser(login).get(f"/tickets/export/?{query}")
    assert answer.status_code == 302, answer.content[:200]
    return Export.objects.get(pk=int(answer.url.rstrip("/").rsplit("/", 1)[1]))


def make(export: Export, at=NOON + HOUR) -> Export:
    exports.make(export.pk, now=lambda: at, tell=inbox.tell)
    export.refresh_from_db()
    return export


def cells(answer) -> list[tuple]:
    raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
    rows = list(openpyxl.load_workbook(io.BytesIO(raw)).active.iter_rows())
    assert not [cell for row in rows for cell in row if cell.data_type == "f"]
    return [tuple(cell.value for cell in row) for row in rows]


def fetched(login: str, export: Export) -> int:
    """The status of the answer to who asks for the file."""
    answer = browser(login).get(f"/exports/{export.pk}/file/")
    b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code


def files() -> list[Path]:
    folder = exports._folder()
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_a_short_list_comes_at_once_and_a_long_one_is_the_same_rows_from_the_background(monkeypatch, moment):
    seven()
    export = asked()
    page = browser("bureau").get(f"/exports/{export.pk}/").content.decode()
    assert 'hx-trigger="every 2s"' in page and "刷新" in page and f"状态：{State.DISPATCHED.label}" in page
    make(export)
    assert (export.state, export.rows, export.rows_done, export.tries) == ("ready", 7, 7, 1) and export.size == files()[0].stat().st_size
    client = browser("bureau")
    assert "下载" in client.get(f"/exports/{export.pk}/").content.decode() and "hx-trigger" not in client.get(f"/exports/{export.pk}/", HTTP_HX_REQUEST="true").content.decode()
    file = client.get(f"/exports/{export.pk}/file/")
    assert file.headers["Content-Disposition"].startswith("attachment")
    long = cells(file)
    monkeypatch.setattr(exports, "DIRECT", 7)
    assert long == cells(client.get("/tickets/export/?state=dispatched")) and len(long) == 10
    assert "139****5678" in str(long) and "13912345678" not in str(long) and FORMULA in str(long), "遮住，且公式只是文字"


def test_it_is_journalled_who_took_what_and_told_to_nobody_else():
    seven()
    export = make(asked("heating1", "q=13812345678&state=dispatched"))
    assert fetched("heating1", export) == 200
    rows = list(Entry.objects.filter(subject_kind="export", subject_key=str(export.pk)).order_by("position"))
    assert [row.act for row in rows] == ["export_ask", "export", "export_fetch"] and {row.actor_id for row in rows} == {user("heating1").pk}
    assert rows[1].data == {"what": "tickets", "rows": 7, "filters": {"q": "138****5678", "state": "dispatched"}}
    told = Message.objects.get(link=f"/exports/{export.pk}/")
    assert told.user == user("heating1") and "7 行" in told.subject and "13812345678" not in told.body + told.subject + export.said
    assert not Export.objects.filter(given__contains="13812345678").exists(), "按列加密"


@pytest.mark.parametrize("login", ["heating2", "deputy", "street", "admin"])
def test_nobody_else_finds_it_whatever_they_may_see(login):
    seven()
    export = make(asked())
    for path in (f"/exports/{export.pk}/", f"/exports/{export.pk}/file/"):
        assert browser(login).get(path).status_code == 404
    assert export.name not in browser(login).get("/exports/").content.decode().split("<h2>我的导出</h2>")[1].split("</section>")[0]


def test_whoever_has_other_rights_than_then_cannot_fetch_what_they_saw_then():
    seven()
    person = user("heating1")
    export = make(asked("heating1"))
    assert fetched("heating1", export) == 200
    access.leave(person.memberships.get(until=None), actor=None, at=NOON + HOUR)
    assert fetched("heating1", export) == 403
    assert not Entry.objects.filter(act="export_fetch").exclude(actor_id=person.pk).exists() and Entry.objects.filter(act="export_fetch").count() == 1


def test_rights_that_end_before_it_is_made_are_rights_no_more():
    seven()
    export = asked("heating1")
    access.leave(user("heating1").memberships.get(until=None), actor=None, at=NOON + HOUR)
    assert make(export).rows == 0


def test_a_company_takes_along_its_own_and_nothing_that_names_who_complained():
    seven(is_confidential=True, address="6号楼302室")
    dispatched(community="demo-community-4", doer="demo-heating-2", content="金丝雀家里不热")
    export = make(asked("heating1"))
    text = str(cells(browser("heating1").get(f"/exports/{export.pk}/file/")))
    assert export.rows == 7 and "金丝雀" not in text and "户" not in text.replace("用户", "") and "（保密）" in text


def test_two_clicks_are_one_and_more_than_three_at_once_are_refused():
    seven()
    assert asked().pk == asked().pk
    asked(query="state=open")
    asked(query="source=12345")
    refused = browser("bureau").get("/tickets/export/?category=heating_service")
    assert refused.status_code == 409 and "3 个导出正在生成" in refused.content.decode()
    assert browser("dispatcher").get("/tickets/export/?category=heating_service").status_code == 302, "别人的不算"


class _Killed(BaseException):
    """What no except of the portal catches, as little as a killed process runs one."""


def test_a_worker_killed_halfway_leaves_it_to_the_next_who_begins_anew(moment):
    seven()
    export, asked_for = asked(), []

    def dying():
        asked_for.append(1)
        if len(asked_for) == 4:
            raise _Killed
        return NOON + HOUR

    with pytest.raises(_Killed):
        exports.make(export.pk, now=dying, tell=inbox.tell)
    export.refresh_from_db()
    assert (export.state, export.rows_done) == ("making", 2)
    (exports._folder() / "tmpkilled").mkdir()  # what a killed process leaves lying
    (exports._folder() / "tmpkilled" / "half").write_text("x")
    assert exports.waiting(NOON + HOUR) == [], "它也许还活着"
    assert exports.waiting(NOON + HOUR + 2 * exports.STALE) == [export.pk]
    make(export, NOON + HOUR + 2 * exports.STALE)
    assert (export.state, export.rows, export.tries) == ("ready", 7, 2)
    exports.expire(at=NOON + 10000 * DAY)
    assert files() == [], "残留的也清除"


def test_a_slow_worker_that_was_overtaken_writes_nothing_more_and_tells_nobody():
    seven()
    export, asked_for = asked(), []

    def slow():
        asked_for.append(1)
        if len(asked_for) == 4:
            make(Export.objects.get(pk=export.pk), NOON + 2 * HOUR)
        return NOON + HOUR

    exports.make(export.pk, now=slow, tell=inbox.tell)
    export.refresh_from_db()
    assert (export.state, export.tries, export.finished_at) == ("ready", 2, NOON + 2 * HOUR)
    assert [str(path) for path in files()] == [str(exports._file_of(export.path))]
    assert Message.objects.filter(link=f"/exports/{export.pk}/").count() == 1 and Entry.objects.filter(act="export", subject_key=str(export.pk)).count() == 1


def test_what_cannot_be_made_says_so_after_a_few_tries_and_what_one_may_not_read_at_once(monkeypatch):
    seven()
    export = asked()
    Export.objects.filter(pk=export.pk).update(tries=exports.MOST_TRIES)
    make(export)
    assert export.state == "failed" and "缩小范围" in browser("bureau").get(f"/exports/{export.pk}/").content.decode() and json.loads(export.given) == {}
    other = asked("heating1")
    person = user("heating1")
    person.is_active = False
    person.save()
    assert make(other).error == "账号已停用" and files() == []


@pytest.mark.guard("S12")
def test_the_file_goes_after_its_term_and_the_row_stays(moment):
    seven()
    export = make(asked())
    moment[0] = export.finished_at + exports.KEPT - timedelta(seconds=1)
    housekeeping.generate(at=moment[0])
    assert fetched("bureau", export) == 200
    moment[0] = export.finished_at + exports.KEPT
    assert fetched("bureau", export) == 409, "到期即不可取，不等清扫"
    housekeeping.generate(at=moment[0])
    export.refresh_from_db()
    assert export.state == "gone" and export.given == "{}" and files() == []
    assert "已过期" in browser("bureau").get(f"/exports/{export.pk}/").content.decode() and fetched("bureau", export) == 409


def test_every_list_of_the_settings_can_be_made_and_asks_its_own_rights(settings):
    for code in settings.EXPORTS:
        listed = exports.list_of(code)
        assert listed.code == code and listed.order[-1].lstrip("-") in ("id", "position")
        owner = "auditor" if code == "journal" else "bureau"
        export = Export.objects.create(user=user(owner), code=code, name=listed.name, given="{}", asked_at=NOON + HOUR)
        make(export)
        assert export.state == "ready", (code, export.error)
        assert cells(browser(owner).get(f"/exports/{export.pk}/file/"))[2] == tuple(name for name, _ in listed.columns)
    with pytest.raises(Forbidden):
        exports.list_of("journal").found(user("bureau"), {}, NOON)


def test_a_walk_meets_every_row_once_though_many_share_a_moment():
    intake.receive_many(
        [Intake(source="12345", content=f"不热{number}", external_no=f"W{number}", called_at=NOON, community="demo-community-1") for number in range(7)], actor=user("dispatcher"), at=NOON
    )
    listed = exports.list_of("tickets")
    found = listed.found(user("bureau"), {}, NOON)
    walked = [one.pk for chunk in exports._walk(listed, found) for one in chunk]
    assert walked == list(found.order_by("-ingested_at", "-id").values_list("pk", flat=True)) and len(walked) == 7
