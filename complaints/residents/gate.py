"""The gate before the residents' form: machines are kept out, people are not; a picture is asked for only past a threshold."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from captcha.models import CaptchaStore
from django.core import signing

from complaints.models import Code
from core import limits
from core.errors import Invalid
from core.privacy import normal_phone

LEAST_SECONDS = 3  # nobody fills in the form in less
STAMP_GOOD_FOR = timedelta(hours=24)
WINDOW, PER_ADDRESS, FREE_TRIES = timedelta(minutes=10), 60, 2
PER_MINUTE = 10
PER_PHONE, PER_CODE = 3, 300
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
    """Whether this address has sent so much lately that a sum is asked for."""
    return limits.counted("form-address", address, window=WINDOW, at=at) >= FREE_TRIES


def pass_through(address: str, code: Code, *, phone: str, trap: str, opened: str, key: str, answer: str, is_again: bool, at: datetime) -> None:
    """Count the try and let it through. Invalid (answer) where a sum is due and not solved, TooMany beyond what people do.

    What was sent before (`is_again`, a retry of the same submission) counts for nobody's limit but the address's.
    """
    if trap:
        raise Invalid("提交的内容异常，请刷新后重试", field="website")
    limits.require("form-minute", address, most=PER_MINUTE, window=timedelta(minutes=1), at=at)
    limits.require("form-address-most", address, most=PER_ADDRESS, window=WINDOW, at=at)
    must_answer = is_frequent(address, at=at) or _seconds_since(opened, at) < LEAST_SECONDS
    limits.count("form-address", address, window=WINDOW, at=at)
    if must_answer and not _is_right(key, answer, at):
        raise Invalid("请填写图中算式的得数", field="answer")
    if is_again:
        return
    said = "这部电话今天提交较多。请用受理号跟进原诉求，紧急情况请拨打 24 小时电话或 12345"
    limits.require("form-phone", normal_phone(phone), most=PER_PHONE, window=timedelta(days=1), at=at, message=said)
    if limits.count("form-code", str(code.pk), window=WINDOW, at=at) > PER_CODE and not must_answer and not _is_right(key, answer, at):
        raise Invalid("当前提交较多，请填写图中算式的得数", field="answer")


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
    try:
        return at.timestamp() - signing.loads(opened, salt=_SALT, max_age=STAMP_GOOD_FOR)
    except (signing.BadSignature, TypeError):
        return 0.0


