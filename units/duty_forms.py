"""Forms on rosters, public numbers and training. Nothing typed is lost when a field is wrong."""

from django import forms

from core.fields import Moment
from units.models import DutyPost, Phone, PhoneKind, TrainingKind, Unit, Worker
from units.training import Person


class PutOn(forms.Form):
    """Somebody at a post from a moment to a moment, perhaps for several days running."""

    post = forms.ModelChoiceField(DutyPost.objects.none(), label="岗位", empty_label="请选择")
    worker = forms.ModelChoiceField(Worker.objects.none(), label="值班人", empty_label="请选择")
    starts_at = Moment(label="上班")
    ends_at = Moment(label="下班", help_text="跨零点写到次日；下班时刻由下一班接")
    days = forms.IntegerField(label="连排天数", min_value=1, max_value=31, initial=1, help_text="每天同一时段")
    untrained_reason = forms.CharField(label="未培训上岗理由", max_length=120, required=False, help_text="有上岗前培训记录的不必填（G18）")
    note = forms.CharField(label="说明", max_length=120, required=False)

    def __init__(self, *args, posts, workers, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["post"].queryset = posts
        self.fields["post"].label_from_instance = lambda post: post.name
        self.fields["worker"].queryset = workers


class Swap(forms.Form):
    """Who takes the shift instead, and why."""

    worker = forms.ModelChoiceField(Worker.objects.none(), label="接班人", empty_label="请选择")
    reason = forms.CharField(label="调班理由", max_length=120)
    untrained_reason = forms.CharField(label="未培训上岗理由", max_length=120, required=False, help_text="有上岗前培训记录的不必填（G18）")

    def __init__(self, *args, workers, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["worker"].queryset = workers


class HandOver(forms.Form):
    """What the next one has to know."""

    text = forms.CharField(label="交班事项", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), help_text="未办结的事、已联系的人；无事项写“无”")


class Reason(forms.Form):
    """Why."""

    reason = forms.CharField(label="理由", max_length=120)


class NewPost(forms.Form):
    """A post to be manned round the clock."""

    name = forms.CharField(label="岗位名称", max_length=60)
    kind = forms.ChoiceField(label="类别", choices=DutyPost.Kind.choices, initial=DutyPost.Kind.PHONE)
    needs = forms.IntegerField(label="每时人数", min_value=1, max_value=50, initial=1)
    since = Moment(label="起")
    until = Moment(label="止", required=False, help_text="不填表示一直")
    phone = forms.ModelChoiceField(Phone.objects.none(), label="值守电话", required=False, empty_label="无")
    facility = forms.ChoiceField(label="驻场设施", required=False)

    def __init__(self, *args, phones, facilities, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["phone"].queryset = phones
        self.fields["phone"].label_from_instance = lambda phone: f"{phone.number}（{phone.get_kind_display()}）"
        self.fields["facility"].choices = [("", "非驻场"), *((plant.code, plant.name) for plant in facilities)]
        if not facilities:
            del self.fields["facility"]

    def clean(self):
        said = super().clean()
        if said.get("kind") == DutyPost.Kind.ON_SITE and "facility" in self.fields and not said.get("facility"):
            self.add_error("facility", "驻场岗位请选择设施（F6）")
        return said


class EndPost(Reason):
    """From when on the post is given up, and why."""

    until = Moment(label="自何时起撤岗")


class NewWorker(forms.Form):
    """Somebody who may stand on the roster; with an account, the portal's messages reach them while on duty."""

    name = forms.CharField(label="姓名", max_length=40)
    job = forms.CharField(label="岗位", max_length=40, required=False)
    phone = forms.CharField(label="手机", max_length=20, required=False, widget=forms.TextInput(attrs={"inputmode": "tel"}), help_text="加密保存，列表只显示部分号码")
    user = forms.ModelChoiceField(None, label="平台账号", required=False, empty_label="无账号", help_text="有账号的，当班时收到提醒和督办")

    def __init__(self, *args, users, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = users


class NewPhone(forms.Form):
    """A unit's number."""

    unit = forms.ModelChoiceField(Unit.objects.none(), label="单位", to_field_name="code", empty_label="请选择")
    kind = forms.ChoiceField(label="用途", choices=PhoneKind.choices)
    number = forms.CharField(label="号码", max_length=40, widget=forms.TextInput(attrs={"inputmode": "tel"}))
    note = forms.CharField(label="说明", max_length=80, required=False, help_text="如：24 小时、限徐家湾片区")

    def __init__(self, *args, units, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = units
        if len(units) == 1:
            self.fields["unit"].initial = units[0].code


class PublishPhone(forms.Form):
    """From which day on residents see it."""

    on = forms.DateField(label="公开日期", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class NewTraining(forms.Form):
    """A course and who took part: several people at once, one a line."""

    unit = forms.ModelChoiceField(Unit.objects.none(), label="单位", to_field_name="code", empty_label="请选择")
    kind = forms.ChoiceField(label="类别", choices=TrainingKind.choices)
    topic = forms.CharField(label="培训内容", max_length=120)
    trained_on = forms.DateField(label="日期", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    valid_until = forms.DateField(label="有效期至", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    hours = forms.DecimalField(label="学时", required=False, min_value=0, max_value=1000, max_digits=5, decimal_places=1)
    result = forms.CharField(label="考核结果", max_length=40, required=False)
    is_passed = forms.BooleanField(label="考核合格", required=False, initial=True)
    people = forms.CharField(
        label="参训人员", max_length=20_000, widget=forms.Textarea(attrs={"rows": 6}), help_text="每行一人：姓名，岗位，手机（后两项可不写）；可从表格粘贴，未登记的自动登记"
    )

    def __init__(self, *args, units, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = units
        if len(units) == 1:
            self.fields["unit"].initial = units[0].code

    def clean_people(self):
        people = []
        for number, line in enumerate(self.cleaned_data["people"].splitlines(), 1):
            parts = [part.strip() for part in line.replace("\t", ",").replace("，", ",").replace("、", ",").split(",")]
            if not any(parts):
                continue
            if not parts[0] or len(parts) > 3 or len(parts[0]) > 40:
                raise forms.ValidationError(f"第 {number} 行应为：姓名，岗位，手机")
            people.append(Person(*parts))
        if not people:
            raise forms.ValidationError("请填写参训人员，每行一人")
        return people
