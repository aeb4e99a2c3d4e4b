"""The roof's own pages: a home for each role, health, help, and what is said when something goes wrong."""

import hmac
import sys

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.views import APIView

from core import clock
from core.errors import Forbidden, NotFound
from core.htmx import is_unchanged, render_part, version_of
from deadlines import watch
from heating import guide, homes, nightly
from heating import metrics as figures
from units import access


@login_required
@require_safe
def home(request):
    """What this person has to do first."""
    return _live(request, "heating/home_{home}.html", "heating/_home_{home}.html")


@login_required
@require_safe
def wall(request):
    """The command room's wall: the bureau's figures, dark and large."""
    if not access.everywhere(request.user, access.SUPERVISE):
        raise Forbidden("指挥大屏只对专班开放")
    return _live(request, "heating/wall.html", "heating/_wall.html")


def _live(request, page: str, part: str) -> HttpResponse:
    """A home that refreshes itself: 204 while nothing was done and the minute is the same."""
    at = clock.now()
    version = version_of(request, at=at)
    if is_unchanged(request, version):
        return HttpResponse(status=204)
    context = homes.home_of(request.user, at=at) | {"version": version}
    response = render_part(request, page.format(**context), part.format(**context), context)
    response.headers["X-Version"] = version
    return response


@login_required
@require_safe
def help_page(request):
    """The user guide, and the clauses behind each page."""
    return render(request, "heating/help.html", {"guide": guide.html()})


@never_cache
@require_safe
def metrics(request):
    """For Prometheus, with the token of the settings; without one for this machine alone. To everybody else there is nothing here."""
    told = request.headers.get("Authorization", "").removeprefix("Bearer ")
    is_local = request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1") and "X-Forwarded-For" not in request.headers
    if not (hmac.compare_digest(told.encode(), settings.METRICS_TOKEN.encode()) if settings.METRICS_TOKEN else is_local):
        raise NotFound
    return HttpResponse(figures.text(at=clock.now()), content_type=CONTENT_TYPE_LATEST)


@never_cache
@require_safe
def healthz(request):
    """For the monitor: 200 when everything runs, 503 and what is wrong when it does not."""
    report = watch.health()
    if report["database"] == "ok":
        kept = nightly.standing(at=clock.now())
        report["bad"] += kept.pop("bad")
        report.update(kept)
    return JsonResponse(report, status=503 if report["bad"] else 200, json_dumps_params={"ensure_ascii": False})


@never_cache
@require_safe
def livez(request):
    """For the supervisor: this process answers. It asks no other."""
    return JsonResponse({"alive": True})


class ApiNotFound(APIView):
    """An address that the interface does not have."""

    authentication_classes: list = []
    permission_classes: list = []
    schema = None  # it belongs to no description of the interface

    def http_method_not_allowed(self, request, *args, **kwargs):
        raise NotFound("没有这个接口地址")

    get = post = put = patch = delete = head = options = http_method_not_allowed


def bad_request(request, exception=None):
    """400 (413 for what is too large to be read), in the portal's shape."""
    if isinstance(exception, RequestDataTooBig):
        return _say(request, 413, "too_large", "内容过大")
    return _say(request, 400, "invalid", "请求无法理解")


def permission_denied(request, exception=None):
    """403, in the portal's shape."""
    return _say(request, 403, "forbidden", "您无权查看或执行")


def page_not_found(request, exception=None):
    """404, the same for what does not exist and what one may not know of."""
    return _say(request, 404, "not_found", "没有找到，或您无权查看")


def server_error(request):
    """500, or 503 when it is the database that is out of reach."""
    fault = sys.exc_info()[1]
    if isinstance(fault, (OperationalError, InterfaceError)):
        connection.close()
        response = _say(request, 503, "unavailable", "系统正在恢复，请稍后重试")
        response.headers["Retry-After"] = "5"
        return response
    return _say(request, 500, "error", "系统出错，已记录。请稍后重试，或把请求号告诉管理员")


def csrf_failure(request, reason=""):
    """403 for a form without its token: usually a page that was open for too long."""
    return _say(request, 403, "forbidden", "页面已过期，请返回刷新后重新提交；已填写的内容不会丢失")


def _say(request, status: int, code: str, message: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"code": code, "message": message, "fields": {}}, status=status)
    part = bool(request.headers.get("HX-Request"))
    context = {"status": status, "message": message, "fields": {}, "number": getattr(request, "number", "")}
    try:
        return render(request, "errors/part.html" if part else "errors/page.html", context, status=status)
    except Exception:  # the page itself needs what is out of reach
        return HttpResponse(f"{message}（{status}）", status=status, content_type="text/plain; charset=utf-8")
