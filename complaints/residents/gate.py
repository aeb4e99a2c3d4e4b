"""The gate before the residents' form: machines are kept out, people are not; a picture is asked for only past a threshold."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from captcha.models import CaptchaStore
from django.core import signing

from complaints.models import Code, CodeScope
from core import limits
from core.errors import Invalid
from core.privacy import normal_phone

LEAST_SECONDS = 3  # nobody fills in the form in less
WINDOW, DAY = timedelta(minutes=10), timedelta(days=1)
FREE_TRIES, PER_PHONE = 2, 3  # of one telephone: in a window without a sum, and in a day at all
# Of one address without a sum. A carrier puts a whole quarter behind one address: where many addresses send at once, it
# is a cold night and no machine, and none of them is asked that sends less than its share, up to the most of a crowd.
PER_ADDRESS, CROWD_SHARE, MOST_OF_A_CROWD = 100, 4, 600
MOST_OF_ALL = 6000  # of everybody in a window: past it, everybody answers a sum first, and nobody is refused for it
PER_CODE = {CodeScope.BUILDING: 100, CodeScope.COMMUNITY: 300, CodeScope.COMPANY: 1500, CodeScope.DISTRICT: 3000}
UNSOLVED, AGAIN = 20, 12  # answers without the sum from one address, and the same form sent again, in a window
_SALT = "resident-form"


@dataclass(frozen=True)
class Challenge:
    """A small sum in a picture: its key, and the address of the picture."""

    key: str

    @property
    def image(self) -> str:
        """Where the picture is served."""
        return f"/captcha/image/{self.key}/"


def stamp(at: datetime) -> str:
    """A signed moment that the form carries: when it was opened."""
    return signing.dumps(at.timestamp(), salt=_SALT, compress=False)


def challenge() -> Challenge:
    """A new sum."""
    return Challenge(CaptchaStore.generate_key())


def is_frequent(address: str, *, at: datetime) -> bool:
    """Whether so much came lately that a sum is asked for: from this address alone among all, or from everybody together (S19)."""
    sent, by_all = (limits.counted(scope, whose, window=WINDOW, at=at) for scope, whose in (("form-address", address), ("form-all", "")))
    if by_all >= MOST_OF_ALL:
        return True
    return sent >= PER_ADDRESS and (sent >= MOST_OF_A_CROWD or sent * CROWD_SHARE > by_all)


def pass_through(address: str, code: Code, *, phone: str, trap: str, opened: str, key: str, answer: str, at: datetime) -> None:
    """Let a filled-in form through and count it. Invalid (answer) where a sum is due and not solved; TooMany for a telephone's
    day, and for whoever sends on and on without solving.

    Whoever solves the sum is never refused for what others send from the same address (S19).
    """
    phone = normal_phone(phone)
    if (_must_answer(address, code, phone, at) or trap or _seconds_since(opened, at) < LEAST_SECONDS) and not _is_right(key, answer, at):
        limits.require("form-unsolved", address, most=UNSOLVED, window=WINDOW, at=at, message="请填写图中算式的得数，再点提交")
        raise Invalid("请填写图中算式的得数", field="answer")
    said = "这部电话今天提交较多。请用受理号跟进原诉求，紧急情况请拨打 24 小时电话或 12345"
    limits.require("form-phone", phone, most=PER_PHONE, window=DAY, at=at, message=said)
    for scope, whose in (("form-try", phone), ("form-address", address), ("form-code", str(code.pk)), ("form-all", "")):
        limits.count(scope, whose, window=WINDOW, at=at)


def again(client_id: str, *, at: datetime) -> None:
    """The same form once more, as a phone on a bad line sends it: asked nothing and counted for nobody, up to a bound."""
    limits.require("form-again", client_id, most=AGAIN, window=WINDOW, at=at)


def was_opened_before(opened: str, moment: datetime, *, at: datetime) -> bool:
    """Whether a form was opened before `moment`, and within the last day."""
    seconds = _seconds_since(opened, at)
    return 0 < seconds <= DAY.total_seconds() and at - timedelta(seconds=seconds) <= moment


def _must_answer(address: str, code: Code, phone: str, at: datetime) -> bool:
    return (
        limits.counted("form-try", phone, window=WINDOW, at=at) >= FREE_TRIES
        or is_frequent(address, at=at)
        or limits.counted("form-code", str(code.pk), window=WINDOW, at=at) >= PER_CODE[code.scope]
    )


def forget(*, at: datetime) -> None:
    """Pictures and counts whose time is over are forgotten."""
    CaptchaStore.objects.filter(expiration__lt=at).delete()
    limits.forget(at=at)


def _is_right(key: str, answer: str, at: datetime) -> bool:
    """Each picture is good for one answer, right or wrong."""
    found = CaptchaStore.objects.filter(hashkey=key[:40], expiration__gt=at).first() if key else None
    if found is None:
        return False
    found.delete()
    return answer.strip().lower() == found.response


def _seconds_since(opened: str, at: datetime) -> float:
    """How long ago a form was opened; 0 for what never was. A page that lay open overnight is a person's all the same."""
    try:
        return at.timestamp() - signing.loads(opened, salt=_SALT)
    except (signing.BadSignature, TypeError):
        return 0.0
