"""How the API answers what goes wrong: always {"code", "message", "fields"}, never a 5xx for what a caller sent."""

import json
import logging

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError, connection
from django.http import Http404
from rest_framework import exceptions
from rest_framework.parsers import JSONParser
from rest_framework.response import Response

from core import stamps
from core.errors import PortalError, TooMany

log = logging.getLogger(__name__)

SENTENCES = {
    exceptions.NotAuthenticated: ("not_authenticated", "请先登录或提供令牌"),
    exceptions.AuthenticationFailed: ("not_authenticated", "登录已失效或令牌无效"),
    exceptions.PermissionDenied: ("forbidden", "您无权执行此操作"),
    exceptions.NotFound: ("not_found", "没有找到，或您无权查看"),
    exceptions.MethodNotAllowed: ("method_not_allowed", "不支持这种请求方式"),
    exceptions.NotAcceptable: ("not_acceptable", "无法以所请求的格式回答"),
    exceptions.UnsupportedMediaType: ("unsupported_media_type", "不支持这种内容类型"),
    exceptions.Throttled: ("too_many", "请求过于频繁，请稍后再试"),
    exceptions.ParseError: ("invalid", "请求内容无法解析"),
}


class StrictJSONParser(JSONParser):
    """JSON that a database can keep: nested no deeper than a reader bears, and without halves of characters."""

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            said = super().parse(stream, media_type, parser_context)
            json.dumps(said, ensure_ascii=False).encode()
        except (RecursionError, UnicodeEncodeError) as fault:
            raise exceptions.ParseError from fault
        return said


class Steady:
    """For a view that writes neither the plan nor the register nor anybody's rights: it sees one state of them, and asks for their stamps once."""

    def dispatch(self, request, *args, **kwargs):
        """Authentication included."""
        with stamps.held():
            return super().dispatch(request, *args, **kwargs)


class TakesPhotos:
    """For a view whose JSON carries photos: a body of up to `most_bytes` once it is known who sends it, where others take DATA_UPLOAD_MAX_MEMORY_SIZE."""

    most_bytes = 24 * 1024 * 1024

    def initial(self, request, *args, **kwargs):
        """Whoever may not come in has sent no more than anybody."""
        super().initial(request, *args, **kwargs)
        asked = request._request
        if not hasattr(asked, "_body") and int(asked.META.get("CONTENT_LENGTH") or 0) <= self.most_bytes:
            asked._body = asked.read(self.most_bytes)


def answer_exception(fault: Exception, context) -> Response | None:
    """DRF's exception handler: every refusal in our one shape."""
    if isinstance(fault, PortalError):
        headers = {"Retry-After": str(fault.retry_after)} if isinstance(fault, TooMany) else {}
        return answer(fault.status, fault.code, fault.message, fault.fields, headers)
    if isinstance(fault, Http404):
        return answer(404, "not_found", "没有找到，或您无权查看")
    if isinstance(fault, PermissionDenied):
        return answer(403, "forbidden", "您无权执行此操作")
    if isinstance(fault, exceptions.ValidationError):
        fields = _fields(fault.detail)
        return answer(400, "invalid", next(iter(fields.values()))[0] if fields else "内容不符合要求", fields)
    if isinstance(fault, exceptions.APIException):
        code, message = next(
            (said for kind, said in SENTENCES.items() if isinstance(fault, kind)), (fault.default_code, str(fault.detail))
        )
        headers = {}
        if getattr(fault, "auth_header", None):
            headers["WWW-Authenticate"] = fault.auth_header
        if getattr(fault, "wait", None):
            headers["Retry-After"] = str(int(fault.wait) + 1)
        return answer(fault.status_code, code, message, {}, headers)
    if isinstance(fault, RequestDataTooBig):
        return answer(413, "too_large", "内容过大")
    if isinstance(fault, DataError):
        log.warning("refused by the database: %s", fault)
        return answer(400, "invalid", "内容超出允许的范围")
    if isinstance(fault, (OperationalError, InterfaceError)):
        log.error("the database is out of reach: %s", fault)
        connection.close()
        return answer(503, "unavailable", "系统正在恢复，请稍后重试", {}, {"Retry-After": "5"})
    return None


def answer(status: int, code: str, message: str, fields: dict | None = None, headers: dict | None = None) -> Response:
    """One refusal in the API's shape."""
    return Response({"code": code, "message": message, "fields": fields or {}}, status=status, headers=headers)


def _fields(detail, prefix: str = "") -> dict[str, list[str]]:
    if isinstance(detail, dict):
        found = {}
        for name, value in detail.items():
            key = prefix if name == "non_field_errors" else f"{prefix}.{name}" if prefix else str(name)
            found.update(_fields(value, key))
        return found
    if isinstance(detail, list):
        if all(not isinstance(item, (dict, list)) for item in detail):
            return {prefix or "body": [str(item) for item in detail]}
        found = {}
        for index, item in enumerate(detail):
            if item:
                found.update(_fields(item, f"{prefix}.{index}" if prefix else str(index)))
        return found
    return {prefix or "body": [str(detail)]}
