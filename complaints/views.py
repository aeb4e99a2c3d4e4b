"""Pages of tickets: the list with one ticket beside it, the ticket, its acts, the dispatcher's desk."""

from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from complaints import access as ticket_access
from complaints import bulk, doing, exports, intake, lifecycle, personal, presenting, selectors, situations, timeline
from complaints.forms import IntakeForm, RequiredNoteForm
from complaints.models import Category, Source, State
from complaints.posting import hand_intake
from complaints.presenting_rows import row_of, rows_of
from complaints.routing import community_choices
from core import attachments, clock
from core.errors import Invalid, NotFound, PortalError
from core.fields import blame, status_of
from core.htmx import is_htmx
from units import access, views_saved
from units import exports as long_lists

TABS = (
    ("open", "未办结", {"state": "open"}), ("late", "已超时", {"late": "1"}), ("soon", "即将超时", {"soon": "1"}),
    ("to_call", "待回访", {"state": "finished"}), ("received", "未交办", {"state": "received"}),
)  # fmt: skip


# ---------------------------------------------------------------- lists


@login_required
@require_safe
def ticket_list(request):
    """The ticket centre: what is due first at the top. The first ticket comes after the list, and only to a screen on which there is room beside it."""
    if request.headers.get("HX-Target") == "ticket-rows":
        return _part(request, "complaints/_rows.html", _list(request))
    return _part(request, "complaints/list.html", _list(request))


def _list(request, current: str = "") -> dict:
    at = clock.now()
    filters = selectors.Filters.read(request.GET)
    by_due = request.GET.get("order", "due" if filters.state not in ("closed", "void") and not filters.q else "newest") == "due"
    if by_due and not filters.state and not filters.late and not filters.soon:
        filters.state = "open"
    found = selectors.listing(
        request.user, filters, at=at, cursor=request.GET.get("cursor"), order=selectors.DUE_FIRST if by_due else selectors.NEWEST, size=30
    )
    streets, companies = selectors.streets_and_companies(request.user)
    counts = selectors.counts(request.user, at=at)
    return {
        "at": at,
        "rows": rows_of(request.user, found.rows, at=at),
        "page": found,
        "filters": filters,
        "by_due": by_due,
        "query": urlencode(filters.given),
        "tabs": [
            {"code": code, "name": name, "count": counts[code], "url": f"?{urlencode(wanted)}", "on": filters.given == wanted or (code == "open" and not filters.given)}
            for code, name, wanted in TABS
        ],
        "counts": counts,
        "streets": streets,
        "companies": companies,
        "categories": Category.choices,
        "sources": Source.choices,
        "states": [("open", "未办结"), *State.choices],
        "saved": views_saved.of(request.user, "tickets"),
        "may_dispatch": access.everywhere(request.user, access.DISPATCH_TICKETS),
        "current": current,
    }  # fmt: skip


@login_required
@require_safe
def ticket_page(request, number):
    """One ticket: alone on a phone, beside the list on a desk."""
    if is_htmx(request):
        return _part(request, "complaints/_detail.html", _detail(request, number))
    detail = _detail(request, number)
    context = _list(request, current=number)
    context["detail"] = detail
    context["is_alone"] = True
    return _part(request, "complaints/list.html", context)


def _detail(request, number, *, form=None, act: str = "", status_message: str = "") -> dict:
    at = clock.now()
    user = request.user
    ticket = ticket_access.ticket_to_see(user, number)
    found = selectors.details_of(user, ticket)
    title, content = presenting.words_of(user, ticket)
    acts = doing.offered(user, ticket, has_return=found.open_return is not None)
    hidden = ticket.hides_complainant and access.is_company(user)
    situation = situations.of([ticket], at=at).get(ticket.pk, situations.NOTHING)
    mine = access.unit_ids(user, access.HANDLE_TICKETS)
    return {
        "at": at,
        "ticket": ticket,
        "row": row_of(access.is_company(user), ticket, at=at, situation=situation),
        "places": situations.places_of(user, situation),
        "title": title,
        "content": content,
        "person": selectors.complainant_of(user, ticket),
        "cards": doing.stage_cards(ticket, found.deadlines, at=at),
        "city": next((one for one in reversed(found.deadlines) if one.stage == "city"), None),
        "deadlines": found.deadlines,
        "parts": [part for part in found.parts if part.until is None],
        "segments": [part for part in found.parts if part.part == "doer"],
        "my_task": next(
            (part for part in found.parts if part.part == "assist" and part.until is None and not part.done_at and not part.waived_at and part.unit_id in mine),
            None,
        ),
        "may_waive": ticket_access.leads(user, ticket) or access.everywhere(user, access.SUPERVISE),
        "open_return": found.open_return,
        "evidence": found.evidence,
        "temperatures": found.temperatures,
        "attachments": [] if hidden else list(attachments.of(ticket)),
        "parent": found.parent,
        "children": found.children if not access.is_company(user) else [],
        "related": [] if access.is_company(user) else rows_of(user, intake.repeats_of(user, ticket), at=at),
        "timeline": list(reversed(timeline.of(user, ticket))),
        "hops": presenting.hops(ticket),
        "suggestion": ticket.suggestion,
        "acts": acts,
        "main_act": next((one for one in acts if one.main), None),
        "act": doing.ACTS.get(act),
        "form": form,
        "status_message": status_message,
        "assist_form": RequiredNoteForm(),
    }


# ---------------------------------------------------------------- acts


@login_required
@require_http_methods(["GET", "POST"])
def act(request, number, code):
    """One act on one ticket: its form, and what it does. A plain form first, improved by htmx."""
    what = doing.ACTS.get(code)
    if what is None:
        raise NotFound
    at = clock.now()
    ticket = what.fetch(request.user, number)
    if request.method == "GET":
        form = what.fill(ticket, initial=doing.initial_of(what, ticket, at=at))
        return _act_page(request, ticket, what, form)
    form = what.fill(ticket, request.POST, request.FILES)
    if not form.is_valid():
        return _act_page(request, ticket, what, form, status=422)
    try:
        what.do(ticket, doing.said_by(what, form), actor=request.user, at=at)
    except PortalError as fault:
        blame(form, fault)
        return _act_page(request, ticket, what, form, status=status_of(fault))
    return _done(request, number, f"{ticket.number} 已{what.name.removeprefix('登记')}")


def _act_page(request, ticket, what, form, status: int = 200) -> HttpResponse:
    context = {"ticket": ticket, "act": what, "form": form, "units": None}
    if is_htmx(request):
        return render(request, "complaints/_act.html", context, status=status)
    return render(request, "complaints/act.html", {**context, **_detail(request, ticket.number, form=form, act=what.code)}, status=status)


def _done(request, number, said: str) -> HttpResponse:
    if not ticket_access.visible_to(request.user).filter(number=number).exists():
        messages.success(request, said)
        return _away(request, "/tickets/")
    if is_htmx(request):
        response = _part(request, "complaints/_detail.html", _detail(request, number, status_message=said))
        response.headers["HX-Trigger"] = "wy:changed"
        response.headers["HX-Retarget"] = "#ticket-detail"
        response.headers["HX-Reswap"] = "innerHTML"
        home = f"/tickets/{number}/"
        if urlsplit(request.headers.get("HX-Current-URL", "")).path.startswith(home):
            # The act's own page has become the ticket's; beside a list the list's address stays.
            response.headers["HX-Replace-Url"] = home
        return response
    messages.success(request, said)
    return redirect("complaints:ticket", number=number)


def _away(request, url: str) -> HttpResponse:
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if is_htmx(request) else redirect(url)


@login_required
@require_POST
def assist_done(request, number):
    """An assist's own task is done."""
    ticket, task = ticket_access.ticket_to_assist(request.user, number)
    form = RequiredNoteForm(request.POST)
    if not form.is_valid():
        raise Invalid("请填写协办情况", field="note")
    lifecycle.complete_assist(ticket, task, note=form.cleaned_data["note"], actor=request.user, at=clock.now())
    return _done(request, number, "协办已办结")


@login_required
@require_POST
def assist_waive(request, number, code):
    """The lead does without an assist."""
    ticket, task = ticket_access.assist_to_waive(request.user, number, code)
    lifecycle.waive_assist(ticket, task, reason=request.POST.get("reason", ""), actor=request.user, at=clock.now())
    return _done(request, number, "已免除协办")


@login_required
@require_POST
def reveal(request, number):
    """One field of personal data, for this once, with a journal entry."""
    ticket = ticket_access.ticket_to_see(request.user, number)
    field = request.POST.get("field", "")
    value = personal.reveal(ticket, field, reason=request.POST.get("reason", "办理工单"), actor=request.user, at=clock.now())
    if is_htmx(request):
        return render(request, "complaints/_revealed.html", {"value": value, "field": field})
    return render(request, "complaints/revealed.html", {"ticket": ticket, "value": value, "field": field})


@login_required
@require_safe
def attachment(request, number, pk):
    """A file of a ticket, to who may see it."""
    found = selectors.attachment_to_see(request.user, number, pk)
    response = FileResponse(attachments.open_file(found), content_type=found.content_type, filename=found.name, as_attachment=found.content_type == "application/pdf")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


# ---------------------------------------------------------------- intake by hand, the dispatcher's desk


@login_required
@require_http_methods(["GET", "POST"])
def new_ticket(request):
    """Intake by hand."""
    at = clock.now()
    form = IntakeForm(request.POST or None, initial={"called_at": at.astimezone(presenting.SHANGHAI).strftime("%Y-%m-%dT%H:%M")})
    if request.method == "POST" and form.is_valid():
        try:
            received = intake.receive(hand_intake(request.user, form.cleaned_data), actor=request.user, at=at)
        except PortalError as fault:
            blame(form, fault)
        else:
            said = {"created": "已受理", "updated": "已有同号工单，已并入补充内容", "unchanged": "已有同号工单，内容相同"}[received.outcome]
            messages.success(request, f"{said}：{received.ticket.number}")
            if not ticket_access.visible_to(request.user).filter(pk=received.ticket.pk).exists():
                return redirect("complaints:tickets")
            return redirect("complaints:ticket", number=received.ticket.number)
    return render(request, "complaints/new.html", {"form": form, "at": at}, status=422 if form.is_bound else 200)


@login_required
@require_safe
def communities(request):
    """Names for the community field, as somebody types."""
    return render(request, "complaints/_communities.html", {"communities": community_choices(request.GET.get("community", "")[:40])})


@login_required
@require_safe
def dispatch_desk(request):
    """What waits for dispatch, each with what routing suggests and by which clause."""
    access.require(request.user, access.DISPATCH_TICKETS)
    at = clock.now()
    found = selectors.waiting_for_dispatch(request.user, at=at, cursor=request.GET.get("cursor"))
    units = selectors.names_of_units(found.rows)
    rows = [
        {**row, "content": ticket.content, "suggestion": selectors.spoken_suggestion(ticket, units), "ticket": ticket}
        for row, ticket in zip(rows_of(request.user, found.rows, at=at), found.rows, strict=True)
    ]
    context = {"rows": rows, "page": found, "at": at, "returns": selectors.returns_to_rule(request.user), "categories": Category.choices}
    return _part(request, "complaints/_desk.html" if is_htmx(request) else "complaints/desk.html", context)


@login_required
@require_POST
def bulk_act(request):
    """The same act on many tickets: for each what became of it."""
    code = request.POST.get("act", "")
    numbers = request.POST.getlist("number")[: bulk.MOST]
    if code == "export":
        return exports.of_numbers(request.user, numbers, at=clock.now())
    results = bulk.do(request.user, code, numbers, request.POST, at=clock.now())
    context = {"results": results, "done": sum(1 for one in results if one.is_done), "name": bulk.NAMES[code]}
    response = render(request, "complaints/_bulk_results.html" if is_htmx(request) else "complaints/bulk_results.html", context)
    response.headers["HX-Trigger"] = "wy:changed"
    return response


@login_required
@require_safe
def export(request):
    """The filtered list as a spreadsheet, masked, and journalled; a long one in the background."""
    return long_lists.answer(request.user, exports.TICKETS, selectors.Filters.read(request.GET).given, at=clock.now())


@login_required
@require_POST
def save_view(request):
    """Keep the present filters under a name."""
    filters = selectors.Filters.read(request.POST)
    views_saved.save(request.user, "tickets", request.POST.get("name", ""), urlencode(filters.given))
    messages.success(request, "视图已保存")
    return redirect(f"/tickets/?{urlencode(filters.given)}")


@login_required
@require_POST
def drop_view(request, pk):
    """Forget a saved view."""
    views_saved.drop(request.user, pk)
    return redirect("complaints:tickets")


def _part(request, template: str, context: dict) -> HttpResponse:
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
