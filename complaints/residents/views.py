"""码上暖, for whoever scans a code: no account, no script needed, an answer on every page (G22–G25)."""

from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from complaints.residents import codes, following, gate, keys, selectors, submitting
from complaints.residents.forms import FindForm, RatingForm, StillColdForm, SubmitForm, SupplementForm, WithdrawForm
from complaints.residents.topics import TOPICS
from core import clock, limits
from core.addresses import client_address
from core.errors import Conflict, Invalid, NotFound, PortalError, TooMany
from deadlines import promises

MINE, BIG = "wy_mine", "wy_big"
MINE_DAYS = 60
MISSES = 120  # of one address in the gate's window, after which they are answered with the wait alone


@never_cache
@require_safe
def home(request, token):
    """The page behind a code: what to do, one's own cases, the emergency number."""
    code = codes.resolve(token)
    if code.revoked_at is not None:
        return _revoked(request, code)
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


@require_http_methods(["GET", "HEAD", "POST"])
def new(request, token, topic):
    """One form for a topic; sent twice, it is one ticket.

    The empty form may be kept by the browser: who comes back to it after a line that failed finds what was typed, and the
    same client id. What answers a sending is kept nowhere.
    """
    code, at, address = codes.resolve(token), clock.now(), client_address(request)
    if code.revoked_at is not None and not gate.was_opened_before(request.POST.get("opened", ""), code.revoked_at, at=at):
        return _revoked(request, code)
    kind = TOPICS.get(topic)
    if kind is None:
        raise NotFound
    place = selectors.place_of(code, request.POST.get("c", request.GET.get("c", "")))
    if request.method != "POST":
        form = SubmitForm(kind, asks_building=not place.building, initial={"client_id": SubmitForm.new_id(), "opened": gate.stamp(at), "when": "any"})
        answer = _form(request, place, kind, form, address, at)
        patch_cache_control(answer, private=True, no_cache=True)
        return answer
    form = SubmitForm(kind, request.POST, request.FILES, asks_building=not place.building)
    status, headers = 422, {}
    if form.is_valid():
        words = form.words_of(place.community.code if place.community else "")
        try:
            _pass(form.cleaned_data, words, code, address, at)
            receipt = submitting.submit(words, code, at=at)
        except (Conflict, Invalid, TooMany) as fault:
            _add_faults(form, fault)
            if isinstance(fault, TooMany):
                status, headers = fault.status, {"Retry-After": str(fault.retry_after)}
        else:
            return _remember(request, _to_case(request, receipt.key), receipt.key)
    answer = _form(request, place, kind, form, address, at, status=status)
    add_never_cache_headers(answer)
    for name, value in headers.items():
        answer.headers[name] = value
    return answer


def _pass(said: dict, words: submitting.Words, code, address: str, at) -> None:
    """Through the gate, once nothing is missing: what is corrected is no further try. A retry passes beside it."""
    submitting.check(words)
    known = submitting.known_as(words, code, at=at)
    if known:
        gate.again(known, at=at)
        return
    gate.pass_through(address, code, phone=words.phone, trap=said["website"], opened=said["opened"], key=said["challenge"], answer=said["answer"], at=at)


def _revoked(request, code):
    return _page(request, "residents/revoked.html", {"place": selectors.place_of(code)}, status=410)


def _form(request, place, kind, form, address, at, *, status: int = 200):
    asked = gate.challenge() if "answer" in form.errors or status == TooMany.status or gate.is_frequent(address, at=at) else None
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
        try:
            ticket = _looked_up(request, at, lambda: following.by_number(form.cleaned_data["number"], form.cleaned_data["tail"], at=at))
        except NotFound as fault:
            form.add_error(None, fault.message)
        except TooMany as fault:
            form.add_error(None, fault.message)
            answer = _page(request, "residents/find.html", {"form": form}, status=fault.status)
            answer.headers["Retry-After"] = str(fault.retry_after)
            return answer
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
        except (Conflict, TooMany) as fault:
            # Pressed twice, or sent again by a bad line: the case as it stands says what came of it.
            return _case(request, key, ticket, at, status=fault.status, said=fault.message)
        except Invalid as fault:
            if form is None:
                return _case(request, key, ticket, at, status=fault.status, said=fault.message)
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
        return following.rate_and_go_on(ticket, following.Said(solved=said["solved"] == "yes", satisfaction=said["satisfaction"], note=said["note"], **answers), at=at)
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
    return _looked_up(request, at, lambda: keys.by_key(key)), at


def _looked_up(request, at, look):
    """What `look` finds. Misses of an address are counted, and only they: many neighbours look at their cases from one."""
    address = client_address(request)
    try:
        return look()
    except NotFound:
        limits.require("track-miss", address, most=MISSES, window=gate.WINDOW, at=at)
        raise


def _case(request, key, ticket, at, *, status: int = 200, said: str = ""):
    context = {
        "ticket": ticket, "key": key, "said": said, "steps": following.steps(ticket, at=at), "may": following.choices(ticket, at=at), "at": at,
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
