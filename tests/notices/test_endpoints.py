"""Addresses, kept by administrators: each their own unit's, the district's all; secrets go in and never come out."""

import pytest
from django.db import connection
from django.urls import reverse

from core import journal
from core.errors import Conflict, Invalid
from notices import endpoints, outbox
from notices.models import Endpoint, Message
from tests.notices.world import NOON, make_endpoint

KEY = "73febdcb-secret-key"


@pytest.fixture
def of_company(district):
    return make_endpoint(district.company, f"https://qyapi.example.com/send?key={KEY}", channel="wecom", name="甲群", secret="TOPSECRET")


@pytest.fixture
def of_bureau(district):
    return make_endpoint(district.bureau, "https://hook.example.com/in", name="局群")


def undelivered(endpoint) -> Message:
    return Message.objects.create(
        key=f"e{endpoint.pk}:x", endpoint=endpoint, subject="工单内容不该给管理员看", body="住户电话", created_at=NOON, attempts=24,
        given_up_at=NOON, last_error="对方出错（500）",
    )  # fmt: skip


def test_who_keeps_which_addresses(client, district, of_company, of_bureau):
    """The district's administrator keeps all, a company's its own, nobody else any."""
    seen = {}
    for user in (district.admin, district.own_admin, district.officer, district.handler):
        client.force_login(user)
        answer = client.get(reverse("notices:endpoints"))
        said = answer.content.decode()
        seen[user.username] = (answer.status_code, "甲群" in said, "局群" in said)
    assert seen == {
        "admin": (200, True, True), "own-admin": (200, True, False), "officer": (403, False, False), "handler": (403, False, False),
    }  # fmt: skip


def test_another_unit_s_address_is_not_there_for_a_company_s_administrator(client, district, of_company, of_bureau):
    message = undelivered(of_bureau)
    client.force_login(district.own_admin)
    for status, endpoint in ((404, of_bureau), (200, of_company)):
        assert client.get(reverse("notices:endpoint", args=[endpoint.pk])).status_code == status
    assert client.post(reverse("notices:endpoint_switch", args=[of_bureau.pk]), {"on": "0"}).status_code == 404
    assert client.post(reverse("notices:endpoint_test", args=[of_bureau.pk])).status_code == 404
    assert client.post(reverse("notices:retry", args=[message.pk])).status_code == 404
    of_bureau.refresh_from_db()
    assert of_bureau.is_active
    form = {"unit": district.bureau.code, "channel": "webhook", "name": "x", "address": "https://a.example/", "least_level": "0"}
    assert client.post(reverse("notices:endpoint_add"), form).status_code == 400
    assert Endpoint.objects.count() == 2


def test_an_officer_can_do_nothing_with_addresses(client, district, of_bureau):
    client.force_login(district.officer)
    for name in ("endpoint", "endpoint_switch", "endpoint_test"):
        method = client.get if name == "endpoint" else client.post
        assert method(reverse(f"notices:{name}", args=[of_bureau.pk])).status_code == 403
    assert client.get(reverse("notices:endpoint_add")).status_code == 403
    assert client.get(reverse("notices:undelivered")).status_code == 403


def test_secret_and_key_go_in_and_never_come_out(client, district, of_company):
    client.force_login(district.admin)
    for address in (reverse("notices:endpoints"), reverse("notices:endpoint", args=[of_company.pk])):
        said = client.get(address).content.decode()
        assert KEY not in said
        assert "TOPSECRET" not in said
        assert "https://qyapi.example.com/…" in said


def test_in_the_database_neither_key_nor_secret_is_readable(of_company):
    with connection.cursor() as cursor:
        cursor.execute("SELECT address, secret FROM notices_endpoint WHERE id = %s", [of_company.pk])
        stored = "".join(cursor.fetchone())
    assert KEY not in stored
    assert "TOPSECRET" not in stored


def test_an_address_is_added_through_the_form_and_written_down(client, district):
    client.force_login(district.admin)
    form = {
        "unit": district.company.code, "channel": "dingtalk", "name": " 值班  群 ", "address": "https://oapi.example.com/robot/send?access_token=t",
        "secret": "SEC1", "least_level": "2",
    }  # fmt: skip
    assert client.post(reverse("notices:endpoint_add"), form).status_code == 302
    endpoint = Endpoint.objects.get()
    assert (endpoint.unit, endpoint.name, endpoint.secret, endpoint.least_level) == (district.company, "值班 群", "SEC1", 2)
    assert endpoint.host == "oapi.example.com"
    entry = journal.of(endpoint).get()
    assert (entry.act, entry.unit_code) == ("endpoint_add", "demo-heating-1")
    assert "SEC1" not in str(entry.data)
    assert "access_token" not in str(entry.data)


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("webhook", "http://user:pw@example.com/"), ("webhook", "ftp://example.com/"), ("wecom", "https://example.com:22/"),
        ("email", "not an address"), ("email", "a@b.c, d@e.f"), ("sms", "12"), ("pigeon", "https://example.com/"),
    ],
)  # fmt: skip
def test_an_address_its_channel_does_not_understand_is_refused(client, district, channel, address):
    client.force_login(district.admin)
    form = {"unit": district.company.code, "channel": channel, "name": "x", "address": address, "least_level": "0"}
    answer = client.post(reverse("notices:endpoint_add"), form)
    assert answer.status_code == 400
    assert answer.context["form"].errors
    assert not Endpoint.objects.exists()
    with pytest.raises(Invalid):
        endpoints.add(district.company, channel=channel, name="x", address=address, actor=district.admin, at=NOON)


def test_empty_fields_leave_address_and_secret_as_they_are(client, district, of_company):
    Endpoint.objects.update(failures=5, last_error="x", rest_until=NOON)
    client.force_login(district.own_admin)
    where = reverse("notices:endpoint", args=[of_company.pk])
    assert client.post(where, {"name": "新名", "address": "", "secret": "", "least_level": "0"}).status_code == 302
    of_company.refresh_from_db()
    assert (of_company.name, of_company.secret, KEY in of_company.address) == ("新名", "TOPSECRET", True)
    assert client.post(where, {"name": "新名", "address": "https://new.example.com/x", "secret": "S2", "least_level": "0"}).status_code == 302
    of_company.refresh_from_db()
    assert (of_company.address, of_company.host, of_company.secret) == ("https://new.example.com/x", "new.example.com", "S2")
    assert (of_company.failures, of_company.rest_until) == (0, None)


def test_what_waits_for_an_address_that_is_switched_off_is_given_up_and_listed(client, district, of_company):
    outbox.post(district.company, "新交办", key="d:1", at=NOON)
    outbox.route(at=NOON)
    client.force_login(district.own_admin)
    assert client.post(reverse("notices:endpoint_switch", args=[of_company.pk]), {"on": "0"}).status_code == 302
    message = of_company.messages.get()
    assert message.given_up_at is not None
    assert outbox.pending() == 0
    assert "接收地址已停用" in client.get(reverse("notices:undelivered")).content.decode()
    assert not outbox.retry(message, at=NOON), "not while it is off"
    with pytest.raises(Conflict):
        endpoints.switch(of_company, on=False, actor=None, at=NOON)
    assert client.post(reverse("notices:endpoint_switch", args=[of_company.pk]), {"on": "1"}).status_code == 302
    assert client.post(reverse("notices:retry", args=[message.pk])).status_code == 302
    message.refresh_from_db()
    assert message.next_attempt_at is not None


def test_administrators_see_that_something_was_not_delivered_but_not_what(client, district, of_company):
    undelivered(of_company)
    client.force_login(district.admin)
    said = client.get(reverse("notices:undelivered")).content.decode()
    assert "对方出错（500）" in said
    assert "工单内容" not in said
    assert "住户电话" not in said


def test_an_act_answers_htmx_with_the_list_and_a_form_with_the_way_back(client, district, of_company):
    client.force_login(district.admin)
    where = reverse("notices:endpoint_test", args=[of_company.pk])
    part = client.post(where, HTTP_HX_REQUEST="true").content.decode()
    assert part.lstrip().startswith("<section")
    assert "测试消息已排队" in part
    assert client.post(where).headers["Location"] == "/inbox/endpoints/"


@pytest.mark.django_db(transaction=True)
def test_a_test_message_goes_the_way_of_every_other(district, receiver):
    endpoint = make_endpoint(district.company, f"{receiver.url}/ok")
    Endpoint.objects.update(failures=9, rest_until=NOON.replace(year=2030))
    endpoints.try_out(endpoint, actor=district.admin, at=NOON)
    assert outbox.deliver(at=NOON, patience=None).sent == 1
    assert "测试消息" in receiver.calls[0].json["subject"]
    endpoint.refresh_from_db()
    assert endpoint.failures == 0


def test_a_list_of_addresses_asks_the_same_number_of_questions_however_long(client, district, django_assert_max_num_queries):
    client.force_login(district.admin)
    client.get(reverse("notices:endpoints"))  # the first page of a session writes it
    counts = []
    for amount in (2, 20):
        for number in range(amount):
            make_endpoint(district.company, f"https://h{amount}-{number}.example.com/")
        with django_assert_max_num_queries(14) as captured:
            client.get(reverse("notices:endpoints"))
        counts.append(len(captured))
    assert counts[0] == counts[1]
