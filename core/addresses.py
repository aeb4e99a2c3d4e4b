"""From where somebody calls: the address that our own proxies vouch for, and no header that a caller may write."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The caller's address, as the outermost of our PROXY_COUNT proxies saw it; without proxies the connection's own."""
    proxies = settings.PROXY_COUNT
    if proxies:
        seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        if len(seen) >= proxies:
            return seen[-proxies][:64]
    return request.META.get("REMOTE_ADDR", "")[:64]
