"""Pages of the duty matrix: who owes what, what is due first, one obligation with its report and its verification."""

from dataclasses import replace

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import attachments, civil, clock
from core.errors import NotFound, PortalError
from core.workbook import Sheet, response
from deadlines import deciding, obligations, particulars, proof
from deadlines import obligation_forms as forms
from deadlines import obligation_selectors as selectors
from deadlines import season as seasons
from deadlines.models import Obligation, ObligationKind, Standing
from deadlines.views import CADENCES

KINDS = [("street", "街道"), ("heating", "供热企业"), ("gas", "燃气企业"), ("bureau", "区级部门")]
MOST_AT_ONCE = 50
ACTS = ("approve", "refuse", "reopen", "drop")
DONE = {"approve": "已核验", "refuse": "已退回", "reopen": "已重新打开", "drop": "已不再要求"}
NAMES = {
    "open": "开始", "report": "报告完成", "approve": "核验通过", "refuse": "核验未通过", "reopen": "重新打开", "drop": "不再要求",
}  # fmt: skip


def _looked_at(request):
    """The season that is looked at, and as of when."""
    return seasons.looked_at(request.GET.get("season", "")[:20], clock.now())


@login_required
@require_safe
def obligation_list(request):
    """What is owed: by one's own unit, or by everybody; what is due first first."""
    season, at = _looked_at(request)
    params = request.GET.copy()
    sees_all = selectors.sees_all(request.user)
    if not sees_all:
        params.setdefault("scope", "mine")
    found = selectors.listing(request.user, season, params, at=at)
    context = {
        "page": found, "rows": [selectors.row_of(item, at=at) for item in found.rows], "at": at, "season": season, "params": params, "sees_all": sees_all,
        "counts": selectors.counts(selectors.narrowed(request.user, season, _without_standing(params), at=at), at=at),
        "units": selectors.units_owing(request.user, season) if sees_all else [], "kinds": ObligationKind.choices, "standings": Standing.choices,
        "periods": [(code, selectors.spoken_period(code)) for code in selectors.periods(request.user, season)],
        "may_tick": params.get("scope") == "verify" and bool(found.rows),
        "is_filtered": any(params.get(name) for name in selectors.FILTERS if name != "scope"), "seasons": seasons.every(), "tab": "list",
    }  # fmt: skip
    return render(request, "deadlines/obligations/list.html", context)


def _without_standing(params) -> dict:
    return {name: params.get(name, "") for name in selectors.FILTERS if name not in ("standing", "late")}


@login_required
@require_safe
def by_unit(request):
    """Who owes what: a row for each unit; for units of one kind, duty by duty."""
    season, at = _looked_at(request)
    kind = request.GET.get("kind", "")[:12]
    columns, grid = selectors.duty_grid(request.user, season, at=at, kind=kind)
    rows = selectors.by_unit(request.user, season, at=at, kind=kind)
    if "export" in request.GET:
        return response("职责落实-按单位", _units_sheet(rows, at))
    context = {
        "rows": rows, "columns": columns, "grid": grid, "kind": kind, "kinds": KINDS, "at": at, "season": season, "seasons": seasons.every(), "tab": "units",
        "sees_all": selectors.sees_all(request.user),
    }  # fmt: skip
    return render(request, "deadlines/obligations/units.html", context)


@login_required
@require_safe
def matrix(request):
    """The duty matrix: every duty of the plan with its words, and how it stands."""
    season, at = _looked_at(request)
    kind, unit = request.GET.get("kind", "")[:12], request.GET.get("unit", "")[:64]
    rows = selectors.matrix(request.user, season, at=at, kind=kind, unit=unit)
    if "export" in request.GET:
        return response("职责矩阵", _matrix_sheet(rows, at))
    context = {
        "rows": rows, "kind": kind, "unit": unit, "kinds": KINDS, "cadences": CADENCES, "at": at, "season": season, "seasons": seasons.every(), "tab": "matrix",
        "sees_all": selectors.sees_all(request.user), "units": selectors.units_owing(request.user, season),
    }  # fmt: skip
    return render(request, "deadlines/obligations/matrix.html", context)


@login_required
@require_safe
def documents(request):
    """Completeness of papers and contracts."""
    season, at = _looked_at(request)
    tables = selectors.completeness(request.user, season, at=at)
    if "export" in request.GET:
        return response("文件与合同", *_papers_sheets(tables, at))
    context = {"tables": selectors.side_by_side(tables), "at": at, "season": season, "seasons": seasons.every(), "tab": "documents", "sees_all": selectors.sees_all(request.user)}
    return render(request, "deadlines/obligations/documents.html", context)


@login_required
@require_safe
def lines(request):
    """What reports hold line by line: stock, subsidies, cases; what falls short first."""
    season, at = _looked_at(request)
    clause = request.GET.get("clause", "")[:12]
    tables = selectors.line_tables(request.user, season, clause=clause)
    if "export" in request.GET:
        return response("明细台账", *_line_sheets(tables, at))
    context = {"tables": tables, "clause": clause, "at": at, "season": season, "seasons": seasons.every(), "tab": "lines", "sees_all": selectors.sees_all(request.user)}
    return render(request, "deadlines/obligations/lines.html", context)


@login_required
@require_safe
def export(request):
    """The list as a spreadsheet, as it is filtered."""
    season, at = _looked_at(request)
    params = request.GET.copy()
    if not selectors.sees_all(request.user):
        params.setdefault("scope", "mine")
    found = selectors.narrowed(request.user, season, params, at=at).order_by("due_at", "id")
    columns = [("条款", 8), ("事项", 28), ("责任单位", 18), ("对方", 18), ("类别", 10), ("期次", 16), ("时限", 18), ("状态", 10), ("是否超时", 10), ("完成时间", 18),
               ("报告时间", 18), ("核验单位", 18), ("核验时间", 18), ("说明", 40), ("核验意见", 30), ("演示", 6)]  # fmt: skip
    rows = (
        (item.clause, item.title, str(item.unit), str(item.counterpart or ""), item.get_kind_display(), selectors.spoken_period(item.period), item.due_at,
         selectors.state_of(item, at)[1], item.is_late(at), item.achieved_at, item.reported_at, str(item.verifier), item.verified_at, item.note,
         item.verdict_note, "演示" if item.is_demo else "")
        for item in found[:20_000]
    )  # fmt: skip
    return response("职责事项", Sheet("职责事项", columns, rows, above=("职责事项", f"截至 {civil.spoken(at)}")))


# ---------------------------------------------------------------- one obligation


@login_required
@require_safe
def obligation(request, pk):
    """One obligation: the plan's words, how it stands, its history, and what this person may do."""
    at = clock.now()
    item = selectors.to_see(request.user, pk)
    return render(request, "deadlines/obligations/page.html", _page(request, item, at=at))


@login_required
@require_POST
def report(request, pk):
    """The unit reports; a fault comes back at its field with everything typed."""
    at = clock.now()
    item = selectors.to_see(request.user, pk)
    form = forms.ReportForm(request.POST, request.FILES, item=item)
    rows = forms.lines_form(item, request.POST)
    is_zero = form.is_valid() and form.cleaned_data.get("is_zero", False)
    if form.is_valid() and (rows is None or is_zero or rows.is_valid()):
        said = form.report()
        try:
            obligations.report(item, said if rows is None or is_zero else replace(said, details={**said.details, "sheet": rows.lines()}), actor=request.user, at=at)
        except PortalError as fault:
            if fault.status != 400:
                raise
            _blame(form, fault)
        else:
            messages.success(request, "已签收" if item.kind == ObligationKind.RECEIPT else f"已报告，等待{item.verifier}核验")
            return redirect(item)
    return render(request, "deadlines/obligations/page.html", _page(request, item, at=at, form=form, rows=rows), status=422)


@login_required
@require_http_methods(["POST"])
def decide(request, pk, act):
    """The verifier approves or sends back; the office opens again or no longer asks for it."""
    at = clock.now()
    item = selectors.to_see(request.user, pk)
    if act not in ACTS:
        raise NotFound
    form = forms.VerdictForm(request.POST)
    status = deciding.refused(item, act, form, actor=request.user, at=at)
    if status is not None:
        return render(request, "deadlines/obligations/page.html", _page(request, item, at=at, verdict=form, act=act), status=status)
    messages.success(request, f"{DONE[act]}：{item}")
    return redirect(item)


@login_required
@require_POST
def approve_many(request):
    """The verifier has looked at several and found them so; one that somebody else was quicker with keeps no other back."""
    at = clock.now()
    approved, refused = 0, []
    for key in dict.fromkeys(request.POST.getlist("pk")[:MOST_AT_ONCE]):
        item = selectors.to_see(request.user, int(key) if key.isascii() and key.isdigit() else 0)
        try:
            proof.approve(item, actor=request.user, at=at)
            approved += 1
        except PortalError as fault:
            refused.append(f"{item}：{fault.message}")
    if approved:
        messages.success(request, f"已核验 {approved} 项")
    for line in refused[:5]:
        messages.error(request, line)
    if not approved and not refused:
        messages.error(request, "请先勾选要核验的事项")
    return redirect("/obligations/?scope=verify")


@login_required
@require_safe
def attachment(request, pk, key):
    """A file of an obligation, to who may see it."""
    found = selectors.attachment_to_see(request.user, pk, key)
    is_paper = found.content_type == "application/pdf"
    answer = FileResponse(attachments.open_file(found), content_type=found.content_type, filename=found.name, as_attachment=is_paper)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _page(request, item: Obligation, *, at, form=None, rows=None, verdict=None, act="") -> dict:
    may_report = item.standing == Standing.OPEN and proof.may_report(request.user, item)
    may_verify = proof.may_verify(request.user, item)
    if may_report and form is None:
        form = forms.ReportForm(item=item, names=selectors.concerned(item), initial={"achieved_at": at.astimezone(civil.SHANGHAI).strftime("%Y-%m-%dT%H:%M")})
    asked = particulars.of(item)
    return {
        "asked": asked, "lines": selectors.lines_of(item, asked) if asked else [], "sums": particulars.sums(asked, item.details.get("sheet", [])) if asked else [],
        "line_forms": (rows or forms.lines_form(item)) if may_report else None,
        "item": item, "row": selectors.row_of(item, at=at), "said": selectors.quote_of(item), "at": at, "files": attachments.of(item), "form": form if may_report else None,
        "verdict": verdict or forms.VerdictForm(), "act": act, "history": list(obligations.history(item)[:50]), "names": NAMES,
        "may_report": may_report,
        "may_verify": may_verify and item.standing == Standing.REPORTED and item.reported_by_id != request.user.pk,
        "may_reopen": may_verify and item.standing == Standing.VERIFIED,
        "may_drop": item.standing in (Standing.OPEN, Standing.REPORTED) and proof.may_drop(request.user, item),
        "absent": obligations.absentees(item), "courses": selectors.courses_held(item), "awaits": item.clause in selectors.awaits(item.season),
        "six": list(item.details.get("items", {}).items()),
        "concerned": selectors.concerned(item) if not item.details.get("rows") else [],
    }  # fmt: skip


def _blame(form, fault: PortalError) -> None:
    """Show a refusal where it belongs: at its field, or above the form."""
    for name, said in fault.fields.items():
        form.add_error(name if name in form.fields else None, said)
    if not fault.fields:
        form.add_error(None, fault.message)


# ---------------------------------------------------------------- spreadsheets


def _units_sheet(rows: list[dict], at) -> Sheet:
    columns = [("单位", 20), ("类别", 14), ("应办", 8), ("待落实", 8), ("逾期", 8), ("待核验", 8), ("已核验", 8), ("超时（含迟办）", 14)]
    names = ("total", "open", "overdue", "reported", "verified", "late")
    lines = [(str(row["unit"]), row["unit"].get_kind_display(), *(row[name] for name in names)) for row in rows]
    return Sheet("按单位", columns, lines, above=("职责落实：各单位", f"截至 {civil.spoken(at)}"))


def _matrix_sheet(rows: list, at) -> Sheet:
    columns = [("条款", 8), ("职责", 24), ("责任单位", 18), ("原文", 50), ("含义", 40), ("佐证", 30), ("频次", 10), ("承接", 18), ("应办", 8), ("待落实", 8), ("待核验", 8),
               ("已核验", 8), ("逾期单位", 30)]  # fmt: skip
    lines = [
        (row.clause, row.title, row.who, row.quote, row.meaning, row.evidence, CADENCES.get(row.cadence, row.cadence),
         "职责台账（专门页面待建）" if row.awaits else "职责台账" if row.is_registered else "专门页面", *(row.tally.get(name) for name in ("total", "open", "reported", "verified")),
         "、".join(row.behind))
        for row in rows
    ]  # fmt: skip
    return Sheet("职责矩阵", columns, lines, above=("职责矩阵", f"截至 {civil.spoken(at)}"))


def _line_sheets(tables: list, at) -> list[Sheet]:
    if not tables:
        return [Sheet("明细台账", [("说明", 40)], [("尚无明细",)])]
    return [
        Sheet(f"{table.asked.clause} {table.asked.title}"[:31], [("单位", 18), ("期次", 14), *((column.name, 16) for column in table.asked.columns), ("不足", 24)],
              [(str(line.item.unit), line.period, *(value for _, value in line.cells), "；".join(line.short)) for line in table.lines],
              above=(table.asked.title, f"截至 {civil.spoken(at)}"))
        for table in tables
    ]  # fmt: skip


def _papers_sheets(tables: list, at) -> list[Sheet]:
    if not tables:
        return [Sheet("文件与合同", [("说明", 40)], [("尚无应备文件",)])]
    return [
        Sheet(f"{table.clause} {table.title}", [("单位", 24), *((name, 22) for name in table.columns)],
              [(str(unit), *(cell.said if cell else "" for cell in cells)) for unit, cells in table.rows], above=(table.title, f"截至 {civil.spoken(at)}"))
        for table in tables
    ]  # fmt: skip
