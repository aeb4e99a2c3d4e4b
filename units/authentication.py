"""`Authorization: Token …`: a system's way in."""

from drf_spectacular import authentication as schemes
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions

from units.selectors import token_owner


class TokenAuthentication(authentication.BaseAuthentication):
    """Finds the account behind a token; a wrong or revoked one is refused, none at all leaves it to the session."""

    keyword = "Token"

    def authenticate(self, request):
        parts = authentication.get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"token":
            return None
        if len(parts) != 2:
            raise exceptions.AuthenticationFailed("令牌格式应为 Authorization: Token …")
        try:
            owner = token_owner(parts[1].decode("ascii"))
        except UnicodeDecodeError:
            owner = None
        if owner is None:
            raise exceptions.AuthenticationFailed("令牌无效")
        return owner, None

    def authenticate_header(self, request):
        return self.keyword


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
