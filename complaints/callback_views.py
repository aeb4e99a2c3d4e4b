"""Pages of calling back: the desk of those who owe callbacks, and the desk of those who ask again."""

from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from complaints import callbacks, doing, sampling
from complaints.models import Callback
from complaints.presenting_rows import row_of
from complaints.residents import following
from complaints.selectors import complainant_of
from core import clock
from core.errors import Forbidden, Invalid, NotFound
from core.paging import page
from core.workbook import Sheet, response
from units import access

YES_NO = [("", "未问"), ("yes", "有"), ("no", "没有")]
_SAID = {"yes": True, "no": False}


@login_required
@require_safe
def desk(request):
    """Whom one has to call back, what is due first first, with the form on the spot."""
    at = clock.now()
    company = access.is_company(request.user)
    found = callbacks.owed(request.user, at=at, most=callbacks.MOST_ON_PAPER if request.GET.get("format") == "xlsx" else None)
    if request.GET.get("format") == "xlsx":
        rows = [[due.ticket.number, row_of(company, due.ticket, at=at)["title"], Callback.Kind(due.kind).label, due.deadline.due_at, due.deadline.due_at < at, due.attempts, due.advice] for due in found]
        columns = [("工单", 22), ("标题", 30), ("回访", 10), ("时限", 18), ("已超时", 8), ("未接通次数", 10), ("说明", 40)]
        return response("待回访", Sheet("待回访", columns, rows))
    rows = [{"due": due, "row": row_of(company, due.ticket, at=at), "kind": Callback.Kind(due.kind).label} for due in found]
    chosen = next((row for row in rows if row["row"]["number"] == request.GET.get("ticket")), rows[0] if rows else None)
    return render(request, "complaints/callbacks/desk.html", _chosen(request.user, rows, chosen, at))


def _chosen(user, rows: list, chosen, at, form=None) -> dict:
    act = doing.ACTS["callback"]
    if chosen is not None and form is None:
        form = act.form(initial={"kind": chosen["due"].kind})
    person = complainant_of(user, chosen["due"].ticket) if chosen is not None else None
    return {"rows": rows, "is_part": len(rows) >= callbacks.MOST, "chosen": chosen, "person": person, "form": form, "at": at}


@login_required
@require_POST
def call(request, number):
    """Enter a callback from the desk, and go on to the next."""
    act = doing.ACTS["callback"]
    ticket = act.fetch(request.user, number)
    form = act.fill(ticket, request.POST, request.FILES)
    at = clock.now()
    if form.is_valid():
        try:
            act.do(ticket, doing.said_by(act, form), actor=request.user, at=at)
        except Invalid as fault:
            for name, texts in (fault.fields or {None: [fault.message]}).items():
                form.add_error(name if name in form.fields else None, texts)
        else:
            messages.success(request, f"已登记回访：{number}")
            return redirect("callbacks:desk")
    company = access.is_company(request.user)
    rows = [{"due": due, "row": row_of(company, due.ticket, at=at), "kind": Callback.Kind(due.kind).label} for due in callbacks.owed(request.user, at=at)]
    chosen = next((row for row in rows if row["row"]["number"] == number), None)
    if chosen is None:
        raise NotFound
    return render(request, "complaints/callbacks/desk.html", _chosen(request.user, rows, chosen, at, form), status=422)


# ---------------------------------------------------------------- asking again


class HeardForm(forms.Form):
    """What came of an independent callback."""

    reached = forms.ChoiceField(label="是否接通", choices=[("yes", "接通"), ("no", "未接通")], widget=forms.RadioSelect)
    was_measured = forms.ChoiceField(label="有没有测量室温", choices=YES_NO, required=False)
    was_called = forms.ChoiceField(label="有没有工作人员电话联系", choices=YES_NO, required=False)
    was_visited = forms.ChoiceField(label="供热企业有没有上门", choices=YES_NO, required=False)
    solved = forms.ChoiceField(label="问题是否解决", choices=[("", "请选择"), ("yes", "已解决"), ("no", "未解决")], required=False)
    satisfaction = forms.ChoiceField(label="满意度", choices=[("", "请选择"), *Callback.Satisfaction.choices], required=False)
    wrong_details = forms.CharField(label="登记信息不符", max_length=200, required=False, help_text="如门牌号、电话登记有误")
    note = forms.CharField(label="住户的话", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}))


class RulingForm(forms.Form):
    """Whether it is so, and why."""

    upheld = forms.ChoiceField(label="认定", choices=[("yes", "属实"), ("no", "不属实")], widget=forms.RadioSelect)
    reason = forms.CharField(label="认定理由", max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


@login_required
@require_safe
def samples(request):
    """What was drawn: still to be called, or answered."""
    _require_sampler(request.user)
    at, done = clock.now(), request.GET.get("done") == "1"
    found = sampling.visible_to(request.user).filter(called_at__isnull=not done)
    if request.GET.get("format") == "xlsx":
        return _samples_sheet(found[:5000])
    shown = page(found, order=("-called_at", "-id") if done else ("due_at", "id"), cursor=request.GET.get("cursor"), size=40)
    return render(request, "complaints/callbacks/samples.html", {"page": shown, "done": done, "at": at, "may_rule": access.everywhere(request.user, access.SUPERVISE)})


def _samples_sheet(found):
    yes_no = {True: "有", False: "没有", None: ""}
    rows = [
        [one.ticket.number, str(one.ticket.community or ""), str(one.company), str(one.unit), one.get_reason_display(), one.drawn_at, one.due_at, one.called_at,
         {True: "接通", False: "联系不上", None: ""}[one.reached], yes_no[one.was_measured], yes_no[one.was_called], yes_no[one.was_visited],
         {True: "已解决", False: "未解决", None: ""}[one.solved], one.get_satisfaction_display(), one.wrong_details, "；".join(one.contradicts), one.note]
        for one in found
    ]  # fmt: skip
    columns = [("工单", 22), ("小区", 18), ("承办", 16), ("回访单位", 16), ("缘由", 12), ("抽取", 18), ("时限", 18), ("回访", 18), ("结果", 10), ("测温", 8), ("来电", 8), ("上门", 8), ("解决", 8), ("满意度", 10), ("信息不符", 20), ("不一致", 40), ("住户的话", 40)]
    return response("抽样回访", Sheet("抽样回访", columns, rows))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sample(request, pk):
    """One of them: what the record says, and the resident's answers."""
    _require_sampler(request.user)
    one = sampling.sample_to_see(request.user, pk)
    form = HeardForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        heard = sampling.Heard(
            reached=said["reached"] == "yes", solved=_SAID.get(said["solved"]), satisfaction=said["satisfaction"], was_measured=_SAID.get(said["was_measured"]),
            was_called=_SAID.get(said["was_called"]), was_visited=_SAID.get(said["was_visited"]), wrong_details=said["wrong_details"], note=said["note"],
        )  # fmt: skip
        try:
            again = sampling.record(one, heard, actor=request.user, at=clock.now())
        except Invalid as fault:
            for name, texts in fault.fields.items():
                form.add_error(name if name in form.fields else None, texts)
        else:
            done = f"已登记；住户称没有解决，已重新受理：{again.number}" if again else "已登记"
            messages.success(request, done if one.called_at else f"已登记第 {len(one.attempts)} 次未接通")
            return redirect("callbacks:samples")
    return render(request, "complaints/callbacks/sample.html", {"one": one, "again": following.again_of(one.ticket) if one.called_at else None, "form": form, "at": clock.now()}, status=422 if form.errors else 200)


@login_required
@require_POST
def reveal(request, pk):
    """The number to call, written down."""
    _require_sampler(request.user)
    one = sampling.sample_to_see(request.user, pk)
    phone = sampling.phone_of(one, actor=request.user, at=clock.now())
    if request.headers.get("HX-Request"):
        return render(request, "complaints/_revealed.html", {"value": phone, "field": "complainant_phone"})
    return HttpResponse(phone, content_type="text/plain; charset=utf-8")


@login_required
@require_safe
def contradictions(request):
    """Record against resident, side by side."""
    if not access.everywhere(request.user, access.SUPERVISE):
        raise Forbidden("由区城管执法局认定")
    ruled = request.GET.get("ruled") == "1"
    context = {"rows": sampling.contradictions(ruled=ruled), "ruled": ruled, "form": RulingForm(), "at": clock.now()}
    return render(request, "complaints/callbacks/contradictions.html", context)


@login_required
@require_POST
def rule(request, kind, pk):
    """The bureau's ruling on one contradiction."""
    if not access.everywhere(request.user, access.SUPERVISE):
        raise Forbidden("由区城管执法局认定")
    form = RulingForm(request.POST)
    if not form.is_valid():
        raise Invalid("请选择属实或不属实，并写明理由", fields={name: list(texts) for name, texts in form.errors.items()})
    sampling.rule(sampling.contradiction_of(kind, pk), upheld=form.cleaned_data["upheld"] == "yes", reason=form.cleaned_data["reason"], actor=request.user, at=clock.now())
    messages.success(request, "已认定属实，已列入企业问题台账" if form.cleaned_data["upheld"] == "yes" else "已认定不属实")
    return redirect(f"/sampling/contradictions/?{urlencode({'ruled': 1})}")


def _require_sampler(user):
    if not sampling.may_sample(user):
        raise Forbidden("抽样回访由区城管执法局和街道办理")


urls = [
    path("callbacks/", desk, name="desk"),
    path("callbacks/<str:number>/", call, name="call"),
    path("sampling/", samples, name="samples"),
    path("sampling/contradictions/", contradictions, name="contradictions"),
    path("sampling/contradictions/<slug:kind>/<int:pk>/", rule, name="rule"),
    path("sampling/<int:pk>/", sample, name="sample"),
    path("sampling/<int:pk>/phone/", reveal, name="phone"),
]
