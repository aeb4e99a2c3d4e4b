"""The URL configuration, laid out flat: for `show_urls` and for the tests that walk every door."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver


@dataclass(frozen=True)
class Address:
    """One address: its pattern as a path, its name with namespace, and the view behind it."""

    path: str
    name: str
    view: str
    callback: object


def addresses(resolver, prefix: str = "/", space: str = "") -> Iterator[Address]:
    """Every address under a resolver, in the order in which Django tries them."""
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, path, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None) or pattern.callback
            yield Address(path, f"{space}{pattern.name}" if pattern.name else "", f"{view.__module__}.{view.__qualname__}", pattern.callback)
