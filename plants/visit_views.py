"""Pages of 访民问暖: the companies' progress and the visits, one visit, entering one from the door, targets."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import attachments, civil, clock, journal
from core.errors import Forbidden, NotFound, PortalError
from core.fields import blame, status_of
from core.privacy import mask_phone
from deadlines import season as seasons
from plants import long_lists, temperature_selectors, temperatures, visits
from plants import visit_selectors as selectors
from plants.home_forms import IntoLedgerForm, TargetForm, VisitForm
from plants.temperature_views import require_sight
from units import access, exports


@login_required
@require_safe
def visit_list(request):
    """How far each company is, and the visits."""
    require_sight(request.user)
    at = clock.now()
    season = seasons.active(at)
    found = selectors.narrowed(request.user, season, request.GET, least=temperatures.standards(at).commitment)
    if request.GET.get("format") == "xlsx":
        return exports.answer(request.user, long_lists.VISITS, request.GET, at=at)
    context = {
        "at": at, "page": selectors.listing(found, cursor=request.GET.get("cursor")), "progress": selectors.progress(request.user, season, at=at), "params": request.GET,
        "states": selectors.STATES, "companies": selectors.companies(request.user), "may_visit": selectors.own_communities(request.user).exists(),
        "may_set": access.everywhere(request.user, access.SUPERVISE), "gaps": selectors.without_manager(request.user),
    }  # fmt: skip
    return render(request, "plants/visits/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request):
    """A home visited, told from the door."""
    at = clock.now()
    communities = selectors.own_communities(request.user)
    if not communities.exists():
        raise Forbidden("访民问暖由供热企业登记")
    initial = {
        "visited_at": civil.localize(at), "visitor": str(request.user), "community": request.GET.get("community", "").replace("\x00", "")[:64], "client_id": uuid.uuid4(),
    }  # fmt: skip
    form = VisitForm(
        request.POST or None, request.FILES or None, initial=initial, communities=communities, devices=temperature_selectors.own_instruments(request.user)
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            said = form.cleaned_data
            names = ("community", "visitor", "building", "door", "contact", "visited_at", "is_explained", "opinion", "solved", "problem", "client_id")
            told = visits.Visited(**{name: said[name] for name in names}, readings=form.readings(), photos=tuple(said["photos"] or ()))
            try:
                visit = visits.record(told, actor=request.user, at=at)
            except PortalError as fault:
                blame(form, fault)
                status = status_of(fault)
            else:
                messages.success(request, f"已登记走访 {visit.number}")
                return redirect(visit)
    return render(request, "plants/visits/enter.html", {"form": form}, status=status)


def _page(request, visit, *, at, form=None, status: int = 200):
    may_convert = bool(visit.problem) and not visit.ticket and visit.finding is None and visits.may_convert(request.user, visit)
    context = {
        "visit": visit, "at": at, "limits": temperatures.standards(visit.visited_at), "readings": selectors.measured(visit), "files": attachments.of(visit),
        "history": list(journal.of(visit)), "contact": mask_phone(visit.contact), "may_convert": may_convert, "form": form or IntoLedgerForm(),
        "may_see_ticket": visit.ticket and visits.may_convert(request.user, visit),
    }  # fmt: skip
    return render(request, "plants/visits/visit.html", context, status=status)


@login_required
@require_safe
def visit_page(request, number):
    """One visit."""
    return _page(request, selectors.to_see(request.user, number), at=clock.now())


@login_required
@require_POST
def into_ledger(request, number):
    """The problem that is left enters the ledger."""
    at = clock.now()
    visit = selectors.to_see(request.user, number)
    form = IntoLedgerForm(request.POST)
    if not form.is_valid():
        return _page(request, visit, at=at, form=form, status=422)
    try:
        finding = visits.into_ledger(visit, **form.cleaned_data, actor=request.user, at=at)
    except PortalError as fault:
        if fault.status not in (400, 409):
            raise
        blame(form, fault)
        return _page(request, visit, at=at, form=form, status=status_of(fault))
    messages.success(request, f"已列入问题台账 {finding.number}")
    return redirect(visit)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def target(request, code):
    """The bureau changes a company's target."""
    if not access.everywhere(request.user, access.SUPERVISE):
        raise Forbidden("走访目标由区城管执法局调整")
    at = clock.now()
    found = selectors.target_to_set(request.user, code, seasons.active(at))
    form, status = TargetForm(request.POST or None, initial={"households": found.households}), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                visits.set_target(found, **form.cleaned_data, actor=request.user, at=at)
            except PortalError as fault:
                blame(form, fault)
                status = status_of(fault)
            else:
                messages.success(request, f"{found.company} 的走访目标已调整")
                return redirect("plants:visits")
    return render(request, "plants/visits/target.html", {"form": form, "target": found}, status=status)


@login_required
@require_safe
def photo(request, number, key):
    """A picture of a visit."""
    found = attachments.of(selectors.to_see(request.user, number)).filter(pk=key).first()
    if found is None:
        raise NotFound
    answer = FileResponse(attachments.open_file(found), content_type=found.content_type)
    answer.headers["Content-Disposition"] = "inline"
    return answer
