"""The codes' own pages: which are in use, issuing, replacing, and sheets to print."""

from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from complaints.residents import code_papers, codes, selectors
from complaints.residents.code_forms import IssueForm, ReasonForm
from core import clock
from core.errors import Invalid, NotFound, PortalError
from core.paging import page
from core.workbook import Sheet, response
from deadlines import promises

MOST_PRINTED = 200


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def code_list(request):
    """The codes that one looks after, and a form for new ones."""
    shown = codes.listed(request.user, q=request.GET.get("q", ""), revoked=request.GET.get("revoked") == "1")
    form = IssueForm(request.POST or None, places=codes.places_for(request.user))
    if request.method == "POST" and form.is_valid():
        try:
            new = codes.issue_all(form.cleaned_data, actor=request.user, at=clock.now())
        except Invalid as fault:
            for name, texts in fault.fields.items():
                form.add_error(name if name in form.fields else None, texts)
        except PortalError as fault:
            form.add_error(None, fault.message)
        else:
            messages.success(request, f"已发放 {len(new)} 个服务码" if new else "这些地方都已有在用的码")
            return redirect(f"/codes/?{urlencode({'q': str(form.cleaned_data.get('community') or '')})}")
    found = page(shown, order=("-issued_at", "-id"), cursor=request.GET.get("cursor"), size=50)
    context = {"page": found, "form": form, "q": request.GET.get("q", ""), "revoked": request.GET.get("revoked") == "1", "reason": ReasonForm()}
    return render(request, "complaints/codes/list.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def replace_code(request, pk):
    """Another code for the same place: the old one opens nothing any more."""
    code = _own(request.user, pk)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    if request.POST.get("only") == "revoke":
        codes.revoke(code, reason=reason, actor=request.user, at=clock.now())
        messages.success(request, f"已停用：{code}")
    else:
        codes.replace(code, reason=reason, actor=request.user, at=clock.now())
        messages.success(request, f"已更换：{code}，请打印新码张贴")
    return redirect("codes:list")


@login_required
@require_safe
def sheets(request):
    """Posters (one an A4 page) or cards (ten a page) of the chosen codes, to print or to save as PDF."""
    kind = _kind(request)
    rows = [
        {"code": code, "svg": mark_safe(codes.svg(code, address_of(code))), "place": selectors.place_of(code), "phones": selectors.phones_of(codes.company_of(code))}  # noqa: S308 (drawn by us)  # nosec B308 B703
        for code in _chosen(request)
    ]  # fmt: skip
    return render(request, "complaints/codes/sheets.html", {"rows": rows, "kind": kind, "query": request.GET.urlencode(), "promises": promises.made()})


@login_required
@require_safe
def paper(request):
    """The same posters or cards as one PDF file."""
    chosen, kind = _chosen(request), _kind(request)
    if not chosen:
        raise Invalid("没有可打印的码")
    answer = HttpResponse(getattr(code_papers, kind)(_leaf(code) for code in chosen), content_type="application/pdf")
    name = quote("码上暖卡片" if kind == "cards" else "码上暖海报")
    answer.headers["Content-Disposition"] = f"attachment; filename=\"{kind}.pdf\"; filename*=UTF-8''{name}.pdf"
    return answer


@login_required
@require_safe
def picture(request, pk):
    """One code as PNG, for a poster of one's own."""
    code = _own(request.user, pk)
    answer = HttpResponse(codes.png(address_of(code)), content_type="image/png")
    answer.headers["Content-Disposition"] = f'attachment; filename="code-{code.pk}.png"'
    return answer


@login_required
@require_safe
def export(request):
    """The list as a spreadsheet."""
    rows = [
        [code.get_scope_display(), str(code.community or ""), code.building, str(codes.company_of(code) or ""), address_of(code), code.issued_at, code.revoked_at, code.revoked_reason]
        for code in codes.listed(request.user, q=request.GET.get("q", ""), revoked=request.GET.get("revoked") == "1")
    ]  # fmt: skip
    columns = [("范围", 8), ("小区", 20), ("楼栋", 12), ("供热企业", 18), ("网址", 44), ("启用", 18), ("停用", 18), ("停用原因", 24)]
    return response("服务二维码", Sheet("服务二维码", columns, rows))


def address_of(code) -> str:
    """The address in a code's picture."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/m/{code.token}/"


def _kind(request) -> str:
    return "cards" if request.GET.get("kind") == "cards" else "posters"


def _chosen(request) -> list:
    numbers = [int(one) for one in request.GET.getlist("id") if one.isascii() and one.isdigit() and len(one) < 18][:MOST_PRINTED]
    return list(codes.chosen(request.user, numbers, q=request.GET.get("q", ""))[:MOST_PRINTED])


def _leaf(code) -> code_papers.Leaf:
    place, company = selectors.place_of(code), codes.company_of(code)
    manager = f"{place.community.heat_manager} {place.community.heat_manager_phone}".strip() if place.community else ""
    return code_papers.Leaf(address_of(code), place.name, company.name if company else "", selectors.phones_of(company)["call"], manager, code.is_demo)


def _own(user, pk):
    found = codes.chosen(user, [pk]).first() if 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found
