"""Pages of the register: lists by kind, one row, its forms, the defects."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import civil, clock, workbook
from core.errors import Forbidden, PortalError
from core.fields import blame
from core.workbook import Sheet as Table
from plants import defects, register
from plants import register_forms as forms
from plants import register_selectors as selectors
from plants.models import PlantKind, Use
from plants.register_kinds import CHARGES, COMMUNITIES, KINDS, PLANTS


def _today():
    return civil.day_of(clock.now())


def _link(kind, row) -> str:
    return reverse("plants:register_row", args=[kind.code, row.code])


@login_required
@require_safe
def home(request):
    """The register opens with the plants."""
    return listing(request, "plants")


@login_required
@require_safe
def listing(request, kind):
    """The rows of a kind."""
    kind = selectors.kind_named(kind)
    user, today = request.user, _today()
    selectors.require_sight(user)
    if request.GET.get("format") == "xlsx":
        return _export(kind, selectors.narrowed(user, kind, request.GET, today=today).order_by("id")[: workbook.MOST], today)
    page = selectors.listing(user, kind, request.GET, today=today)
    modes = selectors.current_modes([row.pk for row in page.rows]) if kind is COMMUNITIES else {}
    shown = [kind.field(name) for name in kind.shown if name != "until"]
    rows = [
        {"row": row, "link": "" if kind is CHARGES else _link(kind, row), "cells": [(field.label, _cell(row, field)) for field in shown], "mode": modes.get(row.pk, "")}
        for row in page.rows
    ]
    context = {
        "kind": kind, "rows": rows, "page": page, "shown": shown, "counts": _tabs(user), "choices": selectors.choices(user, kind), "tab": kind.code,
        "lists": [(code, label) for code, (label, _) in selectors.LISTS.items()] if kind is COMMUNITIES else [], "may_edit": register.may_edit(user),
        "uses": Use.choices if kind is COMMUNITIES else [], "kinds": PlantKind.choices if kind is PLANTS else [], "given": request.GET, "has_charges": kind is CHARGES,
    }  # fmt: skip
    return render(request, "plants/register/list.html", context)


def _tabs(user) -> list[dict]:
    counted = selectors.counts(user)
    return [{"code": kind.code, "label": kind.label, "icon": kind.icon, "count": counted[kind.code]} for kind in KINDS.values()]


def _cell(row, field):
    display = getattr(row, f"get_{field.name}_display", None)
    value = display() if display else getattr(row, field.name)
    if field.type == "bool":
        return "是" if value else "否"
    if field.type == "names":
        return "、".join(value)
    return "" if value is None else value


def _export(kind, rows, today) -> HttpResponse:
    fields = kind.fields
    extra = [("止", 14)] if kind is CHARGES else [("在用", 8), ("停用原因", 24)]
    columns = [*((field.label, 24 if field.type in ("text", "unit", "plant") else 14) for field in fields), *extra]
    lines = []
    for row in rows:
        cells = [workbook.Public(value) if field.type == "phone" else value if field.type in ("number", "whole", "day") else str(value) for field in fields for value in [_cell(row, field)]]
        lines.append([*cells, row.until] if kind is CHARGES else [*cells, row.is_active, row.inactive_reason])
    # No title above: the file can be corrected and imported again.
    return workbook.response(f"{kind.label}-{today:%Y%m%d}", Table(kind.label, columns, lines))


@login_required
@require_safe
def row_page(request, kind, code):
    """One row and what hangs on it."""
    kind = selectors.kind_named(kind)
    return _page(request, kind, selectors.to_see(request.user, kind, code))


def _page(request, kind, row, status: int = 200, **bound) -> HttpResponse:
    user = request.user
    may_edit = register.may_edit(user)
    context = {
        "kind": kind, "row": row, "values": [(field.label, _cell(row, field)) for field in kind.fields if field.name != "code"], "at": clock.now(),
        "may_edit": may_edit, "may_keep": register.may_keep(user, kind, row), **selectors.detailed(user, kind, row), "is_plant": kind is PLANTS,
        "is_community": kind is COMMUNITIES, "stop_form": forms.ReasonForm(prefix="stop"),
        "charge_form": forms.ChargeForm(initial={"since": _today()}), "mode_form": forms.ModeForm(initial={"since": _today()}), "end_form": forms.EndForm(initial={"until": _today()}, prefix="end"),
        **bound,
    }  # fmt: skip
    return render(request, "plants/register/row.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def new(request, kind):
    """A new row."""
    kind = selectors.kind_named(kind)
    if not register.may_edit(request.user):
        raise Forbidden("底册由区城管局（专班办公室）维护")
    if kind is CHARGES:
        return redirect("plants:register_list", kind="plants")
    form = forms.RowForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            row, _ = register.save(kind, form.values(), actor=request.user, at=clock.now())
        except PortalError as fault:
            blame(form, fault)
        else:
            messages.success(request, f"已登记 {row}")
            return redirect(_link(kind, row))
    return render(request, "plants/register/form.html", {"kind": kind, "form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request, kind, code):
    """The bureau corrects a row; a company keeps the fields that are its own."""
    kind = selectors.kind_named(kind)
    row = selectors.to_see(request.user, kind, code)
    may_edit = register.may_edit(request.user)
    if not may_edit and not register.may_keep(request.user, kind, row):
        raise Forbidden("只能维护本企业的供热管理员和值班电话")
    form = forms.RowForm(request.POST or None, kind=kind, row=row, only=() if may_edit else kind.own)
    if request.method == "POST" and form.is_valid():
        try:
            if may_edit:
                register.save(kind, form.values(), actor=request.user, at=clock.now(), row=row, reason=form.cleaned_data["reason"])
            else:
                register.keep(kind, row, form.values(), actor=request.user, at=clock.now())
        except PortalError as fault:
            blame(form, fault)
        else:
            messages.success(request, "已保存")
            return redirect(_link(kind, row))
    return render(request, "plants/register/form.html", {"kind": kind, "row": row, "form": form}, status=422 if form.errors else 200)


def _act(request, kind, row, form, name, do, said):
    """An act from the row's page: done, or shown there again with what is wrong."""
    if form.is_valid():
        try:
            do(form.cleaned_data)
        except PortalError as fault:
            if fault.status == 403:
                raise
            blame(form, fault)
        else:
            messages.success(request, said)
            return redirect(_link(kind, row))
    return _page(request, kind, row, 422, **{name: form})


@login_required
@require_POST
def stop(request, kind, code):
    """Out of use, or in use again, with the reason."""
    kind = selectors.kind_named(kind)
    row = selectors.to_see(request.user, kind, code)
    do = register.put_out_of_use if row.is_active else register.take_up_again
    form = forms.ReasonForm(request.POST, prefix="stop")
    return _act(request, kind, row, form, "stop_form", lambda said: do(kind, row, reason=said["reason"], actor=request.user, at=clock.now()), "已停用" if row.is_active else "已恢复")


@login_required
@require_POST
def charge(request, code):
    """A street begins to check a facility."""
    plant = selectors.to_see(request.user, PLANTS, code)
    return _act(request, PLANTS, plant, forms.ChargeForm(request.POST), "charge_form", lambda said: register.put_in_charge(plant, **said, actor=request.user, at=clock.now()), "检查分工已登记")


@login_required
@require_POST
def end_charge(request, pk):
    """A street's charge ends."""
    found = selectors.charge_to_see(request.user, pk)
    form = forms.EndForm(request.POST, prefix="end")
    return _act(request, PLANTS, found.plant, form, "end_form", lambda said: register.end_charge(found, **said, actor=request.user, at=clock.now()), "检查分工已结束，历史保留")


@login_required
@require_POST
def manage(request, code):
    """A community is managed otherwise from a day on."""
    community = selectors.to_see(request.user, COMMUNITIES, code)

    def do(said):
        register.manage(community, said["mode"], since=said["since"], reason=said["reason"], actor=request.user, at=clock.now())

    return _act(request, COMMUNITIES, community, forms.ModeForm(request.POST), "mode_form", do, "管理方式已调整，历史保留")


@login_required
@require_safe
def defect_list(request):
    """What the register lacks."""
    today = _today()
    code = request.GET.get("rule", "")[:40]
    found = defects.found(request.user, today=today, code=code)
    if request.GET.get("format") == "xlsx":
        lines = [[one.label, one.rule.clause, one.rule.kind.label, row.code, str(row)] for one in found for row in one.rows]
        columns = [("缺陷", 30), ("条款", 10), ("类别", 10), ("代码", 24), ("名称", 36)]
        return workbook.response(f"数据缺陷-{today:%Y%m%d}", Table("数据缺陷", columns, lines, ("厂站与小区数据缺陷（B4）",)))
    may_edit = register.may_edit(request.user)
    shown = [
        {"found": one, "rows": [{"row": row, "link": reverse("plants:register_edit" if may_edit and one.rule.mended_by else "plants:register_row", args=[one.rule.kind.code, row.code])} for row in one.rows[:20]]}
        for one in found if one.count
    ]  # fmt: skip
    context = {"found": found, "shown": shown, "total": sum(one.count for one in found), "code": code, "counts": _tabs(request.user), "tab": "defects", "may_edit": may_edit, "today": today}
    return render(request, "plants/register/defects.html", context)
