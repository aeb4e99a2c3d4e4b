"""The residents' forms: big choices, few words, each fault beside its field, and nothing typed lost."""

import uuid

from django import forms

from complaints.models import Callback
from complaints.residents.submitting import MOST_PHOTOS, Words
from complaints.residents.topics import ROOMS, SINCE, WHEN, Topic


class ManyFiles(forms.ClearableFileInput):
    """A file field that takes several pictures."""

    allow_multiple_selected = True


class Photos(forms.FileField):
    """Up to four pictures; what is no picture is refused where it is kept."""

    widget = ManyFiles(attrs={"accept": "image/*", "multiple": True})

    def clean(self, data, initial=None):
        files = data if isinstance(data, (list, tuple)) else [data] if data else []
        if len(files) > MOST_PHOTOS:
            raise forms.ValidationError(f"最多 {MOST_PHOTOS} 张照片")
        return [super(Photos, self).clean(file, initial) for file in files]


class Text(forms.CharField):
    """A line of text."""

    def __init__(self, label: str, most: int, *, required: bool = False, **attrs):
        super().__init__(label=label, max_length=most, required=required, widget=forms.TextInput(attrs=attrs))


class SubmitForm(forms.Form):
    """What a resident fills in for a topic; fields that the topic does not need are left out."""

    rooms = forms.MultipleChoiceField(label="哪里不热", choices=[(room, room) for room in ROOMS], required=False, widget=forms.CheckboxSelectMultiple)
    celsius = forms.DecimalField(
        label="现在室温", required=False, min_value=-10, max_value=40, max_digits=4, decimal_places=1,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.5"}),
    )  # fmt: skip
    since = forms.ChoiceField(label="什么时候开始", choices=list(SINCE.items()), required=False, widget=forms.RadioSelect)
    words = forms.CharField(label="补充说明", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    photos = Photos(label="照片", required=False)
    # No autocomplete="off" here: a browser told so does not put back what was typed when one comes back to the page.
    building = Text("楼栋", 60)
    unit_no = Text("单元", 20)
    room_no = Text("门牌号", 20)
    phone = Text("联系电话", 20, required=True, inputmode="tel", autocomplete="tel")
    email = Text("电子邮箱", 120, inputmode="email", autocomplete="email")
    name = Text("称呼", 20, autocomplete="name")
    when = forms.ChoiceField(label="方便上门时间", choices=list(WHEN.items()), required=False, initial="any", widget=forms.RadioSelect)
    confidential = forms.BooleanField(label="请替我保密", required=False)
    agreed = forms.BooleanField(label="同意", required=True, error_messages={"required": "请勾选同意，否则无法联系您办理"})
    answer = Text("图中算式的得数", 10, inputmode="numeric", autocomplete="off")
    client_id = forms.CharField(widget=forms.HiddenInput, required=False)
    opened = forms.CharField(widget=forms.HiddenInput, required=False)
    challenge = forms.CharField(widget=forms.HiddenInput, required=False)
    website = forms.CharField(required=False)

    def __init__(self, topic: Topic, *args, asks_building: bool = True, **kwargs):
        super().__init__(*args, **kwargs)
        self.topic = topic
        left_out = []
        if not topic.asks_rooms:
            left_out += ["rooms", "celsius", "since"]
        if not topic.needs_door:
            left_out += ["when"]
        if not topic.may_hide:
            left_out += ["confidential"]
        if not asks_building:
            left_out += ["building"]
        for name in left_out:
            del self.fields[name]
        self.fields["words"].label = "补充说明" if not topic.needs_words else "说说情况"
        self.fields["words"].widget.attrs["placeholder"] = topic.example

    def words_of(self, community: str) -> Words:
        """What was filled in, for `submitting.submit`."""
        said = self.cleaned_data
        return Words(
            topic=self.topic.code, client_id=said["client_id"], phone=said["phone"], email=said["email"], community=community, building=said.get("building", ""),
            unit_no=said["unit_no"], room_no=said["room_no"], rooms=tuple(said.get("rooms", ())), celsius=said.get("celsius"), since=said.get("since", ""),
            words=said["words"], when=said.get("when") or "any", name=said["name"], confidential=said.get("confidential", False), photos=said["photos"] or [],
        )  # fmt: skip

    @staticmethod
    def new_id() -> str:
        """A client id for a form that is opened."""
        return uuid.uuid4().hex


class FindForm(forms.Form):
    """Number and last four digits."""

    number = Text("受理号", 24, required=True, autocomplete="off", placeholder="WY-20251114-123456")
    tail = Text("预留电话后四位", 4, required=True, inputmode="numeric", autocomplete="off")


class SupplementForm(forms.Form):
    """More words, more photos."""

    words = forms.CharField(label="补充说明", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    photos = Photos(label="照片", required=False)


class WithdrawForm(forms.Form):
    """Why it is taken back."""

    reason = forms.CharField(label="撤回原因", max_length=200, required=True, widget=forms.Textarea(attrs={"rows": 2}))


class StillColdForm(forms.Form):
    """What is still wrong."""

    words = forms.CharField(label="还有什么问题", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}))


YES_NO = [("yes", "有"), ("no", "没有")]


class RatingForm(forms.Form):
    """The resident's own word, and three questions that a company cannot answer for them (测温、来电、上门)."""

    solved = forms.ChoiceField(label="问题解决了吗", choices=[("yes", "解决了"), ("no", "没有")], widget=forms.RadioSelect)
    satisfaction = forms.ChoiceField(label="您满意吗", choices=Callback.Satisfaction.choices, widget=forms.RadioSelect)
    was_measured = forms.ChoiceField(label="有人测过室温吗", choices=YES_NO, required=False, widget=forms.RadioSelect)
    was_called = forms.ChoiceField(label="有工作人员打过电话吗", choices=YES_NO, required=False, widget=forms.RadioSelect)
    was_visited = forms.ChoiceField(label="有人上门吗", choices=YES_NO, required=False, widget=forms.RadioSelect)
    note = forms.CharField(label="想说的话", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
