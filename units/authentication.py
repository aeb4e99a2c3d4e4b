"""`Authorization: Token …`: a system's way in."""

from drf_spectacular import authentication as schemes
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions

from core import clock, signatures
from core.addresses import client_address
from units.selectors import token_of


class TokenAuthentication(authentication.BaseAuthentication):
    """Finds the account behind a token; a wrong or revoked one is refused, none at all leaves it to the session.

    A token may be held to networks, and to signing each request (S25). `request.auth` is the token.
    """

    keyword = "Token"

    def authenticate(self, request):
        parts = authentication.get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"token":
            return None
        if len(parts) != 2:
            raise exceptions.AuthenticationFailed("令牌格式应为 Authorization: Token …")
        try:
            token = token_of(parts[1].decode("ascii"))
        except UnicodeDecodeError:
            token = None
        if token is None or not token.is_from(client_address(request)):
            raise exceptions.AuthenticationFailed("令牌无效，或不能从这个地址使用")
        if token.signing_secret:
            _require_signature(request, token.signing_secret)
        return token.user, token

    def authenticate_header(self, request):
        return self.keyword


def _require_signature(request, secret: str) -> None:
    """AuthenticationFailed unless the whole request is signed, now. Sent again it is answered alike: its number makes it the same (R7)."""
    moment, nonce, given = (request.headers.get(name, "") for name in ("X-Timestamp", "X-Nonce", "X-Signature"))
    asked = request._request
    if not signatures.holds(given, secret, method=asked.method, path=asked.get_full_path(), moment=moment, nonce=nonce, body=asked.body):
        raise exceptions.AuthenticationFailed("签名不正确")
    if not signatures.is_fresh(moment, at=clock.now()):
        raise exceptions.AuthenticationFailed("时间戳不在前后 5 分钟之内，请校准时钟")


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, which proves itself by its form's token: asked for first, before the body's kind is (403, not 415)."""

    def enforce_csrf(self, request):
        """Look for the token in the request as it came: DRF's own form knows no other body than the view's."""
        super().enforce_csrf(request._request)


class SessionScheme(schemes.SessionScheme):
    """How the description of the interface tells of it."""

    target_class = SessionAuthentication


class TokenScheme(OpenApiAuthenticationExtension):
    """How the description of the interface tells of it."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token 加空格加令牌，例如 Authorization: Token abc…"}
