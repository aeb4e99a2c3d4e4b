"""The calls on milestones, design §6."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from core import civil, clock
from core.errors import Invalid
from plants import milestone_selectors as selectors
from plants import milestones
from plants.milestones import Progress

ROW = inline_serializer("MilestoneRow", {
    "code": serializers.CharField(), "title": serializers.CharField(), "clause": serializers.CharField(), "version": serializers.IntegerField(),
    "kind": serializers.CharField(), "due_at": serializers.DateTimeField(), "total": serializers.IntegerField(), "achieved": serializers.IntegerField(),
    "verified": serializers.IntegerField(), "late": serializers.IntegerField(), "met": serializers.BooleanField(),
    "missing": serializers.ListField(child=serializers.CharField()),
})  # fmt: skip
ITEM = inline_serializer("MilestoneItem", {
    "id": serializers.IntegerField(), "code": serializers.CharField(), "kind": serializers.CharField(), "subject": serializers.CharField(),
    "unit": serializers.CharField(), "standing": serializers.CharField(), "due_at": serializers.DateTimeField(allow_null=True),
    "achieved_at": serializers.DateTimeField(allow_null=True), "reported_at": serializers.DateTimeField(allow_null=True),
    "verified_at": serializers.DateTimeField(allow_null=True), "retrospective": serializers.BooleanField(), "late": serializers.BooleanField(),
})  # fmt: skip


class ProgressForm(serializers.Serializer):
    """The body of a declaration: one of plant, boiler, network, community; when; what proves it."""

    plant = serializers.SlugField(required=False, max_length=64)
    boiler = serializers.SlugField(required=False, max_length=64)
    network = serializers.SlugField(required=False, max_length=64)
    community = serializers.SlugField(required=False, max_length=64)
    achieved_at = serializers.CharField(required=False, max_length=40)
    conditions = serializers.DictField(child=serializers.CharField(max_length=40), required=False)
    evidence = serializers.CharField(required=False, allow_blank=True, max_length=1000)
    note = serializers.CharField(required=False, allow_blank=True, max_length=1000)


def item_row(item, *, at) -> dict:
    """An item, over the wire."""
    moments = {name: civil.localize(moment).isoformat() if (moment := getattr(item, name)) else None for name in ("due_at", "achieved_at", "reported_at", "verified_at")}
    return {
        "id": item.pk, "code": item.milestone.code, "kind": item.kind, "subject": item.facility.code, "unit": item.unit.code, "standing": item.standing,
        **moments, "retrospective": item.is_retrospective, "late": item.is_late(at),
    }  # fmt: skip


class MilestoneList(APIView):
    """时间节点及完成情况：本企业、本街道，或全区。"""

    @extend_schema(operation_id="milestones_list", responses=inline_serializer("Milestones", {"results": serializers.ListField(child=ROW)}))
    def get(self, request):
        at = clock.now()
        rows = [
            {
                "code": one.code, "title": one.title, "clause": one.clause, "version": one.version, "kind": one.kind, "due_at": civil.localize(one.due_at).isoformat(),
                "total": cell.total, "achieved": cell.achieved, "verified": cell.verified, "late": cell.late, "met": cell.is_met, "missing": list(cell.missing[:200]),
            }
            for one, cell in selectors.board(request.user, at)["heads"]
        ]  # fmt: skip
        return Response({"results": rows})


class MilestoneProgress(APIView):
    """企业报告某一厂站、锅炉、管网、小区完成节点；由另一单位核验。"""

    @extend_schema(operation_id="milestones_progress", request=ProgressForm, responses=ITEM, parameters=[OpenApiParameter("code", str, OpenApiParameter.PATH)])
    def post(self, request, code):
        form = ProgressForm(data=request.data)
        form.is_valid(raise_exception=True)
        said, at = form.validated_data, clock.now()
        milestone = selectors.milestone_of(code, at)
        item = selectors.item_of(request.user, milestone, {kind: said[kind] for kind in ("plant", "boiler", "network", "community") if kind in said})
        conditions = {}
        for name, moment in said.get("conditions", {}).items():
            if name not in milestone.conditions:
                raise Invalid(f"没有“{name[:30]}”这项条件", field="conditions")
            conditions[name] = civil.parse(moment, field="conditions")
        achieved = civil.parse(said["achieved_at"], field="achieved_at") if "achieved_at" in said else None
        note = "；".join(text for text in (said.get("note", ""), said.get("evidence", "")) if text)
        milestones.declare(item, Progress(achieved_at=achieved, conditions=conditions, note=note), actor=request.user, at=at)
        return Response(item_row(item, at=at))
