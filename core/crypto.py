"""Phones and names at rest: encrypted with rotating keys, searchable by a blind index."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache(maxsize=1)
def _box() -> MultiFernet:
    return MultiFernet([Fernet(_fernet_key(key)) for key in settings.FIELD_KEYS])


def _fernet_key(secret: str) -> bytes:
    """Any secret text as a Fernet key, so that an operator may choose the form of the secret."""
    return urlsafe_b64encode(hashlib.sha256(secret.encode()).digest())


def seal(text: str) -> str:
    """`text` encrypted under the newest key; empty stays empty."""
    return _box().encrypt(text.encode()).decode() if text else ""


def unseal(token: str) -> str:
    """The text that was sealed; an unreadable token (a lost key) reads as a mark, never as an error page."""
    if not token:
        return ""
    try:
        return _box().decrypt(token.encode()).decode()
    except InvalidToken:
        return "〔无法解密〕"


def blind_index(text: str) -> str:
    """A keyed digest by which an equal text is found without decrypting: 32 hex digits, empty for empty."""
    if not text:
        return ""
    return hmac.new(settings.FIELD_KEYS[-1].encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


class SealedTextField(models.TextField):
    """A text that is encrypted in the database and clear in Python. It cannot be searched: keep a blind index beside it."""

    def get_prep_value(self, value):
        return seal(super().get_prep_value(value) or "")

    def from_db_value(self, value, expression, connection):
        return unseal(value) if value is not None else ""
