"""One HTTP request to an address that somebody typed in: never inwards, never for long, never more than it should read.

The name is resolved once, every address it has is checked, and the connection goes to the very address that was checked,
so that a name cannot answer differently the second time. No redirect is followed, no proxy or credential of the
environment is used, and the whole exchange has a budget.
"""

import http.client
import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

PORTS = {80, 443, 8443}
CONNECT_SECONDS = 1.0
READ_SECONDS = 3.0
BUDGET_SECONDS = 5.0
MOST_BODY = 4 * 1024
MOST_BYTES = 64 * 1024
# Addresses that carry an IPv4 address inside, by which one could mean another than one says.
TUNNELS = [ipaddress.ip_network(net) for net in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]

_resolving = threading.BoundedSemaphore(32)


class Refused(Exception):
    """It was not sent, or not accepted; the text says in Chinese why, and is short."""


@dataclass(frozen=True)
class Answer:
    """What came back: the status, and the first few kilobytes of the body."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Target:
    """A checked address: the parts of the URL, and the network address to which the connection will go."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]


def host_of(url: str) -> str:
    """The host and port that a URL names, in lower case; empty where it names none."""
    try:
        return urlsplit(url.strip()).netloc.rpartition("@")[2].lower()[:200]
    except ValueError:
        return ""


def check_form(url: str) -> SplitResult:
    """The parts of a URL that is well formed and allowed as far as its text goes; Refused otherwise. Asks no name server."""
    if not url or len(url) > 2000 or re.search(r"[\x00-\x20\x7f\\]", url):
        raise Refused("地址格式不正确")
    try:
        parts = urlsplit(url)
        port, host = parts.port or (443 if parts.scheme == "https" else 80), parts.hostname
    except ValueError as fault:
        raise Refused("地址格式不正确") from fault
    if parts.scheme not in ("http", "https") or not host:
        raise Refused("地址须以 http:// 或 https:// 开头")
    if parts.username is not None or parts.password is not None:
        raise Refused("地址中不能含有用户名或密码")
    if not _is_allowed(host, port) and not settings.WEBHOOK_ALLOW_PRIVATE and port not in PORTS:
        raise Refused("只允许 80、443、8443 端口")
    return parts


def check(url: str, *, until: float | None = None) -> Target:
    """Resolve and check a URL; `until` (monotonic seconds) ends the wait for the name server. Refused says what is wrong."""
    parts = check_form(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        host = parts.hostname.encode("idna").decode("ascii") if not parts.hostname.isascii() else parts.hostname
    except UnicodeError as fault:
        raise Refused("地址格式不正确") from fault
    addresses = _resolve(host, port, until if until is not None else time.monotonic() + CONNECT_SECONDS)
    if not _is_allowed(parts.hostname, port):
        for address in addresses:
            if not _is_reachable(address):
                raise Refused("不允许发往内网或保留地址")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, _quoted(path), tuple(addresses))


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """POST `body`; the answer whatever its status. Refused when it is not allowed, not reached or not answered in time."""
    until = time.monotonic() + BUDGET_SECONDS
    target = check(url, until=until)
    try:
        wire = _Wire(_connect(target, until), until)
    except (OSError, ValueError) as fault:
        raise Refused(_why(fault, "连接")) from fault
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = wire
    default = 443 if target.scheme == "https" else 80
    host = f"[{target.host}]" if ":" in target.host else target.host
    try:
        connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host if target.port == default else f"{host}:{target.port}")
        for name, value in {"User-Agent": "weiyang-portal", "Connection": "close", **headers}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, response.read(MOST_BODY))
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise Refused(_why(fault, "应答")) from fault
    finally:
        wire.sock.close()


# ---------------------------------------------------------------- where it goes


def _is_allowed(host: str, port: int) -> bool:
    """Whether the operator named this host (or host:port) as one of his own."""
    host = host.lower()
    return any(entry.lower() in (host, f"{host}:{port}") for entry in settings.WEBHOOK_ALLOWED_HOSTS)


def _is_reachable(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif any(address in net for net in TUNNELS):
            return False
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    return address.is_global or (settings.WEBHOOK_ALLOW_PRIVATE and address.is_private)


def _resolve(host: str, port: int, until: float) -> list[str]:
    """Every address of a name. In a thread of its own, because a name server that is silent has no time limit."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    if not _resolving.acquire(blocking=False):
        raise Refused("域名解析拥堵")
    answers: queue.SimpleQueue = queue.SimpleQueue()

    def ask():
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as fault:
            answers.put(fault)
        finally:
            _resolving.release()

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        found = answers.get(timeout=max(min(until - time.monotonic(), 2 * CONNECT_SECONDS), 0.05))
    except queue.Empty as fault:
        raise Refused("域名解析超时") from fault
    addresses = list(dict.fromkeys(entry[4][0] for entry in found)) if isinstance(found, list) else []
    if not addresses:
        raise Refused("域名无法解析")
    return addresses


def _connect(target: Target, until: float) -> socket.socket:
    last: OSError | None = None
    for address in target.addresses[:3]:
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            sock = socket.create_connection((address, target.port), timeout=min(CONNECT_SECONDS, left))
        except OSError as fault:
            last = fault
            continue
        if target.scheme == "http":
            return sock
        try:
            # Since Python 3.5 the time-out is that of the whole handshake.
            sock.settimeout(max(min(READ_SECONDS, until - time.monotonic()), 0.05))
            return _tls().wrap_socket(sock, server_hostname=target.host)
        except OSError:
            sock.close()
            raise
    raise last or TimeoutError


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Wire:
    """A socket to http.client that keeps the budget at every single read, so that a dripping answer ends, too."""

    def __init__(self, sock: socket.socket, until: float):
        self.sock, self.until = sock, until

    def sendall(self, data: bytes) -> None:
        self.sock.settimeout(_left(self.until))
        self.sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self.sock, self.until))

    def close(self) -> None:
        """http.client closes as soon as it has the headers; the body is still to be read, so `post` closes."""


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, until: float):
        self.sock, self.until, self.room = sock, until, MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if self.room <= 0:
            raise ValueError("the answer is too long")
        self.sock.settimeout(_left(self.until))
        count = self.sock.recv_into(buffer, min(len(buffer), self.room))
        self.room -= count
        return count


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(READ_SECONDS, left)


def _quoted(path: str) -> str:
    return "".join(char if char.isascii() else "".join(f"%{byte:02X}" for byte in char.encode()) for char in path)


def _why(fault: Exception, step: str) -> str:
    if isinstance(fault, TimeoutError):
        return f"{step}超时"
    if isinstance(fault, ssl.SSLCertVerificationError):
        return "证书校验未通过"
    if isinstance(fault, ssl.SSLError):
        return "安全连接失败"
    if isinstance(fault, ConnectionRefusedError):
        return "对方拒绝连接"
    if isinstance(fault, (http.client.HTTPException, ValueError)):
        return "对方应答无法识别"
    return f"{step}中断"
