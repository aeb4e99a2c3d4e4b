"""What may go wrong, said once for people and machines: a code, a sentence in Chinese, and the fields it is about."""


class PortalError(Exception):
    """A refusal that the caller is told. `code` and `status` go over the wire, `message` on the screen."""

    code = "error"
    status = 400

    def __init__(self, message: str, *, field: str | None = None, fields: dict[str, list[str]] | None = None):
        super().__init__(message)
        self.message = message
        self.fields = fields if fields is not None else ({field: [message]} if field else {})


class Invalid(PortalError):
    """What was sent cannot be understood or cannot be true; `fields` says where."""

    code, status = "invalid", 400


class TooLarge(PortalError):
    """More than is read: a file or a body over its limit."""

    code, status = "too_large", 413


class Forbidden(PortalError):
    """One may know of it, but not do this with it."""

    code, status = "forbidden", 403


class NotFound(PortalError):
    """It does not exist, or one may not know that it does."""

    code, status = "not_found", 404

    def __init__(self, message: str = "没有找到，或您无权查看"):
        super().__init__(message)


class Conflict(PortalError):
    """It was so a moment ago; somebody else was quicker, or its state does not allow this."""

    code, status = "conflict", 409


class TooMany(PortalError):
    """Too often in too short a time; `retry_after` in seconds."""

    code, status = "too_many", 429

    def __init__(self, message: str, *, retry_after: int):
        super().__init__(message)
        self.retry_after = retry_after
