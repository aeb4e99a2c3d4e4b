"""Personal data on the screen: masked phones and names, and free text with numbers blotted out."""

import re

# Not preceded or followed by a digit; separators as people type them. Mobile, then landline, then identity number.
_MOBILE = re.compile(r"(?<!\d)((?:\+?86[- ]?)?1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(0\d{2,3}[- ]?)(\d{3,4})(\d{4})(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)(\d{6})\d{8}(\d{3}[\dXx])(?!\d)")
_FULLWIDTH = {ord("０") + i: ord("0") + i for i in range(10)}


def mask_phone(phone: str) -> str:
    """`138****6021`; a landline keeps its area code and its last two digits; anything else shows two digits."""
    digits = re.sub(r"\D", "", phone or "")
    if not digits:
        return ""
    if len(digits) == 11 and digits[0] == "1":
        return f"{digits[:3]}****{digits[7:]}"
    if len(digits) <= 4:
        return "*" * len(digits)
    return f"{digits[: max(len(digits) - 8, 0)]}****{digits[-2:]}"


def mask_name(name: str) -> str:
    """`王**`: the surname, and that there is more."""
    name = (name or "").strip()
    return f"{name[0]}**" if name else ""


def scrub(text: str) -> str:
    """Free text as it may be shown in lists, exports and bulletins: no phone number, no identity number."""
    if not text:
        return ""
    text = text.translate(_FULLWIDTH)
    text = _IDENTITY.sub(r"\1********\2", text)
    text = _MOBILE.sub(r"\1****\3", text)
    return _LANDLINE.sub(r"\1****\3", text)


def normal_phone(phone: str) -> str:
    """Digits only, without country code: the form in which phones are compared and kept."""
    digits = re.sub(r"\D", "", (phone or "").translate(_FULLWIDTH))
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
