"""What every answer has in common: no input makes a 5xx, and no private page stays in a cache."""

import logging
import uuid

import structlog
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.db import DataError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from core import stamps
from core.errors import PortalError, TooMany
from core.requests import is_text

log = logging.getLogger(__name__)
# A number of letters only: a run of digits would pass for somebody's phone number.
LETTERS = str.maketrans("0123456789", "ghjkmnprst")
MOST_BODY = 64 * 1024 * 1024  # as deploy/nginx/heating.conf; forms and files have narrower limits of their own
PERMISSIONS = "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()"


def faults(get_response):
    """Number the request, refuse what nothing here can read, and turn faults into pages that say so in Chinese."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.number = uuid.uuid4().hex[:12].translate(LETTERS)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request.number)
        refusal = _unreadable(request)
        response = _say(request, *refusal) if refusal else get_response(request)
        response.headers["X-Request-Number"] = request.number
        return response

    return _Faults(middleware)


def _unreadable(request) -> tuple[int, str, str] | None:
    """Why nothing of a request is read any further: status, code and sentence. None where it can be read."""
    query = request.META.get("QUERY_STRING", "")
    if "\x00" in request.path or "%00" in query or "\x00" in query:
        return 400, "invalid", "请求中含有不允许的字符"
    try:
        query.encode("utf-8")
    except UnicodeEncodeError:
        return 400, "invalid", "请求中含有无法识别的字符"
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdigit() or len(length) > 12 or int(length) > MOST_BODY:
        return 413, "too_large", "内容过大"
    if not is_text(request.content_params.get("charset", "")):
        return 415, "unsupported_media_type", "请使用 UTF-8 编码"
    return None


class _Faults:
    """A middleware with Django's hook for exceptions raised in views."""

    def __init__(self, call):
        self.call = call

    def __call__(self, request):
        return self.call(request)

    def process_exception(self, request, fault):
        if isinstance(fault, PortalError):
            response = _say(request, fault.status, fault.code, fault.message, fault.fields)
            if isinstance(fault, TooMany):
                response.headers["Retry-After"] = str(fault.retry_after)
            return response
        if isinstance(fault, (TooManyFieldsSent, TooManyFilesSent)):
            return _say(request, 400, "invalid", "提交的内容过多")
        if isinstance(fault, ValueError) and "NUL (0x00)" in str(fault):
            return _say(request, 400, "invalid", "提交的内容含有不允许的字符")
        if isinstance(fault, DataError):
            log.warning("refused by the database: %s", fault)
            return _say(request, 400, "invalid", "内容超出允许的范围")
        if isinstance(fault, (OperationalError, InterfaceError)):
            log.error("the database is out of reach: %s", fault)
            connection.close()
            response = _say(request, 503, "unavailable", "系统正在恢复，请稍后重试")
            response.headers["Retry-After"] = "5"
            return response
        return None


def headers(get_response):
    """Headers that Django does not set: nothing private is cached, and nothing of the device is offered."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def steady(get_response):
    """A page that only reads sees one state of the plan and the register, and asks for their stamps once."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return get_response(request)
        with stamps.held():
            return get_response(request)

    return middleware


def _say(request, status: int, code: str, message: str, fields: dict | None = None) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"code": code, "message": message, "fields": fields or {}}, status=status)
    context = {"status": status, "message": message, "fields": fields or {}, "number": request.number}
    part = bool(request.headers.get("HX-Request"))
    return render(request, "errors/part.html" if part else "errors/page.html", context, status=status)
