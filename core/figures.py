"""Figures as they are shown: rounding never makes a threshold look reached that was not."""

from decimal import ROUND_FLOOR, Decimal


def percent_of(kept: int, of: int) -> float | None:
    """`kept` of `of` in percent, to one decimal; None where there is nothing to count.

    Only all of them is 100, and only none of them is 0: 1,999 of 2,000 is 99.9.
    """
    if not of:
        return None
    shown = round(100 * kept / of, 1)
    if kept < of:
        shown = min(shown, 99.9)
    return max(shown, 0.1) if kept > 0 else shown


def floored(value: Decimal, digits: int) -> Decimal:
    """A value to so many decimals, never upward: a mean of 19.96 ℃ is shown as 19.9, not as the 20.0 that it did not reach."""
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR)
