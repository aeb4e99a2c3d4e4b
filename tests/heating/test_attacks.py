"""What somebody tries who means harm, at every address at once: forged forms, fields that are not theirs (S2, S3, S21, S26)."""

import re

import pytest
from django.test import Client
from django.urls import get_resolver

from complaints.models import Ticket
from heating.addresses import addresses
from tests.story import MINUTE, NOON, Caller, browser, dispatched, respond, user
from units.models import UserUnitPermission

pytestmark = pytest.mark.django_db
# A signed call of a company's own site, which knows no session; reading the schema changes nothing.
NO_SESSION = ("/e/", "/api/v1/open/")


def every_path(*values: str) -> list[str]:
    """Each address of the portal, with the same value in every place."""
    found = []
    for address in addresses(get_resolver()):
        path = address.path.replace("^", "").replace("$", "")
        if "(?P" not in path and not path.startswith("/static/"):
            found += [re.sub(r"<[^>]*>", value, path) for value in values or ("1",)]
    return list(dict.fromkeys(found))


def test_no_address_takes_a_form_without_its_token():
    client = Client(enforce_csrf_checks=True)
    client.force_login(user("bureau"))
    for path in every_path("1"):
        if path.startswith(NO_SESSION):
            continue
        answer = client.post(path, {"reason": "r"})
        # DRF asks for the token where a view takes POST at all; an address without such a view has nothing to forge.
        assert answer.status_code in ((403, 404, 405) if path.startswith("/api/") else (403, 404)), (path, answer.status_code)


def test_a_forged_form_to_the_interface_is_refused_whatever_kind_of_body_it_has():
    client = Client(enforce_csrf_checks=True)
    client.force_login(user("bureau"))
    client.get("/phones/")
    client.cookies["csrftoken"] = "a" * 32  # a browser sends its cookies along; the form does not know them
    for kind in ("application/x-www-form-urlencoded", "application/json", "text/plain", "multipart/form-data; boundary=x"):
        answer = client.post("/api/v1/tickets/", b"{}", content_type=kind)
        assert answer.status_code == 403 and answer.json()["code"] == "forbidden", kind
    answer = client.post("/api/v1/imports/", {"csrfmiddlewaretoken": "a" * 32, "source": "12345"})
    assert answer.status_code == 400 and answer.json()["fields"] == {"file": ["请选择文件"]}, "with its token, a form of parts is read"


def test_fields_that_are_not_the_callers_change_nothing():
    ticket = dispatched()
    sneaked = {field.name: "1" for field in Ticket._meta.get_fields() if not field.is_relation or field.many_to_one}
    sneaked |= {"state": "closed", "due_at": "2030-01-01T00:00:00+08:00", "doer": "demo-heating-2", "lead": "social-work", "is_confidential": True, "verified": True, "outcome": "met"}
    before = Ticket.objects.filter(pk=ticket.pk).values().get()
    firm = Caller("demo-heating-1", "handler")
    for act, said in {"respond": {"channel": "phone"}, "appointment": {"visit_at": (NOON + 50 * MINUTE).isoformat(), "reason": "住户约定"}, "nudge": {"reason": "x"}}.items():
        answer = firm.post(f"tickets/{ticket.number}/{act}/", {**sneaked, **said})
        assert answer.status_code < 500, (act, answer.content)
    for method in ("put", "patch", "delete"):
        assert getattr(Client(), method)(f"/api/v1/tickets/{ticket.number}/").status_code in (401, 403, 405)
    after = Ticket.objects.filter(pk=ticket.pk).values().get()
    may_change = {"state", "version", "due_at", "stage"}
    assert {name for name in before if before[name] != after[name]} <= may_change
    assert after["state"] in ("dispatched", "responded") and after["doer_id"] == before["doer_id"]


@pytest.mark.parametrize("value", ["99999999999999999999", "-1", "%00", "%ED%A0%80..%2f..%2fetc%2fpasswd", "𝕎" * 100 + "%27%20OR%201=1--"])
def test_no_address_breaks_at_what_nobody_would_write(value):
    client = browser("bureau")
    for path in every_path(value):
        if path in ("/logout/", "/api/docs/", "/api/redoc/", "/api/schema/", "/healthz", "/metrics"):
            continue
        if "<" in path or value not in path:
            path = f"{path}?q={value}&cursor={value}&since={value}&days={value}&limit={value}&page={value}&week={value}&id={value}"
        assert client.get(path).status_code < 500, path


def test_rights_are_held_by_roles_never_by_a_person():
    respond(dispatched(), NOON + MINUTE)
    assert not UserUnitPermission.objects.exists()
