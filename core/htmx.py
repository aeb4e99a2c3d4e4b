"""A part is one file: included by its page, and answered alone to htmx."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core import journal


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks for a part. A history restore wants the whole page."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def render_part(request, page: str, part: str, context: dict, **kwargs) -> HttpResponse:
    """The page to a browser, its part alone to htmx."""
    response = render(request, part if is_htmx(request) else page, context, **kwargs)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response


def render_change(request, part: str, context: dict, *, back_to: str) -> HttpResponse:
    """Answer an act: the changed part to htmx, or, for a plain form, the way back to the page."""
    return render(request, part, context) if is_htmx(request) else redirect(back_to)


def version_of(request, *, at: datetime) -> str:
    """Of what a page tells by the journal and the minute: who sees it, what was done last, and which minute it is."""
    return f"{request.user.pk}-{journal.head()[0]}-{int(at.timestamp()) // 60}"


def is_unchanged(request, version: str) -> bool:
    """Whether this is a page's own refresh that already shows this version (static/portal/refresh.js)."""
    return request.headers.get("X-Refresh") is not None and request.headers.get("X-Version") == version
