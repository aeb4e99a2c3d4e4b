"""A 12345 file's way into the portal: by the wizard and by the API, row by row, once, and to the end whatever happens on the way."""

import io
from datetime import date, timedelta

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from complaints import import_selectors, imports, tasks
from complaints.hotline import columns
from complaints.models import ImportFault, ImportJob, Ticket
from core import civil, clock, journal, sheets
from core.errors import Conflict, Invalid
from deadlines.models import Deadline
from notices.models import Notice
from tests.complaints import hotline_files as files
from tests.story import DAY, MINUTE, NOON, Caller, browser, unit, user

pytestmark = [pytest.mark.django_db, pytest.mark.clause("D18.1", "D1.7")]

HEAD = [files.TITLE, files.HEADER]


def uploaded(rows: list[list], *, at=NOON, **more) -> ImportJob:
    """A file, with a title row and a header above `rows`, as uploaded by the dispatcher."""
    values = {"source": "12345", "unit": unit("social-work"), "actor": user("dispatcher"), "at": at, **more}
    return imports.upload(files.xlsx([*HEAD, *rows]), "工单.xlsx", **values)


def run(job: ImportJob, at=NOON, **more) -> ImportJob:
    """What a worker does with it at a moment."""
    imports.run(job.pk, now=lambda: at, **more)
    job.refresh_from_db()
    return job


def imported(rows: list[list], *, at=NOON, **more) -> ImportJob:
    """A file imported without a person in between."""
    return run(uploaded(rows, at=at, automatic=True, **more), at)


def counts(job: ImportJob) -> tuple:
    """State, and how many rows were new, supplemented, the same, wrong."""
    return job.state, job.created, job.updated, job.unchanged, job.wrong


def faults(job: ImportJob) -> list[tuple[int, str]]:
    """Line and field of every fault."""
    return [(fault.row, fault.field) for fault in import_selectors.faults(job)]


def test_a_row_becomes_a_ticket_with_all_it_said():
    row = files.line("WY1", called_at="2025-11-14 11:40", 市交办办结期限="2025-11-17 18:00", 小区名称="演示一小区")
    job = imported([row])
    assert counts(job) == ("done", 1, 0, 0, 0)
    ticket = Ticket.objects.get(source="12345", external_no="WY1")
    assert (ticket.called_at, ticket.ingested_at) == (NOON - 20 * MINUTE, NOON)
    assert ticket.city_due_at == NOON + 3 * DAY + timedelta(hours=6)
    assert (ticket.complainant_phone, ticket.kind, ticket.street.code) == ("13812345678", "complaint", "street-weiyanggong")
    assert ticket.extra["工单状态"] == "待办"
    assert ticket.late_on_arrival and ticket.arrival_hop == "import"


def test_the_same_file_twice_changes_nothing():
    rows = [*files.of_samples()[:60], files.line("WY9", 诉求人="", 小区名称="没有登记的小区", 街道="没有的街道")]
    first = imported(rows)
    assert counts(first) == ("done", 61, 0, 0, 0)
    before = (list(Ticket.objects.order_by("pk").values()), Deadline.objects.count(), Notice.objects.count())
    second = imported(rows, at=NOON + 10 * MINUTE)
    assert counts(second) == ("done", 0, 0, 61, 0)
    assert (list(Ticket.objects.order_by("pk").values()), Deadline.objects.count(), Notice.objects.count()) == before


def test_a_list_without_numbers_is_the_same_list_the_second_time():
    rows = [files.line("", "张家反映不热"), files.line("", "李家反映不热"), files.line("", "张家反映不热")]
    assert counts(imported(rows, source="visit")) == ("done", 2, 0, 1, 0)
    assert counts(imported(rows, source="visit")) == ("done", 0, 0, 3, 0)


def test_one_bad_row_costs_only_itself_and_says_why():
    rows = [
        files.line("WY1"),
        files.line("WY2", called_at="昨天下午"),
        files.line("WY3", 联系电话="1.38E+10"),
        files.line("", "没有编号"),
        files.line("WY5", ""),
        files.line("2.02511E+17"),
        files.line("WY7", called_at="2025-11-15 08:00"),
        files.line("WY8"),
    ]
    job = imported(rows)
    assert counts(job) == ("done", 2, 0, 0, 6)
    assert faults(job) == [(4, "called_at"), (5, "complainant_phone"), (6, "external_no"), (7, "content"), (8, "external_no"), (9, "called_at")]
    assert set(Ticket.objects.filter(external_no__startswith="WY").values_list("external_no", flat=True)) == {"WY1", "WY8"}


def test_the_same_number_twice_in_a_file_is_one_ticket_and_a_contradiction_is_a_fault():
    rows = [files.line("WY1"), files.line("WY1"), files.line("WY1", "补充：卧室也不热"), files.line("WY1", called_at="2025-11-14 09:00")]
    job = imported(rows)
    assert counts(job) == ("done", 1, 1, 1, 1)
    assert faults(job) == [(6, "external_no")]
    assert [remark.row for remark in import_selectors.faults(job, warnings=True)] == [4, 5]
    ticket = Ticket.objects.get(external_no="WY1")
    assert "卧室也不热" in ticket.content and ticket.called_at == NOON - 20 * MINUTE


def test_a_row_that_contradicts_what_came_before_is_a_fault_in_the_preview_already():
    imported([files.line("WY1"), files.line("WY2")])
    job = run(_agreed(uploaded([files.line("WY1", called_at="2025-11-14 09:00"), files.line("WY2", "卧室也不热"), files.line("WY3")])))
    assert counts(job) == ("checked", 0, 0, 0, 1)
    assert job.forecast == {"created": 1, "updated": 1, "unchanged": 0}
    assert faults(job) == [(3, "")]
    assert "来电时间不同" in ImportFault.objects.get(job=job, is_warning=False).message
    imports.begin(job, actor=user("dispatcher"), at=NOON)
    assert counts(run(job)) == ("done", 1, 1, 0, 1)
    assert len(faults(job)) == 1  # said once


def test_a_preview_and_a_dry_run_write_no_ticket():
    imported([files.line("WY1")])
    tickets, entries = list(Ticket.objects.values()), journal.of(Ticket.objects.get(external_no="WY1")).count()
    dry = imported([files.line("WY1", "卧室也不热"), files.line("WY2")], dry_run=True)
    assert counts(dry) == ("done", 0, 0, 0, 0)
    assert dry.forecast == {"created": 1, "updated": 1, "unchanged": 0}
    assert list(Ticket.objects.values()) == tickets
    assert journal.of(Ticket.objects.get(external_no="WY1")).count() == entries


def test_history_starts_no_clock_and_tells_nobody():
    before = Notice.objects.count()
    rows = [[*files.line(f"H{number}", called_at="2024-12-01 10:00"), "2024-12-02 10:00", "演示一号供热公司"] for number in range(5)]
    raw = files.xlsx([[*files.HEADER, "办结时间", "承办单位"], *rows])
    job = imports.upload(raw, "去年.xlsx", source="12345", unit=unit("social-work"), actor=user("dispatcher"), at=NOON, automatic=True, history=True)
    assert counts(run(job)) == ("done", 5, 0, 0, 0)
    tickets = Ticket.objects.filter(is_history=True)
    assert {(ticket.state, civil.day_of(ticket.closed_at), ticket.due_at) for ticket in tickets} == {("closed", date(2024, 12, 2), None)}
    assert not Deadline.objects.filter(label__in=tickets.values("number")).exists()
    assert Notice.objects.count() == before


def test_a_ticket_closed_elsewhere_still_runs_its_course_here():
    raw = files.xlsx([[*files.HEADER, "办结时间"], [*files.line("WY1"), "2025-11-14 11:50"]])
    job = imports.upload(raw, "a.xlsx", source="12345", unit=unit("social-work"), actor=user("dispatcher"), at=NOON, automatic=True)
    assert counts(run(job))[:2] == ("done", 1)
    ticket = Ticket.objects.get(external_no="WY1")
    assert ticket.is_open and ticket.extra["办结时间"] == "2025-11-14 11:50"


def test_a_limit_in_the_words_is_shown_and_opens_no_city_clock():
    job = imported([files.line("WY1", "家中无暖。请区分中心关注不稳定动态，2小时内回复市中心。")])
    assert job.warned == 1 and counts(job)[1] == 1
    assert Ticket.objects.get(external_no="WY1").city_due_at is None


# ---------------------------------------------------------------- whatever happens on the way


def test_a_killed_worker_s_import_goes_on_where_it_stopped(monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 10)
    job = uploaded([*files.lines(35), files.line("WY99", called_at="什么时候")], automatic=True)
    run(job, most_chunks=2)
    assert (job.state, job.created, job.rows_done, job.next_row) == ("importing", 20, 20, 22)
    assert imports.waiting(NOON + imports.STALE) == []  # somebody may still be at it
    assert imports.waiting(NOON + imports.STALE + MINUTE) == [job.pk]
    run(job, NOON + MINUTE)
    assert counts(job) == ("done", 35, 0, 0, 1)
    assert Ticket.objects.filter(external_no__startswith="WY2025").count() == 35


def test_a_worker_that_was_overtaken_writes_nothing_more(monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 10)
    job = uploaded(files.lines(30), automatic=True)
    run(job, most_chunks=1)
    drafts = imports._drafts

    def overtaken(slow, at):
        """The slow worker has read the file; before it writes, another one goes on and finishes."""
        rows = list(drafts(slow, at))
        monkeypatch.setattr(imports, "_drafts", drafts)
        imports.run(slow.pk, now=lambda: NOON + 10 * MINUTE)
        return iter(rows)

    monkeypatch.setattr(imports, "_drafts", overtaken)
    run(job, NOON + 5 * MINUTE)
    assert counts(job) == ("done", 30, 0, 0, 0) and job.rows_done == 30


def test_two_workers_at_once_do_the_work_once():
    job = uploaded(files.lines(3), automatic=True)
    ImportJob.objects.filter(pk=job.pk).update(beat_at=NOON)
    assert run(job, NOON + timedelta(seconds=5)).state == "checking"  # held by another
    assert run(job, NOON + MINUTE).state == "done"
    assert counts(run(job, NOON + 2 * MINUTE)) == ("done", 3, 0, 0, 0)


def test_a_file_that_kills_its_worker_does_not_do_so_for_ever(monkeypatch):
    job = uploaded(files.lines(3), automatic=True)

    def dies(*args, **kwargs):
        raise RuntimeError("what nobody expected")

    monkeypatch.setattr(imports, "_check", dies)
    for number in range(imports.MOST_TRIES):
        assert run(job, NOON + number * MINUTE).state == "checking"
    assert run(job, NOON + 10 * MINUTE).state == "failed"
    assert "5 次" in job.error and imports.waiting(NOON + DAY) == []


def test_a_file_that_went_missing_fails_in_words():
    job = uploaded(files.lines(1), automatic=True)
    imports._file_of(job).unlink()
    assert run(job).state == "failed" and "重新上传" in job.error


def test_files_are_not_kept_longer_than_needed():
    done, waits, forgotten = imported(files.lines(1)), uploaded(files.lines(1)), uploaded(files.lines(1), at=NOON - 8 * DAY)
    assert not imports._file_of(done).exists() and imports._file_of(waits).stat().st_mode & 0o077 == 0
    imports.expire(NOON)
    forgotten.refresh_from_db()
    assert forgotten.state == "failed" and "7 天" in forgotten.error
    assert not imports._file_of(forgotten).exists() and imports._file_of(waits).exists()


def test_the_clock_s_door_takes_up_what_waits():
    job = uploaded(files.lines(2), at=clock.now(), automatic=True)
    tasks.resume_imports()
    job.refresh_from_db()
    assert counts(job) == ("done", 2, 0, 0, 0)
    tasks.run_import(job.pk)  # told twice: nothing more happens
    job.refresh_from_db()
    assert counts(job) == ("done", 2, 0, 0, 0)


def test_a_long_file_comes_in_with_few_statements_a_row(django_assert_max_num_queries):
    job = uploaded(files.lines(2000), automatic=True)
    with django_assert_max_num_queries(200):
        run(job)
    assert counts(job) == ("done", 2000, 0, 0, 0)


# ---------------------------------------------------------------- columns


def _agreed(job: ImportJob) -> ImportJob:
    imports.agree_columns(job, job.mapping, actor=user("dispatcher"), at=NOON)
    return job


def test_a_hotline_file_needs_numbers_words_and_times():
    with pytest.raises(Invalid, match="来电时间"):
        imports.upload(files.xlsx([["工单编号", "诉求内容"], ["1", "冷"]]), "a.xlsx", source="12345", unit=unit("social-work"),
                       actor=user("dispatcher"), at=NOON, automatic=True)  # fmt: skip
    job = uploaded(files.lines(1))
    mapping = {column: field for column, field in job.mapping.items() if field != "external_no"}
    with pytest.raises(Invalid, match="工单编号"):
        imports.agree_columns(job, mapping, actor=user("dispatcher"), at=NOON)


def test_nothing_below_the_header_is_said_at_once():
    with pytest.raises(Invalid, match="没有内容"):
        uploaded([])


def test_steps_only_go_where_they_lead():
    job = run(_agreed(uploaded(files.lines(1))))
    with pytest.raises(Conflict):
        imports.agree_columns(job, job.mapping, actor=user("dispatcher"), at=NOON)
    imports.reconsider(job)
    assert job.state == "uploaded"
    job = run(_agreed(job))
    imports.begin(job, actor=user("dispatcher"), at=NOON)
    with pytest.raises(Conflict):
        imports.begin(job, actor=user("dispatcher"), at=NOON)
    assert counts(run(job)) == ("done", 1, 0, 0, 0)
    with pytest.raises(Conflict):
        imports.discard(job, actor=user("dispatcher"), at=NOON)
    assert [entry.act for entry in journal.of(job).order_by("position")] == [
        "import_upload", "import_columns", "import_columns", "import_begin", "import_done",
    ]  # fmt: skip


# ---------------------------------------------------------------- the wizard


def test_the_wizard_from_the_file_to_the_wrong_rows_and_back():
    client = browser("dispatcher")
    rows = [files.line("WY1", called_at="2025-11-14 10:00"), files.line("WY2", called_at="哪天"), files.line("=1+1", called_at="=cmd|'/C calc'!A0")]
    answer = client.post("/imports/", {"file": SimpleUploadedFile("工单.xlsx", files.xlsx([*HEAD, *rows])), "source": "12345"})
    job = ImportJob.objects.get()
    page = f"/imports/{job.pk}/"
    assert answer.status_code == 302 and answer["Location"] == page
    body = client.get(page).content.decode()
    assert '<option value="external_no" selected>工单编号</option>' in body and "工单状态" in body
    assert "13812345678" not in body and "王小明" not in body and "王**" in body

    assert client.post(f"{page}columns/", {f"column_{column}": field for column, field in job.mapping.items()}).status_code == 302
    tasks.run_import(job.pk)
    body = client.get(page).content.decode()
    assert "导入正确的 1 行" in body and "哪天" in body
    assert "13812345678" not in body and "王小明" not in body
    assert client.post(f"{page}run/").status_code == 302
    tasks.run_import(job.pk)
    assert Ticket.objects.filter(external_no="WY1").exists()
    assert "下载错误行" in client.get(page).content.decode()

    download = client.get(f"{page}wrong/")
    wrong = sheets.read(download.content).rows
    assert wrong[0][:2] == list(columns.OWN_COLUMNS) and wrong[0][2:] == files.HEADER
    assert [row[1:3] for row in wrong[1:]] == [["4", "WY2"], ["5", "=1+1"]] and "哪天" in wrong[1][0]
    assert _formulas(download.content) == []

    # Put right, the same file comes in as it is.
    wrong[1][wrong[0].index("来电时间")] = "2025-11-14 10:30"
    answer = client.post("/imports/", {"file": SimpleUploadedFile("改好.xlsx", files.xlsx(wrong[:2])), "source": "12345"})
    again = ImportJob.objects.latest("id")
    client.post(f"/imports/{again.pk}/columns/", {f"column_{column}": field for column, field in again.mapping.items()})
    tasks.run_import(again.pk)
    client.post(f"/imports/{again.pk}/run/")
    tasks.run_import(again.pk)
    assert Ticket.objects.get(external_no="WY2").extra == {"工单状态": "待办"}


def _formulas(raw: bytes) -> list:
    return [cell for row in openpyxl.load_workbook(io.BytesIO(raw)).active for cell in row if cell.data_type == "f"]


def test_columns_put_right_by_hand():
    client = browser("dispatcher")
    raw = files.text([["工单编号", "诉求内容", "来电时间", "啥时候打的"], ["WY1", "冷", "不知道", "2025-11-14 10:00"]])
    client.post("/imports/", {"file": SimpleUploadedFile("a.csv", raw), "source": "12345"})
    job = ImportJob.objects.get()
    answer = client.post(f"/imports/{job.pk}/columns/", {"column_0": "external_no", "column_1": "content", "column_2": "", "column_3": ""})
    assert answer.status_code == 422 and "请指明哪一列是来电时间" in answer.content.decode()
    client.post(f"/imports/{job.pk}/columns/", {"column_0": "external_no", "column_1": "content", "column_2": "", "column_3": "called_at"})
    tasks.run_import(job.pk)
    client.post(f"/imports/{job.pk}/run/")
    tasks.run_import(job.pk)
    assert Ticket.objects.get(external_no="WY1").extra == {"来电时间": "不知道"}


def test_while_it_runs_the_page_asks_for_its_part_and_gets_the_same():
    client = browser("dispatcher")
    job = uploaded(files.lines(2), automatic=True)
    page = client.get(f"/imports/{job.pk}/").content.decode()
    part = client.get(f"/imports/{job.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "every 1s" in part and part.strip() in page and "<html" not in part
    run(job)
    assert "every 1s" not in client.get(f"/imports/{job.pk}/", headers={"HX-Request": "true"}).content.decode()


def test_what_the_wizard_refuses_it_refuses_beside_the_file():
    client = browser("dispatcher")
    for raw, said in ((b"%PDF-1.7", "只接受"), (files.bombs()["one cell far out"], "行数过多"), ("甲,乙\n1,2\n".encode(), "没有找到表头")):
        answer = client.post("/imports/", {"file": SimpleUploadedFile("a.xlsx", raw), "source": "12345"})
        assert answer.status_code == 422 and said in answer.content.decode()
    assert client.post("/imports/", {"source": "12345"}).status_code == 422
    assert not ImportJob.objects.exists()


def test_the_template_is_understood_whole():
    raw = browser("dispatcher").get("/imports/template/").content
    header = sheets.read(raw).rows[0]
    assert set(columns.guess([header]).mapping.values()) == set(columns.FIELDS)


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize("username", ["heating1", "property1", "housing", "street", "inspector", "viewer", "deputy", "admin"])
def test_who_does_not_take_in_tickets_does_not_import(username):
    client = browser(username)
    job = uploaded(files.lines(1))
    for path in ("/imports/", "/imports/template/", f"/imports/{job.pk}/", f"/imports/{job.pk}/wrong/"):
        assert client.get(path).status_code in (403, 404), path
    for path in ("columns", "run", "back", "discard"):
        assert client.post(f"/imports/{job.pk}/{path}/").status_code in (403, 404)
    job.refresh_from_db()
    assert job.state == "uploaded"


def test_over_the_wire_as_design_6_says():
    caller = Caller("social-work", "dispatcher")
    raw = files.text([*HEAD, files.line("WY1", called_at="2025-11-14 10:00"), files.line("WY2", called_at="2025-13-14")], encoding="gb18030")
    answer = _post(caller, raw)
    assert answer.status_code == 202 and answer.json()["state"] == "checking"
    pk = answer.json()["id"]
    tasks.run_import(pk)
    said = caller.get(f"imports/{pk}/").json()
    assert [said[name] for name in ("state", "rows", "created", "updated", "unchanged")] == ["done", 2, 1, 0, 0]
    [fault] = said["errors"]
    assert (fault["row"], fault["field"]) == (4, "called_at") and "2025-13-14" in fault["message"]
    assert caller.get("imports/").json()["results"][0]["id"] == pk


def _post(caller: Caller, raw: bytes | None, **fields):
    data = {"source": "12345", **fields}
    if raw is not None:
        data["file"] = SimpleUploadedFile("工单.csv", raw)
    return caller.client.post("/api/v1/imports/", data, headers={"Authorization": f"Token {caller.token}"})


def test_over_the_wire_nothing_makes_a_fault_of_ours():
    caller = Caller("social-work", "dispatcher")
    good = files.text([*HEAD, files.line("WY1")])
    for raw, fields in (
        (None, {}), (b"", {}), (b"\x00" * 100, {}), (good, {"source": "letter"}), (good, {"dry_run": "perhaps"}), (b"PK\x03\x04junk", {}),
        *((bomb, {}) for bomb in files.bombs().values()),
    ):  # fmt: skip
        answer = _post(caller, raw, **fields)
        assert answer.status_code == 400 and answer.json()["code"] == "invalid", (raw and raw[:20], fields)
    assert caller.post("imports/", {"file": "x"}).status_code == 415
    assert caller.get("imports/999999/").status_code == 404
    assert _post(Caller("demo-heating-1", "handler"), good).status_code == 403
    assert caller.client.get("/api/v1/imports/").status_code == 401
