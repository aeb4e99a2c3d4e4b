"""Doors to messages: one's inbox, and the administrator's addresses and undelivered messages."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import civil, clock
from core.errors import Invalid
from core.htmx import is_htmx, render_part
from notices import endpoints, outbox, selectors
from notices import inbox as inboxes
from notices.forms import EndpointForm
from units import access

SHOWS = ("unread", "all")


@login_required
@require_safe
def inbox(request):
    """One's messages; the first look is at the unread, if there are any."""
    return render_part(request, "notices/inbox.html", "notices/_inbox.html", _inbox(request, request.GET))


@login_required
@require_safe
def open_message(request, pk):
    """Open a message: it is read, and leads where it points. One that holds many lines is a page of its own."""
    message = selectors.message_to_read(request.user, pk)
    inboxes.mark_read(message, at=clock.now())
    if len(message.lines) <= 1 and _is_ours(message.link) and message.link != "/inbox/":
        return redirect(message.link)
    lines = [{**line, "link": line.get("link", "") if _is_ours(line.get("link", "")) else ""} for line in message.lines]
    context = {
        "message": message,
        "lines": lines,
        "rest": message.notice_count - len(lines),
        "link": message.link if _is_ours(message.link) and message.link != "/inbox/" else "",
    }
    return render(request, "notices/message.html", context)


@login_required
@require_POST
def mark_read(request, pk):
    """Read without opening."""
    message = selectors.message_to_read(request.user, pk)
    inboxes.mark_read(message, at=clock.now())
    return _back_to_inbox(request)


@login_required
@require_POST
def mark_all_read(request):
    """Everything is read that the page showed when it was made."""
    at = clock.now()
    upto = civil.parse(request.POST["upto"], field="upto") if request.POST.get("upto") else at
    count = inboxes.mark_all_read(request.user, upto=upto, at=at)
    if not is_htmx(request):
        messages.success(request, f"已将 {count} 条消息标为已读" if count else "没有未读消息")
    return _back_to_inbox(request)


@login_required
@require_safe
def unread(request):
    """The bell with its number, for the page's own refresh."""
    return render(request, "parts/_bell.html")


def _inbox(request, params) -> dict:
    count = selectors.unread_count(request.user)
    show = params.get("show")
    if show not in SHOWS:
        show = "unread" if count else "all"
    page = selectors.inbox_page(request.user, unread_only=show == "unread", cursor=params.get("cursor"))
    for message in page.rows:
        first = message.body.partition("\n")[0]
        message.preview = first if first != message.subject else ""
    keeps = access.ADMINISTER in access.rights(request.user)
    return {"page": page, "show": show, "unread": count, "at": clock.now(), "keeps_endpoints": keeps}


def _back_to_inbox(request):
    show = request.POST.get("show") if request.POST.get("show") in SHOWS else ""
    if is_htmx(request):
        response = render(request, "notices/_inbox.html", _inbox(request, {"show": show}))
        response.headers["HX-Trigger"] = "wy:read"  # the bell counts anew
        return response
    response = redirect("notices:inbox")
    if show:
        response.headers["Location"] += f"?show={show}"
    return response


def _is_ours(link: str) -> bool:
    return link.startswith("/") and url_has_allowed_host_and_scheme(link, allowed_hosts=None)


# ---------------------------------------------------------------- the administrator's desk


@login_required
@require_safe
def endpoint_list(request):
    """Where units hear, and how it goes there."""
    context = _endpoints(request)
    return render_part(request, "notices/endpoints.html", "notices/_endpoints.html", context)


@login_required
@sensitive_post_parameters("secret", "address")
@require_http_methods(["GET", "POST"])
def add_endpoint(request):
    """A further address."""
    form = EndpointForm(request.POST or None, units=selectors.units_to_administer(request.user))
    if request.method == "POST" and form.is_valid():
        try:
            added = endpoints.add(**form.cleaned_data, actor=request.user, at=clock.now())
        except Invalid as fault:
            _complain(form, fault)
        else:
            messages.success(request, f"已添加：{added}。请发一条测试消息确认。")
            return redirect("notices:endpoints")
    return render(request, "notices/endpoint_form.html", {"form": form}, status=400 if form.is_bound else 200)


@login_required
@sensitive_post_parameters("secret", "address")
@require_http_methods(["GET", "POST"])
def change_endpoint(request, pk):
    """Another name, address, secret or range."""
    endpoint = selectors.endpoint_to_administer(request.user, pk)
    form = EndpointForm(
        request.POST or None,
        units=selectors.units_to_administer(request.user),
        endpoint=endpoint,
        initial={"name": endpoint.name, "least_level": endpoint.least_level},
    )
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change(endpoint, **form.cleaned_data, actor=request.user, at=clock.now())
        except Invalid as fault:
            _complain(form, fault)
        else:
            messages.success(request, f"已保存：{endpoint.unit} {form.cleaned_data['name']}")
            return redirect("notices:endpoints")
    context = {"form": form, "endpoint": endpoint, "address": selectors.shown_address(endpoint)}
    return render(request, "notices/endpoint_form.html", context, status=400 if form.is_bound else 200)


@login_required
@require_POST
def switch_endpoint(request, pk):
    """Off, or on again."""
    endpoint = selectors.endpoint_to_administer(request.user, pk)
    is_on = request.POST.get("on") == "1"
    endpoints.switch(endpoint, on=is_on, reason=request.POST.get("reason", "")[:200], actor=request.user, at=clock.now())
    return _back_to_endpoints(request, f"已{'启用' if is_on else '停用'}：{endpoint}")


@login_required
@require_POST
def test_endpoint(request, pk):
    """Send a test message; the list shows within seconds what became of it."""
    endpoint = selectors.endpoint_to_administer(request.user, pk)
    endpoints.try_out(endpoint, actor=request.user, at=clock.now())
    return _back_to_endpoints(request, f"测试消息已排队：{endpoint}，几秒后刷新可见结果")


@login_required
@require_safe
def undelivered_list(request):
    """What could not be sent, and why."""
    page = selectors.undelivered_page(request.user, cursor=request.GET.get("cursor"))
    return render_part(request, "notices/undelivered.html", "notices/_undelivered.html", {"page": page, "at": clock.now()})


@login_required
@require_POST
def retry(request, pk):
    """Try again what was not delivered."""
    message = selectors.message_to_retry(request.user, pk)
    done = outbox.retry(message, actor=request.user, at=clock.now())
    if is_htmx(request):
        context = {"page": selectors.undelivered_page(request.user, cursor=None), "at": clock.now()}
        return render(request, "notices/_undelivered.html", context)
    messages.success(request, "已重新排队发送" if done else "该消息正在发送，或接收地址已停用")
    return redirect("notices:undelivered")


def _endpoints(request) -> dict:
    rows = list(selectors.endpoints_to_administer(request.user))
    for row in rows:
        row.shown_address = selectors.shown_address(row)
    return {"endpoints": rows, "at": clock.now()}


def _back_to_endpoints(request, said: str):
    if is_htmx(request):
        return render(request, "notices/_endpoints.html", {**_endpoints(request), "said": said})
    messages.success(request, said)
    return redirect("notices:endpoints")


def _complain(form, fault: Invalid) -> None:
    for name, sentences in fault.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
