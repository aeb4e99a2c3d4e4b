"""How long a browser stays signed in: 30 minutes without use, 12 hours in all (等保 8.1.4.1 b)."""

import time

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect

STARTED, SEEN = "signed_in_at", "seen_at"
# What a session still owes of the second factor: being asked for a code, or enrolling. Absent: nothing.
FACTOR, ASK, ENROL = "second_factor", "ask", "enrol"
WAYS_OUT = ("/password/", "/logout/", "/livez", "/healthz")


def must_change(user, moment: float) -> bool:
    """Whether a new password is due: the first one is, and any after 90 days (等保 8.1.4.1). Demonstration accounts are spared the latter."""
    if user.must_change_password:
        return True
    changed = user.password_changed_at
    return not user.is_demo and changed is not None and moment - changed.timestamp() > settings.PASSWORD_GOOD_FOR.total_seconds()


def session_limits(get_response):
    """Ends idle and over-long sessions. The page's own refresh is no use of it and keeps nobody signed in."""
    idle, absolute = settings.SESSION_IDLE.total_seconds(), settings.SESSION_ABSOLUTE.total_seconds()

    def middleware(request):
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            moment = time.time()
            started = request.session.setdefault(STARTED, moment)
            seen = request.session.get(SEEN, moment)
            if moment - seen > idle or moment - started > absolute:
                logout(request)
                if request.headers.get("HX-Request"):
                    return HttpResponse(status=401, headers={"HX-Redirect": settings.LOGIN_URL})
            elif request.headers.get("X-Refresh") is None and moment - seen > 30 or SEEN not in request.session:
                request.session[SEEN] = moment
            if request.user.is_authenticated and not request.path.startswith("/static/"):
                if must_change(request.user, moment):
                    if request.path not in ("/password/", "/logout/"):
                        return redirect("/password/")
                elif FACTOR in request.session and request.path not in WAYS_OUT and not request.path.startswith("/second-factor/"):
                    return _ask_first(request)
                elif request.session.get(FACTOR) == ASK and request.path == "/second-factor/enrol/":
                    return redirect("/second-factor/")  # another phone only for who has proved the present one
        return get_response(request)

    return middleware


def _ask_first(request):
    if request.path.startswith("/api/"):
        return JsonResponse({"code": "second_factor", "message": "请先在网页上完成两步验证", "fields": {}}, status=403)
    target = "/second-factor/" if request.session[FACTOR] == ASK else "/second-factor/enrol/"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": target})
    if request.method == "GET":
        request.session["after_factor"] = request.get_full_path()[:500]
    return redirect(target)
