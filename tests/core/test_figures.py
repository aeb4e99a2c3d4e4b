"""What is shown never looks better than what was counted."""

from decimal import Decimal

import pytest

from core.figures import floored, percent_of


@pytest.mark.parametrize(("kept", "of", "shown"), [
    (0, 0, None), (0, 5, 0.0), (5, 5, 100.0), (2, 3, 66.7), (1999, 2000, 99.9), (99_999, 100_000, 99.9), (1, 100_000, 0.1), (1, 2, 50.0),
])  # fmt: skip
def test_only_all_is_a_hundred_and_only_none_is_nought(kept, of, shown):
    assert percent_of(kept, of) == shown


@pytest.mark.clause("G21")
@pytest.mark.parametrize(("value", "digits", "shown"), [("19.96", 1, "19.9"), ("19.999", 2, "19.99"), ("20", 1, "20.0"), ("20.04", 1, "20.0"), ("-3.44", 1, "-3.5")])
def test_a_mean_below_the_threshold_is_not_shown_as_the_threshold(value, digits, shown):
    assert str(floored(Decimal(value), digits)) == shown
