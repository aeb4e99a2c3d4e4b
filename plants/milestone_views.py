"""Pages of milestones: the board, one milestone, one facility's item."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import attachments, civil, clock, journal
from core.errors import Invalid, NotFound, PortalError
from core.fields import blame
from core.workbook import Sheet, response
from deadlines import deciding, proof
from deadlines import season as seasons
from deadlines.models import Standing
from plants import milestone_selectors as selectors
from plants import milestones
from plants.milestone_forms import DeclareForm, MoveForm, VerdictForm
from plants.models import MilestoneItem
from units import access

MOST_AT_ONCE = 500
VERDICTS = {"approve": "已核验", "refuse": "已退回", "reopen": "已重新打开"}
NAMES = {"open": "列出", "report": "报告完成", "approve": "核验通过", "refuse": "核验未通过", "reopen": "重新打开", "drop": "不再要求", "plan": "排定点火", "move_slot": "改期"}


@login_required
@require_safe
def board(request):
    """Company × milestone, or street × milestone: the worst counts."""
    season, at = seasons.looked_at(request.GET.get("season", "")[:20], clock.now())
    by = "street" if request.GET.get("by") == "street" else "unit"
    shown = selectors.board(request.user, at, by=by, season=season)
    if request.GET.get("format") == "xlsx":
        return _board_sheet(shown, at)
    return render(request, "plants/milestones/board.html", {"board": shown, "by": by, "at": at, "seasons": seasons.every(), "season": season, "more": _more(request)})


def _more(request) -> str:
    """What a link to one milestone carries on: the season that is looked at, where it is not the active one."""
    code = request.GET.get("season", "")[:20]
    return f"?{urlencode({'season': code})}" if code else ""


def _board_sheet(shown, at):
    columns = [("单位", 22), *[(f"{one.label}（{civil.spoken(one.due_at)}）", 26) for one in shown["milestones"]]]

    def said(cell):
        if not cell.total:
            return "—"
        text = f"{cell.achieved}/{cell.total} 完成，{cell.verified} 已核验"
        return text + (f"，{cell.late} 项超时" if cell.late else "") + (f"；未完成：{'、'.join(cell.missing[:20])}" if cell.missing else "")

    rows = [[str(row["unit"]), *[said(cell) for cell in row["cells"]]] for row in shown["rows"]]
    rows.append(["全部", *[said(cell) for cell in shown["total"]]])
    return response("时间节点完成情况", Sheet("节点", columns, rows, above=("企业时间节点完成情况", f"截至 {civil.spoken(at)}")))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def milestone_page(request, code):
    """One milestone: what “all” still lacks, each facility, and declaring or approving several at once."""
    return _milestone(request, code)


def _milestone(request, code, move_form=None):
    season_named = request.GET.get("season", "")[:20]
    season, at = seasons.looked_at(season_named, clock.now())
    milestone = selectors.milestone_of(code, at, season=season, version=request.GET.get("version", ""))
    form = DeclareForm(milestone=milestone, initial={"achieved_at": civil.localize(at)})
    done, status = None, 422 if move_form else 200
    if move_form is None and request.method == "POST":
        chosen = [int(one) for one in request.POST.getlist("item") if one.isascii() and one.isdigit()][:MOST_AT_ONCE]
        items = list(selectors.visible(request.user).filter(milestone=milestone, pk__in=[pk for pk in chosen if pk < 2**62]))
        if request.POST.get("act") == "approve":
            done = milestones.approve_many(items, note=request.POST.get("note", "")[:500], actor=request.user, at=at)
        else:
            form = DeclareForm(request.POST, request.FILES, milestone=milestone)
            if form.is_valid():
                done = milestones.declare_many(items, form.progress(), actor=request.user, at=at)
            else:
                status = 422
        if done is not None and not items:
            messages.warning(request, "没有选中任何一项")
    found = selectors.listing(request.user, milestone, request.GET, at=at)
    rows = [_row(request.user, item, at) for item in found.rows]
    context = {
        "milestone": milestone, "page": found, "rows": rows, "at": at, "params": request.GET, "form": form, "done": done, "total": selectors.total_of(request.user, milestone, at),
        "units": selectors.units_of(request.user, milestone), "streets": selectors.streets_of(request.user, milestone), "standings": Standing.choices,
        "kinds": [choice for choice in MilestoneItem._meta.get_field("kind").choices if choice[0] in milestone.subjects], "versions": list(selectors.versions(milestone)), "more": _more(request),
        "may_report": any(row["may_report"] for row in rows), "may_verify": any(row["may_verify"] for row in rows),
        "move_form": move_form or (MoveForm(initial={"due_at": civil.localize(milestone.due_at)}) if milestone.is_current and not season_named and access.everywhere(request.user, access.SUPERVISE) else None),
    }  # fmt: skip
    return render(request, "plants/milestones/milestone.html", context, status=status)


def _row(user, item, at) -> dict:
    return {
        "item": item, "is_late": item.is_late(at), "may_report": item.standing == Standing.OPEN and proof.may_report(user, item),
        "may_verify": item.standing == Standing.REPORTED and proof.may_verify(user, item) and item.reported_by_id != user.pk,
    }  # fmt: skip


@login_required
@require_safe
def export(request, code):
    """The items of one milestone as a spreadsheet, as they are filtered."""
    season, at = seasons.looked_at(request.GET.get("season", "")[:20], clock.now())
    milestone = selectors.milestone_of(code, at, season=season, version=request.GET.get("version", ""))
    columns = [("对象", 30), ("类别", 8), ("企业", 18), ("街道", 14), ("时限", 18), ("状态", 10), ("是否超时", 10), ("完成时间", 20), ("报告时间", 20), ("补录", 8), ("核验单位", 18), ("核验时间", 20), ("说明", 40)]
    rows = (
        (item.name, item.get_kind_display(), str(item.unit), str(item.street or ""), item.due_at, item.get_standing_display(), item.is_late(at),
         _exact(item.achieved_at), _exact(item.reported_at), item.is_retrospective, str(item.verifier), _exact(item.verified_at), item.note)
        for item in selectors.narrowed(request.user, milestone, request.GET, at=at).order_by("unit__position", "name")[:20_000]
    )  # fmt: skip
    return response(f"节点-{milestone.label}", Sheet(milestone.label, columns, rows, above=(milestone.title, f"时限 {civil.spoken(milestone.due_at)}，截至 {civil.spoken(at)}")))


def _exact(moment):
    return f"{civil.localize(moment):%Y-%m-%d %H:%M:%S}" if moment else ""


@login_required
@require_POST
def move(request, code):
    """The city has moved the date. What is refused comes back with what was typed."""
    at = clock.now()
    milestone = selectors.milestone_of(code, at)
    form = MoveForm(request.POST)
    if not form.is_valid():
        return _milestone(request, code, form)
    try:
        milestones.move(milestone, due_at=form.cleaned_data["due_at"], reason=form.cleaned_data["reason"], actor=request.user, at=at)
    except Invalid as fault:
        blame(form, fault)
        return _milestone(request, code, form)
    messages.success(request, f"{milestone.label}已改为 {civil.spoken(form.cleaned_data['due_at'])}，旧版本及其结论保留")
    return redirect("plants:milestone", code=code)


# ---------------------------------------------------------------- one facility


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def item_page(request, pk):
    """One facility's item: its evidence and history, and what this person may do."""
    at = clock.now()
    item = selectors.item_to_see(request.user, pk)
    form = DeclareForm(milestone=item.milestone, initial={"achieved_at": civil.localize(at)})
    if request.method == "POST":
        form = DeclareForm(request.POST, request.FILES, milestone=item.milestone)
        if form.is_valid():
            try:
                milestones.declare(item, form.progress(), actor=request.user, at=at)
            except PortalError as fault:
                if fault.status != 400:
                    raise
                blame(form, fault)
            else:
                messages.success(request, f"已报告，等待{item.verifier}核验" + ("（补录）" if item.is_retrospective else ""))
                return redirect(item)
    return _item(request, item, at, form=form, status=422 if form.errors else 200)


def _item(request, item, at, *, form=None, verdict_form=None, status: int = 200):
    context = {
        **_row(request.user, item, at), "form": form or DeclareForm(milestone=item.milestone, initial={"achieved_at": civil.localize(at)}),
        "verdict": verdict_form or VerdictForm(), "at": at, "rooms": selectors.rooms_of(request.user, item, at), "files": attachments.of(item),
        "history": [(entry, NAMES.get(entry.act, entry.act)) for entry in journal.of(item)], "may_reopen": item.standing == Standing.VERIFIED and proof.may_verify(request.user, item),
    }  # fmt: skip
    return render(request, "plants/milestones/item.html", context, status=status)


@login_required
@require_POST
def verdict(request, pk, name):
    """Approve, refuse, or open again."""
    at = clock.now()
    item = selectors.item_to_see(request.user, pk)
    if name not in VERDICTS:
        raise NotFound
    form = VerdictForm(request.POST)
    status = deciding.refused(item, name, form, actor=request.user, at=at)
    if status is not None:
        return _item(request, item, at, verdict_form=form, status=status)
    messages.success(request, VERDICTS[name])
    return redirect(item)


@login_required
@require_safe
def file(request, pk, key):
    """A piece of evidence, for whoever may see the item."""
    item = selectors.item_to_see(request.user, pk)
    found = attachments.of(item).filter(pk=key).first()
    if found is None:
        raise NotFound
    answer = FileResponse(attachments.open_file(found), content_type=found.content_type)
    answer.headers["Content-Disposition"] = "inline"
    return answer
