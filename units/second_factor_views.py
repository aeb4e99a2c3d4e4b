"""Doors of the second factor: enrolling, being asked, and an administrator's help with a lost phone."""

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from core import clock
from core.errors import Invalid
from units import access, second_factor, selectors
from units.forms import OneTimeCode
from units.middleware import ASK, FACTOR


@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def ask(request):
    """After the password: a code from the phone, or a recovery code."""
    if request.session.get(FACTOR) != ASK:
        return redirect("home")
    form = OneTimeCode(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            second_factor.verify(request.user, form.cleaned_data["code"], at=clock.now())
        except Invalid as fault:
            form.add_error("code", fault.message)
        else:
            request.session.pop(FACTOR)
            request.session.cycle_key()
            target = request.session.pop("after_factor", "/")
            return redirect(target if url_has_allowed_host_and_scheme(target, allowed_hosts=None) else "/")
    return render(request, "units/second_factor.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def enrol(request):
    """Scan, type the code that the phone shows, take the recovery codes. Also for another phone instead of the present one."""
    form = OneTimeCode(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = second_factor.enrol(request.user, form.cleaned_data["code"].strip(), at=clock.now())
        except Invalid as fault:
            form.add_error("code", fault.message)
        else:
            request.session.pop(FACTOR, None)
            request.session.cycle_key()
            return render(request, "units/second_factor_enrol.html", {"codes": codes})
    secret = second_factor.begin(request.user)
    picture = segno.make(second_factor.address(request.user, secret), error="m").svg_inline(border=4, omitsize=True)
    context = {
        "form": form, "svg": mark_safe(picture), "secret": second_factor.readable(secret),  # noqa: S308  # nosec B308 B703
        "is_enrolled": second_factor.is_enrolled(request.user), "is_owed": second_factor.is_owed(request.user),
    }  # fmt: skip
    return render(request, "units/second_factor_enrol.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def reset(request, username):
    """Somebody's phone is lost."""
    access.require(request.user, access.GRANT)
    second_factor.reset(selectors.person_by_name(username), actor=request.user, at=clock.now(), reason=request.POST.get("reason", ""))
    messages.success(request, "两步验证已重置，其登录已全部退出")
    return redirect("units:person", username=username)
