"""What comes from the wire before Django knows what it is (S26)."""


import pytest
from django.test import Client, RequestFactory

from core.requests import Handler
from tests.story import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.guard("S26")]


def asked(content_type: str, query: str = "q=%E4%B8%AD") -> int:
    """The status that the WSGI application itself answers, as gunicorn calls it."""
    said = []
    environ = RequestFactory()._base_environ(PATH_INFO="/livez", QUERY_STRING=query, CONTENT_TYPE=content_type)
    b"".join(Handler()(environ, lambda status, headers: said.append(status)))
    return int(said[0].split()[0])


@pytest.mark.parametrize("charset", ["zlib", "base64", "rot13", "idna", "undefined", "unicode_escape", "utf-16", "no-such", "*=nope''%41", "a\x00b"])
def test_a_charset_that_is_none_of_text_breaks_nothing_and_is_refused(charset):
    assert asked(f"application/json; charset={charset}" if charset[0] != "*" else f"application/json; charset{charset}") == 415


@pytest.mark.parametrize("content_type", ["", "application/json", "application/json; charset=utf-8", 'text/plain; charset="UTF-8"', "text/plain; charset=GB18030", ";;;=;"])
def test_whatever_is_text_is_read(content_type):
    assert asked(content_type) == 200


def test_what_is_longer_than_anything_here_reads_is_refused_before_it_is_read():
    caller = Caller("social-work", "dispatcher")
    answer = caller.post("tickets/", {"content": "长" * 800_000})
    assert answer.status_code == 413 and answer.json() == {"code": "too_large", "message": "内容过大", "fields": {}}
    for path in ("/login/", "/api/v1/tickets/"):
        answer = Client().post(path, b"x", content_type="application/json", headers={"Content-Length": str(65 * 1024 * 1024)})
        assert answer.status_code == 413


@pytest.mark.guard("S22", "S23")
@pytest.mark.parametrize("path", ["/nothing/", "/nothing/%00", "/?q=%00", "/api/v1/nothing/", "/api/v1/tickets/?q=%00", "/track/no-such-key/", "/livez", "/static/no-such.js"])
def test_a_refusal_carries_the_same_headers_as_a_page(path):
    answer = Client().get(path)
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy"):
        assert answer.headers.get(name), (path, answer.status_code, name)
    assert "no-store" in answer.headers.get("Cache-Control", "") or path.startswith("/static/")
