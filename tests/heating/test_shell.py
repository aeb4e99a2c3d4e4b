"""The frame around every page: what it asks of the database, and where it lets whom go."""

import uuid

import pytest
from django.test import RequestFactory

from core import clock, stamps
from core.models import Stamp
from heating import shell
from notices.models import Message
from units import access
from units.models import Kind, Unit, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unseeded")]


def person(code: str, role: str, kind: str = Kind.BUREAU) -> User:
    """Somebody who works for a unit."""
    at = clock.now()
    unit = Unit.objects.get_or_create(code=code, defaults={"name": code, "short_name": code, "kind": kind})[0]
    user = User.objects.create(username=f"{code}-{role}", full_name="张某")
    access.enrol(user, unit, role, actor=None, at=at)
    return User.objects.get(pk=user.pk)


def frame_of(user, path: str = "/tickets/"):
    """The frame that this person sees."""
    request = RequestFactory().get(path)
    request.user = user
    return shell.of(request)


def test_the_frame_asks_one_question_when_seasons_and_rights_are_known(django_assert_num_queries):
    user = person("demo-heating-1", "handler", Kind.HEATING)
    Stamp.objects.get_or_create(topic=stamps.PLAN, defaults={"version": uuid.uuid4()})  # as soon as any plan was loaded
    with stamps.held():  # as each request does, with who asks
        frame = frame_of(user)
        with django_assert_num_queries(1):
            frame_of(user)
    assert (frame.name, frame.unit, frame.initial) == ("张某", "demo-heating-1", "张")


OWN = "/ /tickets/ /callbacks/ /clusters/ /escalations/ /inbox/ /oversight/ /units/ /plan/ /obligations/ /ledger/ /outages/ /duty/ /plants/ /temperatures/"
HEAT = "/milestones/ /inspections/ /reports/ /gas/ /visits/"


@pytest.mark.parametrize(
    ("code", "role", "kind", "places"),
    [
        ("demo-heating-1", "handler", Kind.HEATING, f"{OWN} {HEAT} /codes/"),
        ("demo-property-1", "handler", Kind.PROPERTY, OWN),
        ("social-work", "dispatcher", Kind.BUREAU, f"{OWN} {HEAT} /dispatch/ /imports/"),
        ("urban-management", "admin", Kind.BUREAU, "/ /inbox/ /units/ /plan/ /system/ /duty/"),
    ],
)  # fmt: skip
def test_the_navigation_lists_what_one_may_open_and_nothing_else(code, role, kind, places):
    frame, places = frame_of(person(code, role, kind)), set(places.split())
    shown = (*frame.work, *frame.campaign, *frame.manage)
    assert {link.path for link in shown} == places
    assert [link.path for link in shown if link.is_current] in (["/tickets/"], [])
    assert {link.path for link in (*frame.phone, *frame.rest)} == places
    assert len(frame.phone) <= 4


def test_unread_messages_are_counted_up_to_a_limit():
    user = person("street-weiyanggong", "officer", Kind.STREET)
    at = clock.now()
    Message.objects.bulk_create(Message(key=f"m{number}", user=user, subject="x", body="x", created_at=at) for number in range(120))
    assert frame_of(user).unread_text == "99+"
    Message.objects.filter(key__in=[f"m{number}" for number in range(118)]).update(read_at=at)
    assert (frame_of(user).unread, frame_of(user).unread_text) == (2, "2")
