"""The user guide (docs/使用指南.md), served as help."""

from functools import lru_cache
from pathlib import Path

import markdown
from django.conf import settings
from django.utils.safestring import mark_safe
from markdown.extensions.toc import TocExtension, slugify_unicode

GUIDE = Path(settings.BASE_DIR) / "docs" / "使用指南.md"


@lru_cache(maxsize=1)
def html() -> str:
    """The guide as HTML. It is our own text, part of the repository, and takes nothing from anybody."""
    # The chapters only: with every section the contents would fill the first screen. The ids are words, to be sent in a link.
    contents = TocExtension(toc_depth="2-2", slugify=slugify_unicode)
    return mark_safe(markdown.markdown(GUIDE.read_text(encoding="utf-8"), extensions=[contents, "tables"]))  # noqa: S308  # nosec B308 B703
