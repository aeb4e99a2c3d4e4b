"""What each channel is sent, and when it counts as accepted."""

import base64
import email
import hashlib
import hmac
import re
from email import policy
from urllib.parse import parse_qs, urlsplit

import pytest

from notices import channels
from notices.models import Channel, Endpoint, Message
from tests.notices.world import NOON
from units.models import Unit

STAMP = str(int(NOON.timestamp()))


@pytest.fixture(autouse=True)
def public_url(settings):
    settings.PUBLIC_URL = "https://portal.example/"


def message(address, channel=Channel.WEBHOOK, *, secret="s3cret", **more) -> Message:
    endpoint = Endpoint(unit=Unit(code="demo-heating-1", short_name="甲热力"), channel=channel, address=address, secret=secret, name="群")
    defaults = {
        "key": "e1:abc", "subject": "新交办：WY-1 不热", "body": "1. 卧室不热\n2. 电话 13812345678", "link": "/tickets/WY-1/",
        "lines": [{"key": "n1", "text": "卧室不热", "link": "/tickets/WY-1/", "level": 1}], "created_at": NOON, "notice_count": 2,
    }  # fmt: skip
    return Message(endpoint=endpoint, **{**defaults, **more})


def test_a_webhook_is_signed_and_carries_its_key(receiver):
    assert channels.send(message(f"{receiver.url}/ok"), at=NOON) is None
    call = receiver.calls[0]
    expected = hmac.new(b"s3cret", f"{STAMP}.".encode() + call.body, hashlib.sha256).hexdigest()
    assert call.headers["X-Portal-Signature"] == f"sha256={expected}"
    assert call.headers["X-Portal-Timestamp"] == STAMP
    assert call.headers["Idempotency-Key"] == "e1:abc"
    assert call.json["link"] == "https://portal.example/tickets/WY-1/"
    assert call.json["lines"] == [{"text": "卧室不热", "link": "https://portal.example/tickets/WY-1/", "level": 1}]
    assert call.json["unit"] == "demo-heating-1"
    assert call.json["count"] == 2


@pytest.mark.parametrize("channel", [Channel.WEBHOOK, Channel.WECOM, Channel.DINGTALK, Channel.FEISHU])
def test_no_phone_number_leaves_the_house(receiver, channel):
    assert channels.send(message(f"{receiver.url}/ok", channel), at=NOON) is None
    body = receiver.calls[0].body.decode()
    assert "13812345678" not in body
    assert re.search(r"138[*＊]{4}5678", body)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_any_answer_but_a_good_one_is_a_failure(receiver, status):
    receiver.answers["/bad"] = (status, {})
    assert str(status) in channels.send(message(f"{receiver.url}/bad"), at=NOON)


def test_a_redirect_is_not_followed(receiver):
    receiver.answers["/away"] = (302, f"{receiver.url}/ok")
    assert "转向" in channels.send(message(f"{receiver.url}/away"), at=NOON)
    assert not receiver.at("/ok")


def test_wecom_gets_markdown_with_its_key_in_the_address(receiver):
    assert channels.send(message(f"{receiver.url}/cgi-bin/webhook/send", Channel.WECOM, secret="k-1"), at=NOON) is None
    call = receiver.calls[0]
    assert call.path == "/cgi-bin/webhook/send?key=k-1"
    assert call.json["msgtype"] == "markdown"
    content = call.json["markdown"]["content"]
    assert content.startswith("**新交办：WY-1 不热**")
    assert content.endswith("[打开平台查看](https://portal.example/tickets/WY-1/)")


def test_wecom_never_gets_more_than_its_4096_bytes(receiver):
    body = "\n".join(f"{number}. 超时 42 分钟：WY-{number} 首次响应，责任单位 甲热力" for number in range(1, 60))
    assert channels.send(message(f"{receiver.url}/ok", Channel.WECOM, body=body), at=NOON) is None
    content = receiver.calls[0].json["markdown"]["content"]
    assert len(content.encode()) <= 4096
    assert "……还有" in content
    assert "打开平台查看" in content


def test_dingtalk_is_signed_in_the_address(receiver):
    assert channels.send(message(f"{receiver.url}/robot/send?access_token=t", Channel.DINGTALK, secret="SEC1"), at=NOON) is None
    query = parse_qs(urlsplit(receiver.calls[0].path).query)
    stamp = str(int(NOON.timestamp() * 1000))
    expected = base64.b64encode(hmac.new(b"SEC1", f"{stamp}\nSEC1".encode(), hashlib.sha256).digest()).decode()
    assert query == {"access_token": ["t"], "timestamp": [stamp], "sign": [expected]}
    assert receiver.calls[0].json["markdown"]["title"] == "新交办：WY-1 不热"


def test_feishu_is_signed_in_the_body(receiver):
    assert channels.send(message(f"{receiver.url}/open-apis/bot/v2/hook/x", Channel.FEISHU, secret="F1"), at=NOON) is None
    sent = receiver.calls[0].json
    assert sent["timestamp"] == STAMP
    assert sent["sign"] == base64.b64encode(hmac.new(f"{STAMP}\nF1".encode(), b"", hashlib.sha256).digest()).decode()
    post = sent["content"]["post"]["zh_cn"]
    assert post["title"] == "新交办：WY-1 不热"
    assert post["content"][-1] == [{"tag": "a", "text": "打开平台查看", "href": "https://portal.example/tickets/WY-1/"}]


@pytest.mark.parametrize(
    ("channel", "said", "shown"),
    [
        (Channel.WECOM, {"errcode": 93000, "errmsg": "invalid webhook url"}, "93000"),
        (Channel.DINGTALK, {"errcode": 310000, "errmsg": "sign not match"}, "310000"),
        (Channel.FEISHU, {"code": 19021, "msg": "sign match fail"}, "19021"),
        (Channel.FEISHU, b"<html>gateway</html>", "无法识别"),
        (Channel.WECOM, [1, 2], "无法识别"),
    ],
)
def test_a_robot_that_answers_200_may_still_have_refused(receiver, channel, said, shown):
    receiver.answers["/bot"] = (200, said)
    assert shown in channels.send(message(f"{receiver.url}/bot", channel), at=NOON)


def test_a_resident_s_words_become_neither_link_nor_call_to_everybody(receiver):
    evil = message(f"{receiver.url}/ok", Channel.WECOM, body="<@all> [领奖](http://evil.example) **急**")
    assert channels.send(evil, at=NOON) is None
    content = receiver.calls[0].json["markdown"]["content"]
    assert "<@" not in content
    assert "](http://evil" not in content


def test_a_link_to_elsewhere_is_left_out():
    assert channels.absolute("/tickets/WY-1/") == "https://portal.example/tickets/WY-1/"
    assert channels.absolute("//evil.example/") == ""
    assert channels.absolute("https://evil.example/") == ""
    assert channels.absolute("") == ""


@pytest.mark.parametrize("form", ["json", "form"])
def test_a_text_message_goes_through_the_gateway(receiver, settings, form):
    settings.SMS_URL, settings.SMS_FORMAT, settings.SMS_SECRET = f"{receiver.url}/sms", form, "gate"
    settings.SMS_EXTRA, settings.SMS_ACCEPTED = {"account": "wy"}, "code=0"
    receiver.answers["/sms"] = (200, {"code": 0})
    sms = message("138 0000 0001，13900000002", Channel.SMS, secret="")
    assert channels.send(sms, at=NOON) is None
    call = receiver.calls[0]
    fields = call.json if form == "json" else {name: value for name, (value,) in parse_qs(call.body.decode()).items()}
    assert fields == {
        "account": "wy", "phone": "13800000001,13900000002", "content": "新交办：WY-1 不热 https://portal.example/tickets/WY-1/",
    }  # fmt: skip
    assert call.headers["X-Portal-Signature"] == channels.signature("gate", STAMP, call.body)
    receiver.answers["/sms"] = (200, {"code": 7})
    assert "拒收" in channels.send(sms, at=NOON)


def test_without_a_gateway_no_text_message_counts_as_sent(settings):
    settings.SMS_URL = ""
    assert "SMS_URL" in channels.send(message("13800000001", Channel.SMS), at=NOON)


def test_an_e_mail_arrives_over_smtp(mailbox):
    assert channels.send(message("duty@example.com", Channel.EMAIL, subject="新交办：\r\nBcc: x@y.z"), at=NOON) is None
    envelope = mailbox.mails[0]
    assert envelope.rcpt_tos == ["duty@example.com"]
    mail = email.message_from_bytes(envelope.content, policy=policy.default)
    assert mail["Subject"] == "新交办： Bcc: x@y.z"
    assert mail["Bcc"] is None
    assert mail["Message-ID"] == "<e1.abc@portal.example>"
    text = mail.get_content()
    assert "卧室不热" in text
    assert "138****5678" in text
    assert "查看：https://portal.example/tickets/WY-1/" in text


def test_a_refused_recipient_is_a_failure(mailbox):
    mailbox.refused.add("gone@example.com")
    assert "拒绝" in channels.send(message("gone@example.com", Channel.EMAIL), at=NOON)


def test_a_mail_server_that_is_away_is_a_failure(mailbox, settings):
    settings.EMAIL_PORT = 1
    assert "邮件服务器" in channels.send(message("duty@example.com", Channel.EMAIL), at=NOON)


def test_a_mail_printed_into_the_log_has_reached_nobody(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert "EMAIL_URL" in channels.send(message("duty@example.com", Channel.EMAIL), at=NOON)


def test_several_messages_to_a_robot_become_one():
    both = [message("x", Channel.WECOM, key=f"e1:{n}", subject=f"新交办 {n}", notice_count=n, level=n) for n in (1, 2)]
    one = channels.merged(both)
    assert (one.notice_count, one.level, len(one.lines)) == (3, 2, 2)
    assert "新交办 1" in one.body
    assert "新交办 2" in one.body
