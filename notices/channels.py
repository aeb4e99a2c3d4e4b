"""How a message looks on each channel, and whether the other side took it."""

import base64
import hashlib
import hmac
import json
import logging
import re
import smtplib
from datetime import datetime
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from core.privacy import scrub
from notices import wire
from notices.models import Channel, Endpoint, Message
from notices.wire import Refused

log = logging.getLogger(__name__)

SMTP_SECONDS = 3
# What the platforms take: bytes of a text. WeCom counts 4096, DingTalk 20000, Feishu 20 KB for the whole request.
MOST_BYTES = {Channel.WECOM: 4000, Channel.DINGTALK: 18000, Channel.FEISHU: 15000}
MOST_SMS = 280
PRINTERS = ("console", "dummy", "filebased")
# Characters that mean something in the robots' markdown; a resident's words must not become a link or a call to everybody.
PLAIN = str.maketrans({"[": "［", "]": "］", "<": "＜", ">": "＞", "*": "＊", "`": "'", "@": "＠", "#": "＃", "|": "｜", "~": "～", "_": "＿"})


def send(message: Message, *, at: datetime) -> str | None:
    """Send one message to its endpoint; None when the other side took it, else a short reason in Chinese.

    `at` is the moment that signatures carry. Touches no database; never raises for what the other side does.
    """
    endpoint = message.endpoint
    try:
        WAYS[Channel(endpoint.channel)](endpoint, message, at)
    except Refused as fault:
        return str(fault)[:200]
    return None


def merged(messages: list[Message]) -> Message:
    """Several messages to one robot as one, unsaved: robots take twenty a minute, and people read one rather than five."""
    if len(messages) == 1:
        return messages[0]
    count = sum(message.notice_count for message in messages)
    return Message(
        key=messages[0].key, endpoint=messages[0].endpoint, subject=f"共 {count} 件，分 {len(messages)} 批", link="/inbox/",
        body="\n\n".join(f"{message.subject}\n{message.body}" for message in messages), notice_count=count,
        level=max(message.level for message in messages), lines=[line for message in messages for line in message.lines],
        created_at=messages[0].created_at,
    )  # fmt: skip


def absolute(link: str) -> str:
    """A link of the portal as the outside must write it; a link to elsewhere is none of ours and is left out."""
    if not link.startswith("/") or link.startswith("//"):
        return ""
    return settings.PUBLIC_URL.rstrip("/") + link


def check_address(channel: str, address: str) -> None:
    """Refused unless `address` has the form that its channel needs. Sends nothing and asks no name server."""
    if channel == Channel.EMAIL:
        if not re.fullmatch(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9.-]{1,250}", address):
            raise Refused("邮箱地址格式不正确")
    elif channel == Channel.SMS:
        _phones(address)
    else:
        wire.check_form(address)


def host_of(channel: str, address: str) -> str:
    """Which server an endpoint depends on: the endpoints of one server are served a few at a time."""
    if channel == Channel.EMAIL:
        return "smtp"
    return wire.host_of(settings.SMS_URL if channel == Channel.SMS else address)


# ---------------------------------------------------------------- e-mail


def _send_email(endpoint: Endpoint, message: Message, at: datetime) -> None:
    if any(name in settings.EMAIL_BACKEND for name in PRINTERS):
        # A message that was printed into a log has reached nobody, and must not be shown as delivered.
        raise Refused("尚未配置邮件服务器（EMAIL_URL）")
    link = absolute(message.link)
    domain = urlsplit(settings.PUBLIC_URL).hostname or "portal"
    mail = EmailMessage(
        subject=" ".join(scrub(message.subject).split())[:150],
        body=(message.body if endpoint.for_residents else scrub(message.body)) + (f"\n\n查看：{link}" if link else ""),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[message.to or endpoint.address],
        # The same number when it is sent again: mail programs show such a message once.
        headers={"Message-ID": f"<{message.key.replace(':', '.')}@{domain}>", "Auto-Submitted": "auto-generated"},
        connection=get_connection(timeout=SMTP_SECONDS),
    )
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as fault:
        raise Refused("收件地址被邮件服务器拒绝") from fault
    except smtplib.SMTPAuthenticationError as fault:
        raise Refused("邮件服务器登录失败") from fault
    except smtplib.SMTPResponseException as fault:
        raise Refused(f"邮件服务器答复 {fault.smtp_code}") from fault
    except TimeoutError as fault:
        raise Refused("邮件服务器超时") from fault
    except (smtplib.SMTPException, OSError, ValueError) as fault:
        raise Refused("无法连接邮件服务器") from fault


# ---------------------------------------------------------------- robots


def _send_wecom(endpoint: Endpoint, message: Message, at: datetime) -> None:
    # WeCom knows no signature: the key in the address is the secret, and may be kept apart from it.
    url = endpoint.address
    if endpoint.secret and "key=" not in url:
        url = _with_query(url, f"key={quote_plus(endpoint.secret)}")
    _post_to_robot(url, {"msgtype": "markdown", "markdown": {"content": _markdown(message, MOST_BYTES[Channel.WECOM])}})


def _send_dingtalk(endpoint: Endpoint, message: Message, at: datetime) -> None:
    url = endpoint.address
    if endpoint.secret:
        stamp = str(int(at.timestamp() * 1000))
        url = _with_query(url, f"timestamp={stamp}&sign={quote_plus(dingtalk_sign(endpoint.secret, stamp))}")
    text = _markdown(message, MOST_BYTES[Channel.DINGTALK])
    _post_to_robot(url, {"msgtype": "markdown", "markdown": {"title": scrub(message.subject)[:60], "text": text}})


def _send_feishu(endpoint: Endpoint, message: Message, at: datetime) -> None:
    rows = [[{"tag": "text", "text": row}] for row in _rows(message, MOST_BYTES[Channel.FEISHU])]
    link = absolute(message.link)
    if link:
        rows.append([{"tag": "a", "text": "打开平台查看", "href": link}])
    payload = {"msg_type": "post", "content": {"post": {"zh_cn": {"title": scrub(message.subject), "content": rows}}}}
    if endpoint.secret:
        stamp = str(int(at.timestamp()))
        payload = {"timestamp": stamp, "sign": feishu_sign(endpoint.secret, stamp), **payload}
    _post_to_robot(endpoint.address, payload)


def dingtalk_sign(secret: str, stamp: str) -> str:
    """DingTalk 加签: HMAC-SHA256 of "timestamp\\nsecret" under the secret, base64; `stamp` in milliseconds."""
    return base64.b64encode(hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()).decode()


def feishu_sign(secret: str, stamp: str) -> str:
    """Feishu 签名校验: HMAC-SHA256 of nothing under "timestamp\\nsecret", base64; `stamp` in seconds."""
    return base64.b64encode(hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


def _post_to_robot(url: str, payload: dict) -> None:
    answer = _post_json(url, json.dumps(payload, ensure_ascii=False).encode(), {})
    said = _object(answer.body)
    # The platforms answer 200 to everything; what they think of it is in the body.
    code = next((said[name] for name in ("errcode", "code", "StatusCode") if name in said), None)
    if code is None:
        raise Refused("机器人应答无法识别")
    if code != 0:
        reason = str(said.get("errmsg") or said.get("msg") or said.get("StatusMessage") or "")
        raise Refused(f"机器人拒收（{code}）{_shown(reason)}")


def _markdown(message: Message, most: int) -> str:
    link = absolute(message.link)
    foot = f"\n\n[打开平台查看]({link})" if link else ""
    head = f"**{scrub(message.subject).translate(PLAIN)}**"
    rows = _rows(message, most - len(head.encode()) - len(foot.encode()) - 8, plain=True)
    return "\n\n".join([head, *rows]) + foot


def _rows(message: Message, most: int, *, plain: bool = False) -> list[str]:
    """The message line by line, as many lines as fit into `most` bytes; what does not fit is counted."""
    rows, room = [], most - 60
    texts = [text for text in scrub(message.body).split("\n") if text.strip()]
    if texts and texts[0] == scrub(message.subject):
        texts = texts[1:]
    for index, text in enumerate(texts):
        row = text.translate(PLAIN) if plain else text
        room -= len(row.encode()) + 2
        if room < 0:
            rows.append(f"……还有 {len(texts) - index} 行，请打开平台查看")
            break
        rows.append(row)
    return rows


# ---------------------------------------------------------------- other systems


def _send_webhook(endpoint: Endpoint, message: Message, at: datetime) -> None:
    payload = {
        "key": message.key, "unit": endpoint.unit.code, "subject": scrub(message.subject), "body": scrub(message.body),
        "link": absolute(message.link), "level": message.level, "count": message.notice_count,
        "created_at": message.created_at.isoformat(),
        "lines": [
            {"text": scrub(line["text"]), "link": absolute(line.get("link", "")), "level": line.get("level", 0)} for line in message.lines
        ],
    }  # fmt: skip
    body = json.dumps(payload, ensure_ascii=False).encode()
    answer = _post_json(endpoint.address, body, _signed(endpoint.secret, message.key, body, at))
    if not 200 <= answer.status < 300:
        raise Refused(_status_words(answer.status))


def _send_sms(endpoint: Endpoint, message: Message, at: datetime) -> None:
    if not settings.SMS_URL:
        raise Refused("尚未配置短信网关（SMS_URL）")
    link = absolute(message.link)
    room = MOST_SMS - len(link) - 1
    text = scrub(message.subject)
    text = (text if len(text) <= room else text[: room - 1] + "…") + (f" {link}" if link else "")
    text = message.body if endpoint.for_residents else text  # the plan's own words, whole
    fields = {**settings.SMS_EXTRA, settings.SMS_PHONE_FIELD: ",".join(_phones(message.to or endpoint.address)), settings.SMS_TEXT_FIELD: text}
    is_form = settings.SMS_FORMAT == "form"
    body = urlencode(fields).encode() if is_form else json.dumps(fields, ensure_ascii=False).encode()
    headers = _signed(endpoint.secret or settings.SMS_SECRET, message.key, body, at)
    if is_form:
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
    answer = _post_json(settings.SMS_URL, body, headers)
    if not 200 <= answer.status < 300:
        raise Refused(f"短信网关：{_status_words(answer.status)}")
    name, _, wanted = settings.SMS_ACCEPTED.partition("=")
    if name and str(_object(answer.body).get(name)) != wanted:
        raise Refused(f"短信网关拒收{_shown(str(_object(answer.body).get(name, '')))}")


def signature(secret: str, stamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC of "timestamp.body" under the endpoint's secret: how a receiver knows that it was us."""
    return "sha256=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _signed(secret: str, key: str, body: bytes, at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    headers = {"Idempotency-Key": key, "X-Portal-Timestamp": stamp}
    if secret:
        headers["X-Portal-Signature"] = signature(secret, stamp, body)
    return headers


def _post_json(url: str, body: bytes, headers: dict[str, str]) -> wire.Answer:
    answer = wire.post(url, body, {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json", **headers})
    if 300 <= answer.status < 400:
        raise Refused("对方要求转向，不予跟随")
    return answer


def _object(body: bytes) -> dict:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _shown(reason: str) -> str:
    reason = scrub(re.sub(r"\s+", " ", reason)).strip()[:80]
    return f"：{reason}" if reason else ""


def _status_words(status: int) -> str:
    known = {401: "对方不认可签名", 403: "对方不允许", 404: "地址不存在", 410: "地址已停用", 413: "内容过长", 429: "对方限流"}
    return f"{known.get(status, '对方出错' if status >= 500 else '对方拒收')}（{status}）"


def _phones(text: str) -> list[str]:
    phones = [re.sub(r"[\s-]", "", part) for part in re.split(r"[,，;；、]", text) if part.strip()]
    if not phones or len(phones) > 20 or any(not re.fullmatch(r"(\+?86)?1[3-9]\d{9}", phone) for phone in phones):
        raise Refused("手机号格式不正确，多个号码用逗号分开")
    return phones


def _with_query(url: str, query: str) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{quote(query, safe='=&%+-_.~')}"


WAYS = {
    Channel.EMAIL: _send_email,
    Channel.WECOM: _send_wecom,
    Channel.DINGTALK: _send_dingtalk,
    Channel.FEISHU: _send_feishu,
    Channel.WEBHOOK: _send_webhook,
    Channel.SMS: _send_sms,
}
