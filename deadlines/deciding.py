"""The verifier's form at any door: what was typed stays in it when the act is refused."""

from datetime import datetime

from django.forms import Form

from core.errors import PortalError
from core.fields import status_of
from deadlines import proof
from deadlines.models import Proven


def refused(item: Proven, act: str, form: Form, *, actor, at: datetime) -> int | None:
    """Do `act` with the form's `note`. None when it is done; else the status with which the form is shown again, the reason at its field.

    NotFound and Forbidden are the page's own affair.
    """
    if not form.is_valid():
        return 422
    try:
        proof.decide(item, act, note=form.cleaned_data["note"], actor=actor, at=at)
    except PortalError as fault:
        if fault.status not in (400, 409):
            raise
        form.add_error("note", fault.message)
        return status_of(fault)
    return None
