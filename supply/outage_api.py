"""The calls on outages: a company's own system reports them, and learns of its own."""

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from core import civil, clock
from core.errors import Invalid
from supply import outage_selectors as selectors
from supply import outages
from supply.models import Outage
from supply.outages import Area, Interruption

OUTAGE = OpenApiTypes.OBJECT
FILTERS = [OpenApiParameter(name, str, description=said) for name, said in (
    ("state", "open、restored 或 void"), ("company", "企业代码"), ("street", "街道代码"), ("late", "1：已过预计恢复时间"), ("q", "编号、地点、原因或小区中的词"),
    ("cursor", "翻页标记"),
)]  # fmt: skip


class Moment(serializers.DateTimeField):
    """ISO 8601; a naive time is Shanghai's."""

    def __init__(self, **kwargs):
        super().__init__(default_timezone=civil.SHANGHAI, **kwargs)

    def to_internal_value(self, value):
        moment = super().to_internal_value(value)
        if not 2000 <= moment.year <= 2100:
            raise serializers.ValidationError("时间超出合理范围")
        return moment


class AreaBody(serializers.Serializer):
    community = serializers.CharField(max_length=64)
    buildings = serializers.ListField(child=serializers.CharField(max_length=20), max_length=60, required=False, default=list)


class OutageBody(serializers.Serializer):
    company = serializers.CharField(max_length=64)
    nature = serializers.ChoiceField(choices=Outage.Nature.choices, default=Outage.Nature.EMERGENCY)
    effect = serializers.ChoiceField(choices=Outage.Effect.choices, default=Outage.Effect.STOPPED)
    place = serializers.CharField(max_length=120)
    cause = serializers.CharField(max_length=300)
    areas = AreaBody(many=True, allow_empty=False, max_length=200)
    households = serializers.IntegerField(min_value=0, max_value=1_000_000, required=False, allow_null=True, default=None)
    started_at = Moment()
    expected_at = Moment()


class PromiseBody(serializers.Serializer):
    expected_at = Moment()
    reason = serializers.CharField(max_length=300)


class RestoreBody(serializers.Serializer):
    restored_at = Moment(required=False, allow_null=True, default=None)
    result = serializers.CharField(max_length=500)


def body(form, request) -> dict:
    """The validated body of a request."""
    checked = form(data=request.data)
    checked.is_valid(raise_exception=True)
    return checked.validated_data


def told(user, outage: Outage, *, at) -> dict:
    """An outage over the wire, as far as `user` may know of it."""
    details = selectors.details_of(user, outage)
    return {
        **row(outage, details.areas, at=at),
        "cause": outage.cause,
        "result": outage.result,
        "promises": [{"expected_at": _iso(one.expected_at), "said_at": _iso(one.said_at), "reason": one.reason, "late": one.came_late} for one in details.promises],
        "passages": [
            {"plate": one.plate, "route": one.route, "from": _iso(one.window_from), "until": _iso(one.window_until), "answered_at": _iso(one.answered_at), "granted": one.is_granted}
            for one in details.passages
        ],
        "tickets": details.case_count,
    }


def row(outage: Outage, areas, *, at) -> dict:
    """An outage in a list, over the wire."""
    return {
        "number": outage.number,
        "company": outage.company.code,
        "nature": outage.nature,
        "effect": outage.effect,
        "state": outage.state,
        "place": outage.place,
        "areas": [{"community": area.community.code, "buildings": area.buildings} for area in areas],
        "households": outage.households,
        "started_at": _iso(outage.started_at),
        "expected_at": _iso(outage.expected_at),
        "restored_at": _iso(outage.restored_at),
        "late": outage.is_late(at),
    }


class OutageList(APIView):
    """抢修停热：列表与登记。"""

    @extend_schema(operation_id="outages_list", parameters=FILTERS, responses=inline_serializer("OutagePage", {
        "next": serializers.CharField(allow_null=True), "previous": serializers.CharField(allow_null=True),
        "results": serializers.ListField(child=serializers.DictField()),
    }))  # fmt: skip
    def get(self, request):
        at = clock.now()
        filters = selectors.Filters.read(request.query_params)
        found = selectors.pages(request.user, filters, at=at, cursor=request.query_params.get("cursor"))
        return Response({"next": found.next, "previous": found.previous, "results": [row(one, one.areas.all(), at=at) for one in found.rows]})

    @extend_schema(operation_id="outages_report", request=OutageBody, responses={201: OUTAGE})
    def post(self, request):
        at = clock.now()
        said = body(OutageBody, request)
        companies = selectors.companies_to_report(request.user)
        company = companies.filter(code=said["company"]).first()
        if company is None:
            raise Invalid("没有这家企业，或您不能代它登记", field="company")
        known = {one.code: one for one in selectors.communities_of(companies)}
        unknown = [area["community"] for area in said["areas"] if area["community"] not in known]
        if unknown:
            raise Invalid(f"小区台账中没有 {unknown[0][:60]}，或不由本企业供热", field="areas")
        areas = {area["community"]: Area(known[area["community"]], tuple(area["buildings"])) for area in said["areas"]}
        told_of = Interruption(
            place=said["place"], cause=said["cause"], areas=tuple(areas.values()), started_at=said["started_at"], expected_at=said["expected_at"],
            nature=said["nature"], effect=said["effect"], households=said["households"],
        )  # fmt: skip
        made = outages.report(company, told_of, actor=request.user, at=at)
        return Response(told(request.user, made, at=at), status=201)


class OutageDetail(APIView):
    """一处抢修停热。"""

    @extend_schema(operation_id="outages_retrieve", responses=OUTAGE)
    def get(self, request, number):
        return Response(told(request.user, selectors.outage_to_see(request.user, number), at=clock.now()))


class PromiseOutage(APIView):
    """变更预计恢复时间。"""

    @extend_schema(operation_id="outages_promise", request=PromiseBody, responses=OUTAGE)
    def post(self, request, number):
        at = clock.now()
        outage = selectors.outage_to_handle(request.user, number)
        outages.promise(outage, **body(PromiseBody, request), actor=request.user, at=at)
        return Response(told(request.user, outage, at=at))


class RestoreOutage(APIView):
    """恢复供热。"""

    @extend_schema(operation_id="outages_restore", request=RestoreBody, responses=OUTAGE)
    def post(self, request, number):
        at = clock.now()
        outage = selectors.outage_to_handle(request.user, number)
        outages.restore(outage, **body(RestoreBody, request), actor=request.user, at=at)
        return Response(told(request.user, outage, at=at))


def _iso(moment):
    return moment.astimezone(civil.SHANGHAI).isoformat() if moment else None
