"""Pages of the register's imports: upload, columns, preview, result."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import clock, workbook
from core.errors import Forbidden, Invalid, NotFound, PortalError
from core.fields import blame
from core.sheets import MOST_BYTES
from core.workbook import Sheet as Table
from plants import register
from plants import register_forms as forms
from plants import register_imports as imports
from plants import register_selectors as selectors
from plants.register_kinds import KINDS


@login_required
@require_http_methods(["GET", "POST"])
def home(request):
    """What was imported, and the form to upload."""
    if not register.may_edit(request.user):
        raise Forbidden("底册由区城管局（专班办公室）导入")
    form = forms.UploadForm(request.POST or None, request.FILES or None, initial={"kind": request.GET.get("kind", "")})
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            if file.size > MOST_BYTES:
                raise Invalid("文件过大，最多 10 MB", field="file")
            job = imports.upload(file.read(), file.name, kind=KINDS[form.cleaned_data["kind"]], actor=request.user, at=clock.now())
        except PortalError as fault:
            blame(form, fault)
        else:
            return redirect("plants:register_import", pk=job.pk)
    context = {"form": form, "page": selectors.imports(request.user), "kinds": KINDS.values()}
    return render(request, "plants/register/imports.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
def template(request, kind):
    """An empty table with the headings of a kind."""
    kind = selectors.kind_named(kind)
    selectors.require_sight(request.user)
    return workbook.response(f"{kind.label}导入模板", Table(kind.label, [(field.label, 18) for field in kind.fields], []))


@login_required
@require_http_methods(["GET", "POST"])
def job_page(request, pk):
    """One import, wherever it has come to; POST agrees the columns."""
    job = selectors.import_to_see(request.user, pk)
    fault = None
    if request.method == "POST":
        mapping = {name.removeprefix("column_"): value for name, value in request.POST.items() if name.startswith("column_")}
        try:
            imports.agree_columns(job, mapping, actor=request.user, at=clock.now())
        except Invalid as refused:
            fault = refused
        else:
            return redirect("plants:register_import", pk=job.pk)
    return _page(request, job, fault)


def _page(request, job, fault=None) -> HttpResponse:
    kind = KINDS[job.kind]
    columns = [
        {"number": number, "heading": heading, "field": job.mapping.get(str(number), ""), "sample": [cells[number] for _, cells in job.rows[:3] if number < len(cells)]}
        for number, heading in enumerate(job.columns)
    ]
    outcome = imports.preview(job, at=clock.now()) if job.state == "checked" else None
    faults = outcome.faults if outcome else job.faults
    context = {
        "job": job, "kind": kind, "columns": columns, "outcome": outcome, "faults": faults[:100], "wrong": len(faults), "fault": fault,
    }
    return render(request, "plants/register/import.html", context, status=422 if fault else 200)


@login_required
@require_POST
def act(request, pk, name):
    """Import, go back to the columns, or leave it."""
    job = selectors.import_to_see(request.user, pk)
    if name == "run":
        imports.run(job, actor=request.user, at=clock.now())
    elif name == "back":
        imports.reconsider(job)
    elif name == "discard":
        imports.discard(job, actor=request.user, at=clock.now())
    else:
        raise NotFound
    return redirect("plants:register_import", pk=pk)


@login_required
@require_safe
def wrong(request, pk):
    """The rows that are wrong, as they stood, with the reason."""
    job = selectors.import_to_see(request.user, pk)
    faults = imports.preview(job, at=clock.now()).faults if job.state == "checked" else job.faults
    columns = [(heading, 18) for heading in job.columns] + [("行号", 8), ("字段", 16), ("原因", 40)]
    width = len(job.columns)
    lines = [[*[workbook.Public(cell) if isinstance(cell, str) else cell for cell in (cells + [None] * width)[:width]], number, field, message] for number, field, message, cells in faults]
    return workbook.response(f"错误行-{KINDS[job.kind].label}", Table("错误行", columns, lines))
