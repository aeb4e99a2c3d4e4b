"""What the ticket API accepts: shapes and limits of each body, with messages in Chinese."""

from rest_framework import serializers

from complaints.models import Callback, Category, Evidence, Source, TicketKind
from core import civil


class Moment(serializers.DateTimeField):
    """ISO 8601; a naive time is Shanghai's."""

    def __init__(self, **kwargs):
        super().__init__(default_timezone=civil.SHANGHAI, **kwargs)

    def to_internal_value(self, value):
        moment = super().to_internal_value(value)
        if not 2000 <= moment.year <= 2100:
            raise serializers.ValidationError("时间超出合理范围")
        return moment


class Complainant(serializers.Serializer):
    name = serializers.CharField(max_length=60, allow_blank=True, required=False, default="")
    phone = serializers.CharField(max_length=40, allow_blank=True, required=False, default="")


class TicketBody(serializers.Serializer):
    source = serializers.ChoiceField(choices=Source.choices)
    external_no = serializers.CharField(max_length=64, required=False, allow_null=True, allow_blank=True)
    district_no = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    kind = serializers.ChoiceField(choices=TicketKind.choices, default=TicketKind.COMPLAINT)
    category = serializers.ChoiceField(choices=Category.choices, required=False, allow_null=True, allow_blank=True)
    title = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    content = serializers.CharField(max_length=10_000)
    called_at = Moment()
    district_received_at = Moment(required=False, allow_null=True)
    dispatched_at = Moment(required=False, allow_null=True)
    city_due_at = Moment(required=False, allow_null=True)
    district_due_at = Moment(required=False, allow_null=True)
    complainant = Complainant(required=False, allow_null=True)
    confidential = serializers.BooleanField(required=False, default=False)
    urgent = serializers.BooleanField(required=False, default=False)
    address = serializers.CharField(max_length=300, required=False, allow_blank=True, allow_null=True)
    community = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)
    building = serializers.CharField(max_length=60, required=False, allow_blank=True, allow_null=True)
    street = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)
    doer = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)


class DispatchBody(serializers.Serializer):
    category = serializers.ChoiceField(choices=Category.choices)
    doer = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)
    lead = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)
    assists = serializers.ListField(child=serializers.CharField(max_length=64), max_length=20, required=False, allow_null=True)
    community = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)
    street = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class RespondBody(serializers.Serializer):
    channel = serializers.ChoiceField(choices=[("phone", "电话"), ("message", "短信或站内信"), ("in_person", "当面")])
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class EvidenceBody(serializers.Serializer):
    kind = serializers.ChoiceField(choices=Evidence.Kind.choices)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    attachment = serializers.UUIDField(required=False, allow_null=True)


class ArriveBody(serializers.Serializer):
    evidence = EvidenceBody()
    nobody_home = serializers.BooleanField(required=False, default=False)
    device_time = Moment(required=False, allow_null=True)


class ReadingBody(serializers.Serializer):
    room = serializers.CharField(max_length=30)
    celsius = serializers.DecimalField(max_digits=6, decimal_places=3)
    point = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    instrument = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    outdoor_celsius = serializers.DecimalField(max_digits=6, decimal_places=3, required=False, allow_null=True)


class FinishBody(serializers.Serializer):
    cause = serializers.CharField(max_length=500)
    measure = serializers.CharField(max_length=1000)
    readings = ReadingBody(many=True, required=False, max_length=50)


class CallbackBody(serializers.Serializer):
    kind = serializers.ChoiceField(choices=Callback.Kind.choices)
    reached = serializers.BooleanField()
    solved = serializers.BooleanField(required=False, allow_null=True, default=None)
    satisfaction = serializers.ChoiceField(
        choices=Callback.Satisfaction.choices, required=False, allow_blank=True, allow_null=True, default=""
    )
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class AppointmentBody(serializers.Serializer):
    visit_at = Moment()
    confirmed_by_resident = serializers.BooleanField()


class ReturnBody(serializers.Serializer):
    reason = serializers.CharField(max_length=1000)
    proposed_unit = serializers.CharField(max_length=64)


class RuleBody(serializers.Serializer):
    accepted = serializers.BooleanField()
    unit = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)
    reason = serializers.CharField(max_length=1000)


class TransferBody(serializers.Serializer):
    unit = serializers.CharField(max_length=64)
    reason = serializers.CharField(max_length=1000)


class LinkBody(serializers.Serializer):
    to = serializers.CharField(max_length=40)
    reason = serializers.CharField(max_length=300)


class ReasonBody(serializers.Serializer):
    reason = serializers.CharField(max_length=1000)


class NoteBody(serializers.Serializer):
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class WaiveBody(serializers.Serializer):
    unit = serializers.CharField(max_length=64)
    reason = serializers.CharField(max_length=200)


class RevealBody(serializers.Serializer):
    field = serializers.ChoiceField(choices=[("complainant_phone", "联系电话"), ("complainant_name", "姓名"), ("address", "地址"), ("content", "原文")])
    reason = serializers.CharField(max_length=200)
