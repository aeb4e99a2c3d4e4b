"""Doors to units and people: signing in, units with their duties, the plan, the administrator's desk."""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.db import transaction
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import clock, journal, limits
from core.errors import Invalid
from units import access, people, second_factor, selectors
from units.forms import ChangePassword, NewHolder, NewMembership, NewPerson, NewToken, SignIn
from units.middleware import ASK, ENROL, FACTOR, must_change
from units.models import Role

HOUR = timedelta(hours=1)


def _tries(request) -> tuple[str, str]:
    return "sign-in", request.POST.get("username", "").strip().lower()[:150]


class SignInView(LoginView):
    """The way in."""

    template_name = "units/login.html"
    authentication_form = SignIn
    redirect_authenticated_user = True

    def post(self, request, *args, **kwargs):
        """Too many wrong passwords for one name close it for the hour, whatever addresses they come from."""
        at = clock.now()
        limits.allow(*_tries(request), most=settings.SIGN_INS_PER_HOUR, window=HOUR, at=at, message="该账号一小时内登录失败过多，请一小时后再试或联系系统管理员")
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form):
        limits.count(*_tries(self.request), window=HOUR, at=clock.now())
        return super().form_invalid(form)

    def form_valid(self, form):
        response = super().form_valid(form)
        if second_factor.is_enrolled(form.get_user()):
            self.request.session[FACTOR] = ASK
        elif second_factor.is_owed(form.get_user()):
            self.request.session[FACTOR] = ENROL
        journal.record(form.get_user(), "sign_in", actor=form.get_user(), at=clock.now())
        return response


def locked_out(request, response, credentials):
    """What axes answers to one wrong password too many: 429, and when it is worth trying again."""
    wait = settings.AXES_COOLOFF_TIME
    answer = render(request, "units/locked.html", {"cooloff_timedelta": wait, "username": (credentials or {}).get("username", "")}, status=429)
    answer.headers["Retry-After"] = str(int(wait.total_seconds()))
    return answer


class SignOutView(LogoutView):
    """The way out, by POST only."""

    def post(self, request, *args, **kwargs):
        if request.user.is_authenticated:
            journal.record(request.user, "sign_out", actor=request.user, at=clock.now())
        return super().post(request, *args, **kwargs)


@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request):
    """Change one's own password; required after the first sign-in."""
    form = ChangePassword(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        people.change_password(request.user, form.cleaned_data["new_password1"], at=clock.now())
        update_session_auth_hash(request, request.user)
        messages.success(request, "密码已修改")
        return redirect("home")
    return render(request, "units/password_change.html", {"form": form, "expired": not request.user.must_change_password and must_change(request.user, clock.now().timestamp())}, status=400 if form.is_bound else 200)


# ---------------------------------------------------------------- the administrator's desk


@login_required
@require_safe
def system(request):
    """People, tokens and posts: what the system's and the security administrator see, each with their own acts."""
    _require_keeper(request.user)
    return render(request, "units/system.html", _system(request))


def _require_keeper(user) -> None:
    if not access.everywhere(user, access.GRANT):
        access.require(user, access.ADMINISTER)


def _keeps(user) -> dict:
    """Which of a page's acts are this administrator's."""
    return {"may_administer": access.everywhere(user, access.ADMINISTER), "may_grant": access.everywhere(user, access.GRANT)}


def _system(request, **more) -> dict:
    at = clock.now()
    units = selectors.units_to_see(request.user)
    return {
        "units": units,
        "people": selectors.everybody(request.GET.get("q", "")),
        "q": request.GET.get("q", ""),
        "tokens": selectors.tokens(),
        "posts": selectors.holders(at),
        "roles": Role.choices,
        "person_form": NewPerson(),
        **_keeps(request.user),
        "token_form": NewToken(units=units),
        **more,
    }


@login_required
@require_POST
def add_person(request):
    """Register a named account."""
    access.require(request.user, access.ADMINISTER)
    form = NewPerson(request.POST)
    if not form.is_valid():
        return render(request, "units/system.html", _system(request, person_form=form), status=400)
    said = form.cleaned_data
    user, initial = people.register(said["username"], said["full_name"], phone=said["phone"], actor=request.user, at=clock.now())
    return render(request, "units/system.html", _system(request, shown={"what": f"{user} 的初始密码", "secret": initial}))


@login_required
@require_POST
def add_token(request):
    """Issue a token; its text is shown once."""
    access.require(request.user, access.GRANT)
    form = NewToken(request.POST, units=selectors.units_to_see(request.user))
    if not form.is_valid():
        return render(request, "units/system.html", _system(request, token_form=form), status=400)
    said = form.cleaned_data
    at, shown = clock.now(), {"what": f"接口令牌（{said['name']}）"}
    try:
        with transaction.atomic():
            shown["secret"] = access.issue_token(
                said["unit"], said["role"], name=said["name"], sources=said["sources"].split(), networks=said["networks"].split(), actor=request.user, at=at
            )
            if said["is_signed"]:
                shown["signing"] = access.demand_signature(shown["secret"], actor=request.user, at=at)
    except Invalid as fault:
        form.add_error("networks" if "networks" in fault.fields else None, fault.message)
        return render(request, "units/system.html", _system(request, token_form=form), status=400)
    return render(request, "units/system.html", _system(request, shown=shown))


@login_required
@require_POST
def revoke_token(request, pk):
    """A token opens nothing any more."""
    access.require(request.user, access.GRANT)
    access.revoke_token(selectors.token_by_id(pk), actor=request.user, at=clock.now())
    messages.success(request, "令牌已吊销")
    return redirect("units:system")


@login_required
@require_http_methods(["GET", "POST"])
def person(request, username):
    """One account: its memberships, to which the security administrator may add one."""
    _require_keeper(request.user)
    found = selectors.person_by_name(username)
    form = NewMembership(request.POST or None, units=selectors.units_to_see(request.user))
    if request.method == "POST":
        access.require(request.user, access.GRANT)
        if form.is_valid():
            try:
                access.enrol(found, form.cleaned_data["unit"], form.cleaned_data["role"], actor=request.user, at=clock.now())
            except Invalid as fault:
                form.add_error("role", fault.message)
            else:
                messages.success(request, "已任职")
                return redirect("units:person", username=username)
    context = _person(request, found, form)
    return render(request, "units/person.html", context, status=400 if form.is_bound else 200)


def _person(request, found, form, **more) -> dict:
    return {
        "person": found, "memberships": selectors.memberships_of(found), "form": form, "history": selectors.history_of(found),
        "factor": second_factor.of(found), **_keeps(request.user), **more,
    }  # fmt: skip


@login_required
@require_POST
def end_membership(request, username, pk):
    """Somebody leaves a unit."""
    access.require(request.user, access.GRANT)
    found = selectors.membership_of(selectors.person_by_name(username), pk)
    access.leave(found, actor=request.user, at=clock.now(), reason=request.POST.get("reason", "")[:200])
    messages.success(request, "任职已结束")
    return redirect("units:person", username=username)


@login_required
@require_POST
def switch_off(request, username):
    """An account is closed."""
    access.require(request.user, access.ADMINISTER)
    people.switch_off(selectors.person_by_name(username), actor=request.user, at=clock.now(), reason=request.POST.get("reason", "")[:200])
    messages.success(request, "账号已停用，其登录已全部退出")
    return redirect("units:person", username=username)


@login_required
@require_POST
def reset_password(request, username):
    """A new initial password, shown once."""
    access.require(request.user, access.ADMINISTER)
    found = selectors.person_by_name(username)
    initial = people.reset_password(found, actor=request.user, at=clock.now())
    context = _person(request, found, NewMembership(units=selectors.units_to_see(request.user)), shown={"what": f"{found} 的初始密码", "secret": initial})
    return render(request, "units/person.html", context)


@login_required
@require_POST
def wake(request, username):
    """A dormant account is used again; its new initial password, shown once."""
    access.require(request.user, access.ADMINISTER)
    found = selectors.person_by_name(username)
    initial = people.wake(found, actor=request.user, at=clock.now())
    context = _person(request, found, NewMembership(units=selectors.units_to_see(request.user)), shown={"what": f"{found} 的初始密码", "secret": initial})
    return render(request, "units/person.html", context)


@login_required
@require_POST
def appoint(request, code):
    """Somebody takes a post."""
    access.require(request.user, access.ADMINISTER)
    post = selectors.post_by_code(code)
    form = NewHolder(request.POST)
    if not form.is_valid():
        return render(request, "units/system.html", _system(request, holder_form=form, holder_post=post), status=400)
    said = form.cleaned_data
    user = selectors.person_by_name(said["username"]) if said["username"] else None
    people.appoint(post, said["name"], title=said["title"], user=user, actor=request.user, at=clock.now())
    messages.success(request, f"{post} 已由 {said['name']} 担任")
    return redirect("units:system")
