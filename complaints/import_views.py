"""Pages of the import wizard: upload → columns → preview → import → the wrong rows. Plain forms first."""

import io

import xlsxwriter
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from complaints import import_selectors as selectors
from complaints import imports
from complaints.hotline import columns
from complaints.import_queue import nudge
from complaints.models import ImportJob, Source, TicketKind
from core import clock, journal
from core.errors import Conflict, Invalid, TooLarge
from core.htmx import is_htmx
from core.paging import page
from core.privacy import mask_phone
from units import access

STEPS = ["上传文件", "核对列", "预览校验", "导入", "结果"]
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class UploadForm(forms.Form):
    """A file, where it is from, and whether it is history."""

    file = forms.FileField(
        label="文件", widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.xls,.csv"}), help_text="xlsx、xls 或 csv，最多 20,000 行、10 MB"
    )
    source = forms.ChoiceField(label="来源", choices=Source.choices, initial=Source.HOTLINE)
    history = forms.BooleanField(label="历史数据：只存档，不计时、不通知", required=False)


@login_required
@require_http_methods(["GET", "POST"])
def import_list(request):
    """Upload, and what was imported before."""
    access.require(request.user, access.DISPATCH_TICKETS)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            if file.size > imports.sheets.MOST_BYTES:
                raise TooLarge("文件过大，最多 10 MB", field="file")
            job = imports.upload(
                file.read(), file.name, source=form.cleaned_data["source"], unit=access.home_unit(request.user), actor=request.user,
                at=clock.now(), history=form.cleaned_data["history"],
            )  # fmt: skip
            return redirect("complaints:import_job", pk=job.pk)
        except (Invalid, TooLarge) as fault:
            form.add_error("file", fault.message)
    found = page(selectors.imports(request.user), order=("-id",), cursor=request.GET.get("cursor"), size=20)
    context = {"form": form, "page": found, "steps": STEPS, "step": 1}
    return render(request, "complaints/imports/list.html", context, status=422 if form.is_bound else 200)


@login_required
@require_safe
def import_job(request, pk):
    """Where an import is: its columns, its preview, its progress, its result."""
    job = selectors.import_to_see(request.user, pk)
    context = _context(job)
    if is_htmx(request):
        return render(request, "complaints/imports/_job.html", context)
    return render(request, "complaints/imports/job.html", context)


def _context(job: ImportJob, fault: Invalid | None = None, chosen: dict | None = None) -> dict:
    state = ImportJob.State
    context = {
        "job": job,
        "steps": STEPS,
        "step": {state.UPLOADED: 2, state.CHECKING: 3, state.CHECKED: 3, state.IMPORTING: 4}.get(job.state, 5),
        "is_running": job.state in imports.RUNNING,
        "right": max(job.rows - job.wrong, 0),
        "wrong": [
            {"row": row.row, "reasons": row.reasons, "cells": selectors.masked(job, row.cells)}
            for row in (selectors.wrong_rows(job, 100) if job.state in (state.CHECKED, state.DONE) else [])
        ],
        "warnings": selectors.faults(job, warnings=True, limit=100) if job.state in (state.CHECKED, state.DONE) else [],
        "fault": fault,
    }
    if job.state == state.UPLOADED:
        mapping = chosen if chosen is not None else job.mapping
        sample = selectors.sample(job, imports.contents(job))
        context["columns"] = [
            {"number": number, "heading": heading or f"第 {number + 1} 列", "field": mapping.get(str(number), ""),
             "sample": [row[number] for row in sample if number < len(row) and row[number]][:3]}
            for number, heading in enumerate(job.columns)
        ]  # fmt: skip
        context["fields"] = [(code, name) for code, (name, _) in columns.FIELDS.items()]
    elif job.state == state.CHECKED:
        drafts = selectors.preview(job, imports.contents(job), at=clock.now())
        context["preview"] = [
            {
                "row": draft.row, "is_wrong": bool(draft.errors), "number": draft.values.get("external_no", ""),
                "called_at": draft.values.get("called_at"), "kind": TicketKind(draft.values["kind"]).label,
                "place": " ".join(filter(None, map(draft.values.get, ("street", "community", "building")))),
                "phone": mask_phone(draft.values.get("complainant_phone", "")), "city_due_at": draft.values.get("city_due_at"),
                "content": draft.values.get("content", ""),
            }
            for draft in drafts
        ]  # fmt: skip
    return context


@login_required
@require_POST
def import_map(request, pk):
    """The columns are agreed."""
    job = selectors.import_to_see(request.user, pk)
    chosen = {name.removeprefix("column_"): value for name, value in request.POST.items() if name.startswith("column_")}
    try:
        imports.agree_columns(job, chosen, actor=request.user, at=clock.now())
    except Invalid as fault:
        return render(request, "complaints/imports/job.html", _context(job, fault, chosen), status=422)
    except Conflict as fault:
        messages.warning(request, fault.message)
    else:
        nudge(job)
    return redirect("complaints:import_job", pk=pk)


@login_required
@require_POST
def import_back(request, pk):
    """The columns were not right after all."""
    try:
        imports.reconsider(selectors.import_to_see(request.user, pk))
    except Conflict as fault:
        messages.warning(request, fault.message)
    return redirect("complaints:import_job", pk=pk)


@login_required
@require_POST
def import_run(request, pk):
    """Import what is right."""
    job = selectors.import_to_see(request.user, pk)
    try:
        imports.begin(job, actor=request.user, at=clock.now())
    except Conflict as fault:
        messages.warning(request, fault.message)
    else:
        nudge(job)
    return redirect("complaints:import_job", pk=pk)


@login_required
@require_POST
def import_discard(request, pk):
    """Leave it."""
    try:
        imports.discard(selectors.import_to_see(request.user, pk), actor=request.user, at=clock.now())
    except Conflict as fault:
        messages.warning(request, fault.message)
        return redirect("complaints:import_job", pk=pk)
    messages.success(request, "已放弃该导入")
    return redirect("complaints:imports")


@login_required
@require_safe
def import_wrong(request, pk):
    """The wrong rows as they were, with the reasons in front."""
    job = selectors.import_to_see(request.user, pk)
    rows = selectors.wrong_rows(job)
    journal.record(job, "export", actor=request.user, at=clock.now(), rows=len(rows), what="wrong_rows")
    body = _sheet([*columns.OWN_COLUMNS, *job.columns], [["；".join(row.reasons), str(row.row), *row.cells] for row in rows])
    return _download(body, f"wrong-rows-{job.pk}.xlsx")


@login_required
@require_safe
def import_template(request):
    """An empty file with the headings that are always understood."""
    access.require(request.user, access.DISPATCH_TICKETS)
    return _download(_sheet([name for name, _ in columns.FIELDS.values()], []), "12345-template.xlsx")


def _sheet(headings: list[str], rows: list[list[str]]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": True})
    sheet = book.add_worksheet("工单")
    bold = book.add_format({"bold": True, "bg_color": "#E9F1FC", "border": 1})
    text = book.add_format({"num_format": "@"})
    for column, name in enumerate(headings):
        sheet.write_string(0, column, name, bold)
        sheet.set_column(column, column, 40 if name in (columns.OWN_COLUMNS[0], "诉求内容") else 18, text)
    sheet.freeze_panes(1, 0)
    for line, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            sheet.write_string(line, column, cell[:32000], text)
    book.close()
    return out.getvalue()


def _download(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=SHEET)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


urls = [
    path("imports/", import_list, name="imports"),
    path("imports/template/", import_template, name="import_template"),
    path("imports/<int:pk>/", import_job, name="import_job"),
    path("imports/<int:pk>/columns/", import_map, name="import_map"),
    path("imports/<int:pk>/back/", import_back, name="import_back"),
    path("imports/<int:pk>/run/", import_run, name="import_run"),
    path("imports/<int:pk>/discard/", import_discard, name="import_discard"),
    path("imports/<int:pk>/wrong/", import_wrong, name="import_wrong"),
]
