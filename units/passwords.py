"""What a password must be made of (等保: three of four classes)."""

from django.core.exceptions import ValidationError


class CharacterClassesValidator:
    """At least three of: capital letter, small letter, digit, sign."""

    def validate(self, password, user=None):
        classes = [str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum()]
        if sum(any(test(c) for c in password) for test in classes) < 3:
            raise ValidationError(self.get_help_text(), code="too_plain")

    def get_help_text(self):
        return "密码须包含大写字母、小写字母、数字、符号中的至少三种。"
