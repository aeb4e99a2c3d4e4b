"""What administrators fill in about an address. Address and secret are written, never shown."""

from django import forms

from notices.endpoints import MOST_LEVEL
from notices.models import Channel
from units.models import Unit

LEVELS = [(0, "全部消息"), (1, "一级督办及以上"), (2, "二级督办及以上"), (3, "三级督办及以上"), (MOST_LEVEL, "仅四级督办")]


class EndpointForm(forms.Form):
    """An address of one unit. With `endpoint`, it is changed: empty address and secret leave what is there."""

    unit = forms.ModelChoiceField(Unit.objects.none(), label="单位", to_field_name="code", empty_label="请选择单位")
    channel = forms.ChoiceField(label="渠道", choices=[("", "请选择渠道"), *Channel.choices])
    name = forms.CharField(label="名称", max_length=60, help_text="如“值班群机器人”")
    address = forms.CharField(
        label="地址", max_length=500, help_text="机器人与回调填网址，邮件填邮箱，短信填手机号（多个用逗号分开）",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    secret = forms.CharField(
        label="密钥", max_length=200, required=False, help_text="钉钉、飞书的加签密钥，企业微信的 key，回调的签名密钥；保存后不再显示",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False),
    )  # fmt: skip
    least_level = forms.TypedChoiceField(label="发送范围", choices=LEVELS, coerce=int, initial=0)

    def __init__(self, *args, units, endpoint=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = units
        if endpoint is not None:
            del self.fields["unit"], self.fields["channel"]
            self.fields["address"].required = False
            self.fields["address"].help_text = "留空则不改"
            self.fields["secret"].help_text = "留空则不改" if endpoint.secret else self.fields["secret"].help_text
