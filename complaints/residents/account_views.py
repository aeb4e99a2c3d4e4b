"""The page where a company's own account gets its key (G22): issued, renewed, revoked; the secret is shown once."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from complaints.residents import codes, hosting
from complaints.residents.code_forms import ReasonForm
from core import clock
from core.errors import Forbidden, NotFound, PortalError
from core.fields import blame, status_of


class AccountForm(forms.Form):
    """Whose account, what it is called, which sites may frame the page."""

    company = forms.ModelChoiceField(None, label="供热企业", to_field_name="code", empty_label="请选择")
    name = forms.CharField(label="名称", max_length=40, help_text="如：某某热力公众号，会记在工单的“入口”里")
    origins = forms.CharField(
        label="可嵌入的网站", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), help_text="每行一个，如 https://www.example.cn；只用接口的不填"
    )

    def __init__(self, *args, companies, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["company"].queryset = companies


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def accounts(request):
    """The accounts that one looks after, and a form for a new one."""
    companies = codes.places_for(request.user)[0]
    if not companies.exists():
        raise Forbidden("只有区城管执法局和供热企业可以管理接入")
    form, status, secret, account = AccountForm(request.POST or None, companies=companies), 200, "", None
    if request.method == "POST":
        status = 422
        if form.is_valid():
            said = form.cleaned_data
            try:
                account, secret = hosting.issue(said["company"], name=said["name"], origins=said["origins"].splitlines(), actor=request.user, at=clock.now())
            except PortalError as fault:
                blame(form, fault)
                status = status_of(fault)
            else:
                form, status = AccountForm(companies=companies), 201
    return _page(request, form, account, secret, status)


def _page(request, form, account, secret: str, status: int = 200):
    rows = [{"account": one, "code": codes.company_code(one.company)} for one in hosting.kept_by(request.user)[:200]]
    context = {"rows": rows, "form": form, "fresh": account, "secret": secret, "reason": ReasonForm(initial={"reason": ""})}
    return render(request, "complaints/codes/accounts.html", context, status=status)


def _own(user, pk: int):
    found = hosting.kept_by(user).filter(pk=pk).first() if 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found


@login_required
@require_POST
def renew(request, pk):
    """Another secret, shown once."""
    account = _own(request.user, pk)
    secret = hosting.renew(account, actor=request.user, at=clock.now())
    return _page(request, AccountForm(companies=codes.places_for(request.user)[0]), account, secret)


@login_required
@require_POST
def revoke(request, pk):
    """The account opens nothing any more."""
    account = _own(request.user, pk)
    form = ReasonForm(request.POST)
    hosting.revoke(account, reason=form.cleaned_data["reason"] if form.is_valid() else "", actor=request.user, at=clock.now())
    messages.success(request, f"已停用：{account}")
    return redirect("codes:accounts")


@login_required
@require_safe
def guide(request):
    """The integrator's guide, as a file."""
    return FileResponse(hosting.GUIDE.open("rb"), as_attachment=True, filename="公众号接入.md", content_type="text/markdown; charset=utf-8")
