"""Nothing is sent inwards, and nobody is waited for longer than the budget."""

import socket
import time

import pytest

from notices import wire
from notices.wire import Refused

INWARDS = [
    "http://127.0.0.1/", "http://localhost/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://0/", "http://0.0.0.0/", "http://10.0.0.8/", "http://172.16.3.4/", "http://192.168.1.1/", "http://169.254.169.254/latest/",
    "http://100.64.0.1/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[fe80::1]/",
    "http://[fd00::1]/", "http://[64:ff9b::7f00:1]/", "http://[::127.0.0.1]/", "http://[::ffff:0:7f00:1]/", "http://１２７.0.0.1/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://localhost./", "http://[2002:7f00:1::]/", "http://224.0.0.1/", "http://255.255.255.255/",
]  # fmt: skip
MALFORMED = [
    "", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)", "//example.com/", "http://",
    "http://user:pass@example.com/", "http://example.com@127.0.0.1/", "http://exa mple.com/", "http://example.com\\@127.0.0.1/",
    "http://example.com:22/", "http://example.com:6379/", "http://example.com:99999/", "http://[::1", "http://example.com/\r\nX: y",
    "http://" + "a" * 3000 + ".com/",
]  # fmt: skip


@pytest.mark.parametrize("url", INWARDS)
def test_no_address_leads_inwards(url, monkeypatch):
    connected = []
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: connected.append(args))
    with pytest.raises(Refused):
        wire.post(url, b"{}", {})
    assert not connected


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_proper_address_is_refused_by_its_text(url):
    with pytest.raises(Refused):
        wire.check_form(url)


def test_one_inward_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    monkeypatch.setattr(wire.socket, "getaddrinfo", lambda *a, **k: _found("93.184.216.34", "127.0.0.1"))
    with pytest.raises(Refused, match="内网"):
        wire.check("https://two-faced.example/")


def test_the_connection_goes_to_the_very_address_that_was_checked(monkeypatch):
    """A name that answers differently the second time gains nothing: it is asked once."""
    asked, connected = [], []

    def lookup(host, *args, **kwargs):
        asked.append(host)
        return _found("93.184.216.34" if len(asked) == 1 else "127.0.0.1")

    def connect(address, **kwargs):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(wire.socket, "getaddrinfo", lookup)
    monkeypatch.setattr(wire.socket, "create_connection", connect)
    with pytest.raises(Refused, match="拒绝连接"):
        wire.post("http://rebinding.example/", b"{}", {})
    assert asked == ["rebinding.example"]
    assert connected == [("93.184.216.34", 80)]


def test_an_operator_may_allow_his_own_robots(receiver, settings):
    assert wire.post(f"{receiver.url}/ok", b"{}", {}).status == 200
    settings.WEBHOOK_ALLOWED_HOSTS = []
    with pytest.raises(Refused, match="端口"):
        wire.post(f"{receiver.url}/ok", b"{}", {})
    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert wire.post(f"{receiver.url}/ok", b"{}", {}).status == 200
    assert len(receiver.calls) == 2


def test_the_environment_s_proxies_are_not_asked(receiver, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert wire.post(f"{receiver.url}/ok", b"{}", {}).status == 200


def test_who_hangs_is_left_after_the_read_time_out(receiver):
    began = time.monotonic()
    with pytest.raises(Refused, match="超时"):
        wire.post(f"{receiver.url}/hang", b"{}", {})
    assert 2.5 < time.monotonic() - began < 15


def test_who_drips_is_left_when_the_budget_is_spent(receiver):
    began = time.monotonic()
    with pytest.raises(Refused, match="超时"):
        wire.post(f"{receiver.url}/drip", b"{}", {})
    assert time.monotonic() - began < wire.BUDGET_SECONDS + 10


def test_a_silent_name_server_is_left_too(monkeypatch):
    monkeypatch.setattr(wire.socket, "getaddrinfo", lambda *a, **k: time.sleep(3.5))
    began = time.monotonic()
    with pytest.raises(Refused, match="解析超时"):
        wire.post("http://slow.example/", b"{}", {})
    assert time.monotonic() - began < 15


def test_of_a_long_answer_only_the_beginning_is_read(receiver):
    receiver.answers["/long"] = (200, b"x" * 5_000_000)
    assert len(wire.post(f"{receiver.url}/long", b"{}", {}).body) == wire.MOST_BODY


def test_nobody_there_is_said_in_words(receiver, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Refused, match="拒绝连接"):
            wire.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", b"{}", {})


def _found(*addresses):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]
