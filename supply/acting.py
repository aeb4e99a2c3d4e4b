"""One act, one form: shown, checked, done, and its refusals put where they belong. For the doors of this room."""

from collections.abc import Callable

from django.contrib import messages
from django.shortcuts import redirect, render

from core.errors import PortalError

PAGE = "supply/form.html"


def act(request, form, do: Callable, *, title: str, back: str, said: str, to: str | Callable = "", button: str = "提交", page: str = PAGE, **context):
    """Show `form`, or do the act with what it says and go `to` (default `back`). Nothing typed is lost when it is refused."""
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                made = do(form.cleaned_data)
            except PortalError as fault:
                blame(form, fault)
                status = fault.status if fault.status != 400 else 422
            else:
                messages.success(request, said)
                return redirect(to(made) if callable(to) else to or back)
        else:
            status = 422
    return render(request, page, {"form": form, "title": title, "back": back, "button": button, **context}, status=status)


def blame(form, fault: PortalError) -> None:
    """Show a refusal at its field, or above the form."""
    for name, said in fault.fields.items():
        plain = name.split(".")[-1]
        form.add_error(plain if plain in form.fields else None, said)
    if not fault.fields:
        form.add_error(None, fault.message)
