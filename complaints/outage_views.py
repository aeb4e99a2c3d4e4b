"""The door to an outage's complaints: they lie a floor above the outage."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from complaints import access as ticket_access
from complaints import exports, outage_tickets
from complaints.presenting_rows import rows_of
from core import clock
from core.htmx import render_part
from supply import outage_forms, outage_selectors
from supply.acting import act

MOST = 200


@login_required
@require_safe
def tickets(request, number):
    """The complaints that hang on an outage, and those of its area that might."""
    at = clock.now()
    user = request.user
    outage = outage_selectors.outage_to_see(user, number)
    may_sort = outage_tickets.may_sort(user, outage)
    hanging = outage_tickets.of(user, outage).select_related("community", "street", "doer", "lead")
    others = outage_tickets.others(user, outage).select_related("community", "street", "doer", "lead")[:MOST] if may_sort else []
    context = {
        "at": at, "outage": outage, "rows": rows_of(user, hanging[:MOST], at=at), "count": hanging.count(), "others": rows_of(user, others, at=at),
        "may_sort": may_sort,
    }  # fmt: skip
    return render_part(request, "complaints/outage_tickets.html", "complaints/_outage_tickets.html", context)


@login_required
@require_safe
def export(request, number):
    """Them as a spreadsheet."""
    outage = outage_selectors.outage_to_see(request.user, number)
    numbers = list(outage_tickets.of(request.user, outage).values_list("number", flat=True)[: exports.MOST])
    return exports.of_numbers(request.user, numbers, at=clock.now())


@login_required
@require_POST
def attach(request, number):
    """Hang tickets of the area on the outage."""
    outage = outage_selectors.outage_to_see(request.user, number)
    done = outage_tickets.attach(outage, request.POST.getlist("number"), actor=request.user, at=clock.now())
    messages.success(request, f"已关联 {done} 件；各按自己的时限办理")
    return redirect("complaints:outage_tickets", number=outage.number)


@login_required
@require_http_methods(["GET", "POST"])
def detach(request, number, ticket):
    """Take a ticket off the outage."""
    outage = outage_selectors.outage_to_see(request.user, number)
    found = ticket_access.ticket_to_see(request.user, ticket)
    form = outage_forms.ReasonForm(request.POST or None)

    def do(said):
        outage_tickets.detach(outage, found, reason=said["reason"], actor=request.user, at=clock.now())

    return act(request, form, do, title=f"取消关联 · {found.number}", back=f"/outages/{outage.number}/tickets/", said="已取消关联", button="取消关联")
