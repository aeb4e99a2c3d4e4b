"""The calls on inspections, design §6."""

import base64
import binascii

from django.core.files.uploadedfile import SimpleUploadedFile
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from core import civil, clock
from core.api import TakesPhotos
from core.errors import Forbidden, Invalid
from deadlines import season as seasons
from plants import inspection_selectors as selectors
from plants import inspections
from plants.inspections import Answer, Other, Visit
from plants.models import Inspection, InspectionMode, Severity
from units import access
from units.selectors import unit_by_code


class Moment(serializers.DateTimeField):
    """ISO 8601; a naive time is Shanghai's."""

    def __init__(self, **kwargs):
        super().__init__(default_timezone=civil.SHANGHAI, **kwargs)

    def to_internal_value(self, value):
        moment = super().to_internal_value(value)
        if not 2000 <= moment.year <= 2100:
            raise serializers.ValidationError("时间超出合理范围")
        return moment


class ItemBody(serializers.Serializer):
    item = serializers.CharField(max_length=80)
    ok = serializers.BooleanField(allow_null=True)
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, allow_null=True)
    value = serializers.FloatField(required=False, allow_null=True)
    severity = serializers.ChoiceField(choices=Severity.choices, required=False)
    due_on = serializers.DateField(required=False, allow_null=True)


class FindingBody(serializers.Serializer):
    title = serializers.CharField(max_length=200)
    severity = serializers.ChoiceField(choices=Severity.choices, required=False, default=Severity.GENERAL)
    due_on = serializers.DateField()
    unit = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)


class InspectionBody(serializers.Serializer):
    client_id = serializers.UUIDField(required=False, allow_null=True)
    plant = serializers.CharField(max_length=64)
    mode = serializers.ChoiceField(choices=[InspectionMode.WEEKLY, InspectionMode.UNANNOUNCED, InspectionMode.SPECIAL], required=False, default=InspectionMode.WEEKLY)
    topic = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    visited_at = Moment()
    checklist = serializers.ListField(child=ItemBody(), max_length=60)
    findings = serializers.ListField(child=FindingBody(), max_length=50, required=False, default=list)
    photos = serializers.ListField(child=serializers.CharField(max_length=16_000_000), max_length=20, required=False, default=list)
    companion = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


def told(user, one: Inspection) -> dict:
    """An inspection, over the wire."""
    return {
        "number": one.number, "client_id": str(one.client_id), "mode": one.mode, "plant": one.plant.code if one.plant else None,
        "community": one.community.code if one.community else None, "street": one.street.code if one.street else None, "unit": one.unit.code,
        "visited_at": civil.localize(one.visited_at).isoformat(), "received_at": civil.localize(one.received_at).isoformat(), "to_verify": one.to_verify,
        "checklist": [
            {"item": row["code"], "title": row["item"], "ok": {"ok": True, "bad": False}.get(row.get("state")), "note": row.get("note", ""), "value": row.get("value"),
             "severity": row.get("severity"), "due_on": row.get("due_on"), "finding": row.get("finding")}
            for row in one.checklist
        ],
        "findings": [row["finding"] for row in [*one.checklist, *one.values] if row.get("finding")],
        "weeks": [selectors.week_code(due.week) for due in one.dues.all()],
    }  # fmt: skip


class InspectionList(TakesPhotos, APIView):
    """检查：列表与登记。"""

    @extend_schema(operation_id="inspections_list", parameters=[OpenApiParameter(name, str) for name in ("mode", "street", "plant", "q", "cursor")], responses={
        200: inline_serializer("InspectionPage", {"next": serializers.CharField(allow_null=True), "previous": serializers.CharField(allow_null=True),
                                                  "results": serializers.ListField(child=serializers.DictField())}),
    })  # fmt: skip
    def get(self, request):
        _require_sight(request.user)
        found = selectors.listing(request.user, selectors.Filters.read(request.query_params), cursor=request.query_params.get("cursor"))
        return Response({"next": found.next, "previous": found.previous, "results": [told(request.user, one) for one in found.rows]})

    @extend_schema(operation_id="inspections_record", request=InspectionBody, responses={200: OpenApiTypes.OBJECT, 201: OpenApiTypes.OBJECT})
    def post(self, request):
        at = clock.now()
        if not (access.unit_ids(request.user, access.INSPECT) or inspections.department_of(request.user)):
            raise Forbidden("您无权登记检查")
        body = InspectionBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        plant = selectors.plant_to_inspect(request.user, said["plant"], at=at)
        known = inspections.known(said.get("client_id"))
        visit = Visit(
            mode=said["mode"], topic=said["topic"], plant=plant, visited_at=said["visited_at"], client_id=said.get("client_id"), companion=said["companion"],
            note=said["note"], answers=_answers(said, inspections.items_for(seasons.required(at), plant, said["mode"], said["topic"])),
            others=[Other(row["title"], unit_by_code(row["unit"], field="findings") if row.get("unit") else _owner(plant), row["due_on"], row["severity"]) for row in said["findings"]],
            photos=[_picture(text, number) for number, text in enumerate(said["photos"], 1)], is_paper=True,
        )  # fmt: skip
        one = inspections.record(visit, actor=request.user, at=at)
        return Response(told(request.user, one), status=200 if known else 201)


class InspectionDetail(APIView):
    """一次检查。"""

    @extend_schema(operation_id="inspections_retrieve", responses=OpenApiTypes.OBJECT)
    def get(self, request, number):
        return Response(told(request.user, selectors.to_see(request.user, number)))


class InspectionMatrix(APIView):
    """每周检查矩阵：街道 × 厂站 × 周。"""

    @extend_schema(operation_id="inspections_matrix", parameters=[OpenApiParameter(name, str) for name in ("week", "street", "kind")], responses=OpenApiTypes.OBJECT)
    def get(self, request):
        at = clock.now()
        _require_sight(request.user)
        monday = selectors.week_named(request.query_params.get("week"), at=at)
        rows = selectors.matrix(
            request.user, [monday], at=at, street=request.query_params.get("street", "")[:64], kind=request.query_params.get("kind", "")[:8]
        )
        counts = selectors.week_by_street(request.user, at, monday)
        return Response({
            "week": selectors.week_code(monday), "since": monday.isoformat(),
            "rows": [
                {"street": row.street.code, "plant": row.plant.code, "kind": row.plant.kind, "state": row.cells[0].shown, "due_at": civil.localize(row.cells[0].due_at).isoformat(),
                 "done_at": civil.localize(row.cells[0].done_at).isoformat() if row.cells[0].done_at else None, "reason": row.cells[0].dropped_reason or None,
                 "inspection": row.cells[0].inspection.number if row.cells[0].inspection else None}
                for row in rows
            ],
            "streets": [{"street": one.street.code, "total": one.total, "done": one.done, "late": one.late, "missed": one.missed, "findings": one.findings} for one in counts],
        })  # fmt: skip


def _require_sight(user) -> None:
    if not (access.unit_ids(user, access.SEE_WORK) or access.unit_ids(user, access.INSPECT)):
        raise Forbidden("您无权查看厂站巡查")


def _owner(plant):
    if plant.company is None:
        raise Invalid("该厂站尚未登记企业，请写明责任单位", field="findings")
    return plant.company


def _answers(said: dict, items: list[dict]) -> dict[str, Answer]:
    """By the item's code or by its words."""
    by_words = {item["item"]: item["code"] for item in items}
    answers = {}
    for row in said["checklist"]:
        state = {True: "ok", False: "bad", None: "na"}[row["ok"]]
        answers[by_words.get(row["item"], row["item"])] = Answer(
            state=state, note=row.get("note") or "", value=row.get("value"), severity=row.get("severity", ""), due_on=row.get("due_on")
        )
    return answers


def _picture(text: str, number: int) -> SimpleUploadedFile:
    """A photograph as base64, with or without a data prefix."""
    try:
        body = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise Invalid("照片须为 base64 编码", field="photos") from fault
    return SimpleUploadedFile(f"照片{number}.jpg", body, "image/jpeg")
