"""The residents' pages inside a company's own page (G22): the same views, framed by that company's sites only, needing no cookie.

In a frame of another site browsers send no cookie, so these addresses ask for no CSRF token: they know no session either,
and what they do hangs on the code or key in the address.
"""

from functools import wraps

from django.urls import path
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt

from complaints.residents import codes, hosting, keys, views
from core.errors import NotFound


def embedded(view):
    """`view` for whoever frames it: 404 unless the company of the place has named sites that may."""

    @csrf_exempt
    @xframe_options_exempt
    @wraps(view)
    def framed(request, *args, **kwargs):
        frames = hosting.frames_of(_company(**kwargs))
        if not frames:
            raise NotFound("该企业没有开通嵌入")
        request.current_app = "embedded"
        answer = view(request, *args, **kwargs)
        answer._csp_replace = {"frame-ancestors": frames}  # noqa: SLF001 (the library's own way)
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    return framed


def _company(token: str = "", key: str = "", **_):
    if token:
        return codes.company_of(codes.resolve(token))
    ticket = keys.by_key(key)
    return ticket.community.company if ticket.community else None


app_name = "residents"
urlpatterns = [
    path("m/<slug:token>/", embedded(views.home), name="home"),
    path("m/<slug:token>/where/", embedded(views.where), name="where"),
    path("m/<slug:token>/<slug:topic>/", embedded(views.new), name="new"),
    path("track/<str:key>/", embedded(views.case), name="case"),
    path("track/<str:key>/<slug:name>/", embedded(views.act), name="act"),
    # What a frame leads out of: these open in the whole window.
    path("privacy/", views.privacy, name="privacy"),
    path("find/", views.find, name="find"),
]
