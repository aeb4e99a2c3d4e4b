"""The calls on the duty matrix: what is owed, and a unit's report on it. Papers are attached on the page."""

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from core import attachments, clock
from core.civil import SHANGHAI
from deadlines import obligation_selectors as selectors
from deadlines import obligations, proof
from deadlines import season as seasons
from deadlines.models import Obligation

OBLIGATION = OpenApiTypes.OBJECT
PAGE = inline_serializer("ObligationPage", {
    "next": serializers.CharField(allow_null=True), "previous": serializers.CharField(allow_null=True),
    "results": serializers.ListField(child=serializers.DictField()),
})  # fmt: skip
FILTERS = [OpenApiParameter(name, str, description=said) for name, said in (
    ("scope", "mine：本单位应办；verify：待本单位核验"), ("unit", "责任单位代码"), ("kind", "类别"), ("clause", "条款"), ("standing", "open、reported、verified、dropped"),
    ("late", "true：已超时"), ("period", "期次，如 2025-11"), ("cursor", "翻页标记"),
)]  # fmt: skip


class Moment(serializers.DateTimeField):
    """ISO 8601; a naive time is Shanghai's."""

    def __init__(self, **kwargs):
        super().__init__(default_timezone=SHANGHAI, **kwargs)

    def to_internal_value(self, value):
        moment = super().to_internal_value(value)
        if not 2000 <= moment.year <= 2100:
            raise serializers.ValidationError("时间超出合理范围")
        return moment


class RowBody(serializers.Serializer):
    name = serializers.CharField(max_length=80)
    state = serializers.CharField(max_length=10)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class ReportBody(serializers.Serializer):
    achieved_at = Moment(required=False, allow_null=True)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    zero_report = serializers.BooleanField(required=False, default=False)
    expires_on = serializers.DateField(required=False, allow_null=True)
    rows = RowBody(many=True, required=False)
    items = serializers.ListField(child=serializers.CharField(max_length=20), max_length=20, required=False)
    sheet = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField(max_length=200, allow_blank=True)), max_length=200, required=False, help_text="逐行明细，栏目见方案 particulars"
    )


class VerdictBody(serializers.Serializer):
    approved = serializers.BooleanField()
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


def told(item: Obligation, *, at) -> dict:
    """An obligation, over the wire."""
    return {
        "id": item.pk, "clause": item.clause, "title": item.title, "kind": item.kind, "unit": item.unit.code, "verifier": item.verifier.code,
        "counterpart": item.counterpart.code if item.counterpart_id else None, "period": item.period, "number": item.number, "standing": item.standing,
        "attempt": item.attempt, "late": item.is_late(at), "retrospective": item.is_retrospective, "opened_at": _iso(item.opened_at),
        "due_at": _iso(item.due_at), "achieved_at": _iso(item.achieved_at), "reported_at": _iso(item.reported_at), "verified_at": _iso(item.verified_at),
        "expires_on": item.expires_on.isoformat() if item.expires_on else None, "note": item.note, "verdict_note": item.verdict_note, "details": item.details,
    }  # fmt: skip


class ObligationList(APIView):
    """职责事项：本单位应办，或全区。"""

    @extend_schema(operation_id="obligations_list", parameters=FILTERS, responses=PAGE)
    def get(self, request):
        at = clock.now()
        found = selectors.listing(request.user, seasons.active(at), request.query_params, at=at)
        return Response({"next": found.next, "previous": found.previous, "results": [told(item, at=at) for item in found.rows]})


class ObligationDetail(APIView):
    """一项职责事项，附原文与佐证材料清单。"""

    @extend_schema(operation_id="obligations_retrieve", responses=OBLIGATION)
    def get(self, request, pk):
        item = selectors.to_see(request.user, pk)
        files = [{"id": str(file.pk), "name": file.name, "size": file.size} for file in attachments.of(item)]
        return Response({**told(item, at=clock.now()), **selectors.quote_of(item), "files": files})


class ReportObligation(APIView):
    """责任单位报告完成，或零报告。"""

    @extend_schema(operation_id="obligations_report", request=ReportBody, responses=OBLIGATION)
    def post(self, request, pk):
        at = clock.now()
        item = selectors.to_see(request.user, pk)
        checked = ReportBody(data=request.data)
        checked.is_valid(raise_exception=True)
        said = checked.validated_data
        details = {"rows": [dict(row) for row in said.get("rows", [])], "items": dict.fromkeys(said.get("items", []), True), "sheet": [dict(line) for line in said.get("sheet", [])]}
        report = obligations.Report(
            achieved_at=said.get("achieved_at"), note=said["note"], is_zero=said["zero_report"], expires_on=said.get("expires_on"), details=details
        )
        obligations.report(item, report, actor=request.user, at=at)
        return Response(told(item, at=at))


class VerifyObligation(APIView):
    """另一单位核验：通过，或退回并写明原因。"""

    @extend_schema(operation_id="obligations_verify", request=VerdictBody, responses=OBLIGATION)
    def post(self, request, pk):
        at = clock.now()
        item = selectors.to_see(request.user, pk)
        checked = VerdictBody(data=request.data)
        checked.is_valid(raise_exception=True)
        said = checked.validated_data
        if said["approved"]:
            proof.approve(item, note=said["note"], actor=request.user, at=at)
        else:
            proof.refuse(item, reason=said["note"], actor=request.user, at=at)
        return Response(told(item, at=at))


def _iso(moment):
    return moment.astimezone(SHANGHAI).isoformat() if moment else None
