"""码上暖, for whoever scans a code: no account, no script needed, an answer on every page (G22–G25)."""

from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from complaints.residents import codes, following, gate, keys, selectors, submitting
from complaints.residents.forms import FindForm, RatingForm, StillColdForm, SubmitForm, SupplementForm, WithdrawForm
from complaints.residents.topics import TOPICS
from core import clock, limits
from core.addresses import client_address
from core.errors import Invalid, NotFound, PortalError
from deadlines import promises

MINE, BIG = "wy_mine", "wy_big"
MINE_DAYS = 60
LOOKS_PER_MINUTE = 20


@never_cache
@require_safe
def home(request, token):
    """The page behind a code: what to do, one's own cases, the emergency number."""
    code = codes.resolve(token)
    if code.revoked_at is not None:
        return _page(request, "residents/revoked.html", {"place": selectors.place_of(code)}, status=410)
    at = clock.now()
    place = selectors.place_of(code, request.GET.get("c", ""))
    mine = [(key, ticket, following.steps(ticket, at=at)) for key, ticket in selectors.my_cases(request.COOKIES.get(MINE, ""))]
    return _page(request, "residents/home.html", {"place": place, "topics": TOPICS.values(), "mine": mine[:2], "promises": promises.made(), "notices": selectors.notices_of(place.community, place.building, at=at), "at": at})


@never_cache
@require_safe
def where(request, token):
    """Another community than the code's: found by its name."""
    code = _usable(token)
    q = request.GET.get("q", "").strip()
    found = list(selectors.communities(code, q)[:30]) if q or code.company_id else []
    return _page(request, "residents/where.html", {"place": selectors.place_of(code), "q": q, "found": found})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request, token, topic):
    """One form for a topic; sent twice, it is one ticket."""
    code = _usable(token)
    kind = TOPICS.get(topic)
    if kind is None:
        raise NotFound
    place = selectors.place_of(code, request.POST.get("c", request.GET.get("c", "")))
    at, address = clock.now(), client_address(request)
    if request.method != "POST":
        form = SubmitForm(kind, asks_building=not place.building, initial={"client_id": SubmitForm.new_id(), "opened": gate.stamp(at), "when": "any"})
        return _form(request, place, kind, form, address, at)
    form = SubmitForm(kind, request.POST, request.FILES, asks_building=not place.building)
    if form.is_valid():
        said = form.cleaned_data
        try:
            gate.pass_through(
                address, code, phone=said["phone"], trap=said["website"], opened=said["opened"], key=said["challenge"], answer=said["answer"],
                is_again=submitting.is_known(said["client_id"]), at=at,
            )  # fmt: skip
            receipt = submitting.submit(form.words_of(place.community.code if place.community else ""), code, at=at)
        except Invalid as fault:
            _add_faults(form, fault)
        else:
            answer = _to_case(request, receipt.key)
            return _remember(request, answer, receipt.key)
    return _form(request, place, kind, form, address, at, status=422)


def _form(request, place, kind, form, address, at, *, status: int = 200):
    asked = gate.challenge() if "answer" in form.errors or gate.is_frequent(address, at=at) else None
    context = {
        "place": place, "topic": kind, "form": form, "challenge": asked, "faq": selectors.faq(at) if kind.code == "ask" else [],
        "notices": selectors.notices_of(place.community, place.building, at=at) if kind.asks_rooms else [],
    }  # fmt: skip
    return _page(request, "residents/new.html", context, status=status)


def _add_faults(form, fault: PortalError) -> None:
    for name, messages in (fault.fields or {None: [fault.message]}).items():
        for message in messages:
            form.add_error(name if name in form.fields else None, message)


# ---------------------------------------------------------------- one's case


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def find(request):
    """Number and the last four digits of the phone; every miss is answered in the same words."""
    form = FindForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        at = clock.now()
        limits.require("track-address", client_address(request), most=LOOKS_PER_MINUTE, window=gate.WINDOW, at=at)
        try:
            ticket = following.by_number(form.cleaned_data["number"], form.cleaned_data["tail"], at=at)
        except NotFound as fault:
            form.add_error(None, fault.message)
        else:
            key = keys.issue_key(ticket, at=at)
            return _remember(request, _to_case(request, key), key)
    return _page(request, "residents/find.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_safe
def case(request, key):
    """One's case: the steps with their times, and what one may do."""
    ticket, at = _followed(request, key)
    return _case(request, key, ticket, at)


ACTS = {
    "supplement": (SupplementForm, "补充说明"), "withdraw": (WithdrawForm, "撤回诉求"), "again": (StillColdForm, "还是不热"), "rate": (RatingForm, "评价"),
    "nudge": (None, "催一下"), "confirm": (None, "确认上门时间"), "noshow": (None, "工作人员没来"),
}  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def act(request, key, name):
    """Something that the resident does about the case: a form of its own page, or a button."""
    if name not in ACTS:
        raise NotFound
    ticket, at = _followed(request, key)
    form_class, title = ACTS[name]
    form = form_class(request.POST or None, request.FILES or None) if form_class else None
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            ticket = _do(name, ticket, form.cleaned_data if form else {}, at)
        except Invalid as fault:
            if form is None:
                raise
            _add_faults(form, fault)
        else:
            if ticket is not None:
                key = keys.issue_key(ticket, at=at)
            return _remember(request, _to_case(request, key), key)
    context = {"ticket": ticket, "key": key, "form": form, "title": title, "name": name, "place": None, "call": selectors.phones_of(ticket.doer)}
    return _page(request, "residents/act.html", context, status=422 if form is not None and form.errors else 200)


def _do(name: str, ticket, said: dict, at):
    """Do it; the new ticket when one came of it."""
    if name == "supplement":
        following.supplement(ticket, words=said["words"], photos=said["photos"] or [], at=at)
    elif name == "withdraw":
        following.withdraw(ticket, reason=said["reason"], at=at)
    elif name == "again":
        again = following.still_cold(ticket, words=said["words"], at=at)
        return again if again.pk != ticket.pk else None
    elif name == "rate":
        answers = {question: {"yes": True, "no": False}.get(said[question]) for question in ("was_measured", "was_called", "was_visited")}
        following.rate(ticket, following.Said(solved=said["solved"] == "yes", satisfaction=said["satisfaction"], note=said["note"], **answers), at=at)
    else:
        {"nudge": following.nudge, "confirm": following.confirm_appointment, "noshow": following.report_no_show}[name](ticket, at=at)
    return None


@require_safe
def privacy(request):
    """What happens to what one fills in."""
    return _page(request, "residents/privacy.html", {})


def _to_case(request, key: str):
    """To the case, within the same frame: the page of a company's own site stays there."""
    return redirect(reverse("residents:case", args=[key], current_app=getattr(request, "current_app", None)))


def _followed(request, key):
    at = clock.now()
    limits.require("track-key", client_address(request), most=120, window=gate.WINDOW, at=at)
    return keys.by_key(key), at


def _case(request, key, ticket, at, *, status: int = 200):
    context = {
        "ticket": ticket, "key": key, "steps": following.steps(ticket, at=at), "may": following.choices(ticket, at=at), "at": at,
        "call": selectors.phones_of(ticket.doer), "place": None,
    }  # fmt: skip
    return _page(request, "residents/case.html", context, status=status)


def _usable(token):
    code = codes.resolve(token)
    if code.revoked_at is not None:
        raise NotFound("这个服务码已停用。请扫描新贴的码，或拨打 12345")
    return code


def _page(request, template: str, context: dict, *, status: int = 200):
    """A page in the residents' frame: large type as chosen, the emergency number in view."""
    place = context.get("place")
    wanted = request.GET.get("big")
    big = wanted == "1" if wanted in ("0", "1") else request.COOKIES.get(BIG) == "1"
    shown = {"phones": context.get("call") or selectors.phones_of(place.company if place else None), "big": big, **context}
    answer = render(request, template, shown, status=status)
    if wanted in ("0", "1"):
        answer.set_cookie(BIG, wanted, max_age=365 * 86400, samesite="Lax", secure=request.is_secure(), httponly=True)
    return answer


def _remember(request, answer, key: str):
    cookie = selectors.remember(request.COOKIES.get(MINE, ""), key)
    answer.set_cookie(MINE, cookie, max_age=MINE_DAYS * 86400, samesite="Lax", secure=request.is_secure(), httponly=True)
    return answer
