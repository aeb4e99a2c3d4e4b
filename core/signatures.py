"""What proves a request that comes with no session: a signature over its method, path, moment, nonce and body (S25, G22)."""

import hashlib
import hmac
from datetime import datetime, timedelta

WITHIN = timedelta(minutes=5)


def signature(secret: str, *, method: str, path: str, moment: str, nonce: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over five lines: METHOD, path with query, Unix seconds, nonce, hex SHA-256 of the body."""
    said = "\n".join([method.upper(), path, moment, nonce, hashlib.sha256(body).hexdigest()])
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()


def holds(given: str, secret: str, *, method: str, path: str, moment: str, nonce: str, body: bytes) -> bool:
    """Whether a signature that was given is the right one; takes as long for any wrong one."""
    wanted = signature(secret, method=method, path=path, moment=moment, nonce=nonce, body=body)
    return hmac.compare_digest(wanted, given.lower() if given.isascii() else "")


def is_fresh(moment: str, *, at: datetime) -> bool:
    """Whether Unix seconds, as a caller wrote them, lie WITHIN of `at`."""
    return moment.isascii() and moment.isdigit() and len(moment) <= 12 and abs(at.timestamp() - int(moment)) <= WITHIN.total_seconds()
