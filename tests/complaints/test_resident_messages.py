"""What residents are told by text message: the plan's words, once for each step, with a link that opens their case."""

import json
import re
import threading
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.test import Client

from complaints.models import Ticket
from complaints.residents import codes, following
from notices import outbox
from notices.models import Endpoint, Message
from plants.models import Community
from tests.complaints.test_residents import submitted
from tests.notices.conftest import mailbox  # noqa: F401 (a fixture)
from tests.story import HOUR, MINUTE, NOON, arrive, call_back, finish, fresh, received, respond, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(settings):
    """A text message gateway that is real, and what it was sent."""
    sent = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.SMS_URL = f"http://127.0.0.1:{server.server_port}/sms"
    settings.WEBHOOK_ALLOWED_HOSTS = [f"127.0.0.1:{server.server_port}"]
    yield sent
    server.shutdown()
    server.server_close()


def case() -> Ticket:
    """A case that came in by a scan."""
    code = codes.issue("building", community=Community.objects.get(code="demo-community-1"), building="6号楼", actor=None, at=NOON)
    submitted(code)
    return Ticket.objects.get(source="qr")


@pytest.mark.clause("G24", "G25")
def test_each_step_is_told_once_in_the_plans_words_with_a_link_that_opens_the_case(gateway):
    ticket = case()
    start = ticket.delivered_at
    respond(ticket, start + MINUTE)
    following.lifecycle.make_appointment(fresh(ticket), visit_at=start + 30 * MINUTE, confirmed_by_resident=False, actor=user("heating1"), at=start + 2 * MINUTE)
    arrive(ticket, start + 30 * MINUTE)
    finish(ticket, start + HOUR)
    call_back(ticket, start + 2 * HOUR)
    assert {message.to for message in Message.objects.filter(endpoint__for_residents=True)} == {"13912340001"}
    outbox.deliver(at=start + 3 * HOUR, patience=None)
    texts = [one["content"] for one in gateway]
    assert [text.startswith("【码上暖】") for text in texts] == [True] * 4
    assert [any(word in text for text in texts) for word in ("已收到您的诉求", "上门，请点开确认", "已处理完成", "请您评价")] == [True] * 4
    assert {one["phone"] for one in gateway} == {"13912340001"}
    link = re.search(r"(/track/[\w-]+/)", texts[0]).group(1)
    assert ticket.number in Client().get(link).content.decode()
    outbox.deliver(at=start + 4 * HOUR, patience=None)
    assert len(gateway) == 4


def test_the_gateway_to_residents_hears_nothing_of_the_bureaus(gateway):
    case()
    bureau = Endpoint.objects.get(for_residents=True).unit
    outbox.post(bureau, "值班提醒", key="x", at=NOON, audience="bureau")
    outbox.route(at=NOON)
    assert not Message.objects.filter(endpoint__for_residents=True, subject__contains="值班提醒").exists()


def test_nothing_is_sent_without_a_gateway_or_to_callers_of_the_hotline(gateway, settings):
    received()
    assert not Message.objects.filter(endpoint__for_residents=True).exists()
    settings.SMS_URL = ""
    case()
    assert not Endpoint.objects.filter(for_residents=True).exists()


def test_the_number_is_kept_encrypted(gateway):
    case()
    with outbox.connection.cursor() as cursor:
        cursor.execute('SELECT string_agg("to", \' \') FROM notices_message WHERE "to" <> \'\'')
        assert "13912340001" not in cursor.fetchone()[0]


@pytest.mark.clause("G24")
def test_who_gave_an_address_is_told_by_mail_too_and_the_subject_says_nothing(mailbox):  # noqa: F811 (the fixture)
    code = codes.issue("building", community=Community.objects.get(code="demo-community-1"), building="6号楼", actor=None, at=NOON)
    assert submitted(code, email="liu@@example")[0].status_code == 422
    submitted(code, email="liu@example.cn")
    ticket = Ticket.objects.get(source="qr")
    message = Message.objects.get(endpoint__channel="email", endpoint__for_residents=True)
    assert message.to == "liu@example.cn" and ticket.number in message.body and ticket.number not in message.subject
    outbox.deliver(at=message.created_at)
    [envelope] = mailbox.mails
    sent = message_from_bytes(envelope.content, policy=policy.default)
    assert envelope.rcpt_tos == ["liu@example.cn"] and sent["Subject"] == "供热诉求办理进度"
    page = Client().get(re.search(r"/track/[^\s/]+/", sent.get_content()).group(0))
    assert page.status_code == 200 and "liu@example.cn" not in page.content.decode()
