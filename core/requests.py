"""A request as it comes from the wire, where even its first line may be meant to hurt."""

import codecs

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

CHARSETS = {"utf-8", "ascii", "iso8859-1", "gb2312", "gbk", "gb18030"}


def is_text(charset: str) -> bool:
    """Whether what says to be in `charset` can be read here. Python knows many a codec that is none of text (zlib, base64)."""
    try:
        return codecs.lookup(charset).name in CHARSETS
    except (LookupError, ValueError):
        return not charset


class Request(WSGIRequest):
    """Django reads the query by whatever charset the content type names, before anything can answer for it: here only by one of text."""

    def _set_content_type_params(self, meta):
        try:
            charset = parse_header_parameters(meta.get("CONTENT_TYPE", ""))[1].get("charset", "")
        except (LookupError, ValueError):
            charset = "?"
        if is_text(charset):
            super()._set_content_type_params(meta)
        else:
            self.content_type, self.content_params = "", {"charset": charset}


class Handler(WSGIHandler):
    """Django's way in, with such requests."""

    request_class = Request
