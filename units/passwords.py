"""What a password must be made of (等保 8.1.4.1 a, S4): three of four classes, longer for keepers, none of one's last five."""

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError

from units.models import Role

KEPT = 5  # former passwords that may not come back
KEEPERS_LENGTH = 15
KEEPERS = (Role.ADMIN, Role.SECURITY, Role.AUDITOR)


class CharacterClassesValidator:
    """At least three of: capital letter, small letter, digit, sign."""

    def validate(self, password, user=None):
        classes = [str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum()]
        if sum(any(test(c) for c in password) for test in classes) < 3:
            raise ValidationError(self.get_help_text(), code="too_plain")

    def get_help_text(self):
        return "密码须包含大写字母、小写字母、数字、符号中的至少三种。"


class KeepersLengthValidator:
    """Fifteen signs for the three keepers."""

    def validate(self, password, user=None):
        keeps = user is not None and user.pk and user.memberships.filter(role__in=KEEPERS, until=None).exists()
        if keeps and len(password) < KEEPERS_LENGTH:
            raise ValidationError(self.get_help_text(), code="too_short_for_a_keeper")

    def get_help_text(self):
        return f"系统、安全、审计管理员的密码不少于 {KEEPERS_LENGTH} 位。"


class HistoryValidator:
    """Neither the present password nor one of the last five."""

    def validate(self, password, user=None):
        if user is not None and user.pk and any(check_password(password, old) for old in [user.password, *user.former_passwords]):
            raise ValidationError(self.get_help_text(), code="used_before")

    def get_help_text(self):
        return f"不能与现用密码或最近 {KEPT} 次用过的密码相同。"
