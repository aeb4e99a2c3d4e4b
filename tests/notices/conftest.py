"""A small district, an HTTP server and a mail server that are real, and misbehave on request."""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller

from core import clock
from tests.notices.world import make_person, make_unit
from units import access
from units.models import Kind, Role


@dataclass
class Call:
    """A request that the receiver got."""

    path: str
    headers: dict
    body: bytes
    at: float

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def key(self):
        return self.headers.get("Idempotency-Key", "")


@dataclass
class Receiver:
    """What came in, and how to answer: `answers` maps a path to (status, body) or a function of the call."""

    url: str
    port: int
    calls: list = field(default_factory=list)
    answers: dict = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)

    def at(self, path: str) -> list:
        return [call for call in self.calls if call.path.partition("?")[0] == path]

    def keys(self) -> Counter:
        return Counter(call.key for call in self.calls)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = Call(self.path, dict(self.headers), body, time.monotonic())
        receiver.calls.append(call)
        path = self.path.partition("?")[0]
        if path.startswith("/hang"):
            receiver.released.wait(30)
            return
        if path == "/drip":
            self._drip()
            return
        answer = receiver.answers.get(path, (200, {"errcode": 0, "errmsg": "ok"}))
        status, content = answer(call) if callable(answer) else answer
        headers = {}
        if status == 302:
            headers, content = {"Location": content}, {}
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _drip(self):
        """One byte of the status line every half second: no single read ever times out."""
        try:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" * 2:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.server.receiver.released.wait(0.5):
                    return
        except OSError:
            pass

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass


@pytest.fixture
def receiver(settings):
    server = Server(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    server.receiver = Receiver(f"http://127.0.0.1:{port}", port)
    settings.WEBHOOK_ALLOWED_HOSTS = [f"127.0.0.1:{port}"]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server.receiver
    server.receiver.released.set()
    server.shutdown()
    server.server_close()


class Mailbox:
    """Keeps what the SMTP server got; refuses the addresses in `refused`."""

    def __init__(self):
        self.mails, self.refused = [], set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox(settings):
    handler = Mailbox()
    # aiosmtpd knocks at its own port to see that it is up, so the port must be known before.
    controller = Controller(handler, hostname="127.0.0.1", port=_free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    yield handler
    controller.stop()


def _free_port() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    server.server_close()
    return port


@pytest.fixture
def district(db):
    """Bureau, task force, its office, a street and two companies, with somebody at each."""
    task_force = make_unit(access.TASK_FORCE, "工作专班", Kind.TASKFORCE)
    office = make_unit(access.OFFICE, "专班办公室", Kind.OFFICE)
    bureau = make_unit(access.BUREAU, "区城管执法局", Kind.BUREAU)
    social = make_unit(access.DISPATCHER, "区委社会工作部", Kind.BUREAU)
    street = make_unit("street-tanjia", "谭家街道", Kind.STREET)
    company = make_unit("demo-heating-1", "甲热力", Kind.HEATING)
    rival = make_unit("demo-heating-2", "乙热力", Kind.HEATING)
    return SimpleNamespace(
        task_force=task_force, office=office, bureau=bureau, social=social, street=street, company=company, rival=rival,
        officer=make_person("officer", bureau, Role.OFFICER), streeter=make_person("streeter", street, Role.OFFICER),
        handler=make_person("handler", company, Role.HANDLER), other=make_person("other", rival, Role.HANDLER),
        admin=make_person("admin", bureau, Role.ADMIN), own_admin=make_person("own-admin", company, Role.ADMIN),
        dispatcher=make_person("dispatcher", social, Role.DISPATCHER),
    )  # fmt: skip


@pytest.fixture
def now():
    """The database's clock: deliveries are real, and so is their time."""
    return clock.now


@pytest.fixture(autouse=True)
def _own_world(unseeded):
    """The stories of this room make their own units and people."""
