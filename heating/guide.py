"""The user guide (docs/使用指南.md), served as help."""

from functools import lru_cache
from pathlib import Path

import markdown
from django.conf import settings
from django.utils.safestring import mark_safe

GUIDE = Path(settings.BASE_DIR) / "docs" / "使用指南.md"


@lru_cache(maxsize=1)
def html() -> str:
    """The guide as HTML. It is our own text, part of the repository, and takes nothing from anybody."""
    return mark_safe(markdown.markdown(GUIDE.read_text(encoding="utf-8"), extensions=["toc", "tables"]))  # noqa: S308
