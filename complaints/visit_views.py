"""The door by which a home visit's problem becomes a ticket."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from complaints import access as ticket_access
from complaints import from_visits
from core import clock
from plants import visit_selectors


@login_required
@require_POST
def from_visit(request, number):
    """Make a ticket of it; who may not see tickets before dispatch goes back to the visit."""
    visit = visit_selectors.to_see(request.user, number)
    ticket = from_visits.raise_ticket(visit, actor=request.user, at=clock.now())
    messages.success(request, f"已转为工单 {ticket.number}，由区委社会工作部交办")
    may_see = ticket_access.visible_to(request.user).filter(pk=ticket.pk).exists()
    return redirect(f"/tickets/{ticket.number}/" if may_see else visit)
