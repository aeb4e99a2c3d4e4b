"""Ticket numbers: WY-20251113-047213. Unique, and telling nobody how many tickets there are or which came before."""

import hashlib
from datetime import datetime

from django.conf import settings

from core import civil
from core.one_trip import Question

HALF = 1000  # six digits are two halves of three
ROUNDS = 6


def serials(count: int) -> Question:
    """The serials of `count` tickets to come: what `numbers` makes numbers of."""
    return Question("SELECT array_agg(nextval('complaints_ticket_serial')) FROM generate_series(1, %s)", (count,))


def numbers(serials: list[int], at: datetime) -> list[str]:
    """The numbers of tickets that come in at `at`; up to a million a day without a repetition."""
    day = civil.day_of(at)
    return [f"WY-{day:%Y%m%d}-{_scatter(serial % (HALF * HALF)):06d}" for serial in serials]


def _scatter(serial: int) -> int:
    """A keyed permutation of 0…999999 (a Feistel network on two halves): every serial has one image, none is shared."""
    left, right = divmod(serial, HALF)
    for turn in range(ROUNDS):
        left, right = right, (left + _noise(turn, right)) % HALF
    return left * HALF + right


def _noise(turn: int, half: int) -> int:
    seed = f"{settings.SECRET_KEY}:{turn}:{half}".encode()
    return int.from_bytes(hashlib.blake2b(seed, digest_size=4).digest()) % HALF
