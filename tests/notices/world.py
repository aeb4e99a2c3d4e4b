"""People, units and addresses for the stories of this room."""

from datetime import datetime

from core.civil import SHANGHAI
from notices import channels
from notices.models import Endpoint
from units import access
from units.models import Holding, Post, Unit, User

NOON = datetime(2025, 11, 20, 12, 0, tzinfo=SHANGHAI)


def make_unit(code: str, name: str, kind: str) -> Unit:
    return Unit.objects.get_or_create(code=code, defaults={"name": name, "short_name": name, "kind": kind})[0]


def make_person(username: str, unit: Unit, role: str) -> User:
    user = User(username=username, full_name=username)
    user.set_unusable_password()  # hashing one is slow, and nobody here signs in by it
    user.save()
    access.enrol(user, unit, role, actor=None, at=NOON.replace(year=2024))
    return user


def make_endpoint(unit: Unit, address: str, *, channel: str = "webhook", secret: str = "s3cret", **more) -> Endpoint:
    return Endpoint.objects.create(
        unit=unit, channel=channel, name=more.pop("name", channel), address=address, secret=secret,
        host=more.pop("host", channels.host_of(channel, address)), **more,
    )  # fmt: skip


def hold(post_code: str, unit: Unit, user: User | None, *, is_principal: bool = False) -> Holding:
    post = Post.objects.create(code=post_code, unit=unit, title=post_code, is_principal=is_principal)
    return Holding.objects.create(post=post, name="某", user=user, since=NOON.replace(year=2024))
