"""How people write names of units, and which unit they mean."""

import re
import unicodedata

_NOISE = re.compile(r"[\s·.,，。、()（）\[\]【】“”\"'—_-]+")


def normal(name: str) -> str:
    """A name as it is compared: full-width forms folded, no spaces or punctuation."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", name or "")).lower()
