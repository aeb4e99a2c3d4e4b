"""Forms on people: signing in, passwords, and the administrator's desk."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm

from units.models import Role, Unit, User


class SignIn(AuthenticationForm):
    """Name and password. A wrong pair does not say which of the two was wrong."""

    error_messages = {"invalid_login": "用户名或密码不正确。连续 5 次失败将锁定 15 分钟。", "inactive": "该账号已停用，请联系管理员。"}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "用户名"
        self.fields["password"].label = "密码"


class ChangePassword(PasswordChangeForm):
    """The old password, and the new one twice."""

    field_order = ["old_password", "new_password1", "new_password2"]


class OneTimeCode(forms.Form):
    """A code from the phone, or a recovery code."""

    code = forms.CharField(
        label="验证码", max_length=20, help_text="手机上显示的 6 位数字，或一个恢复码",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True, "spellcheck": "false"}),
    )  # fmt: skip


class NewPerson(forms.Form):
    """A named account; the initial password is shown once and must be changed. Its rights are the security administrator's to give."""

    username = forms.RegexField(r"^[a-zA-Z0-9._-]{3,60}$", label="用户名", error_messages={"invalid": "3 至 60 位字母、数字、点、横线"})
    full_name = forms.CharField(label="姓名", max_length=40)
    phone = forms.CharField(label="手机", max_length=20, required=False)

    def clean_username(self):
        username = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=username).exists():
            raise forms.ValidationError("这个用户名已被使用")
        return username


class NewMembership(forms.Form):
    """A further membership of an existing person."""

    unit = forms.ModelChoiceField(Unit.objects.none(), label="单位", to_field_name="code")
    role = forms.ChoiceField(choices=Role.choices, label="角色")

    def __init__(self, *args, units, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = units


class NewToken(NewMembership):
    """A key for a system that acts for a unit."""

    name = forms.CharField(label="用途", max_length=80)
    sources = forms.RegexField(r"^[a-z0-9 ]*$", label="只许提交的来源（可空）", required=False, max_length=80, help_text="来源代码，空格分开，如 12345 petition", error_messages={"invalid": "来源代码由小写字母和数字组成"})
    networks = forms.CharField(label="只许来自的网段（可空）", required=False, max_length=400, help_text="空格分开，如 10.1.0.0/16 192.168.3.4")
    is_signed = forms.BooleanField(label="每个请求都须签名", required=False)


class NewHolder(forms.Form):
    """Who holds a post from now on."""

    name = forms.CharField(label="姓名", max_length=40)
    title = forms.CharField(label="身份", max_length=80, required=False)
    username = forms.CharField(label="账号（可空）", max_length=150, required=False)

    def clean_username(self):
        username = self.cleaned_data["username"].strip()
        if username and not User.objects.filter(username=username, is_active=True).exists():
            raise forms.ValidationError("没有这个账号")
        return username
