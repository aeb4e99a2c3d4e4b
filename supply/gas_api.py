"""The calls on gas: the balance of a day, and curtailments, each as far as somebody may know of it."""

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from core import civil, clock
from supply import gas_selectors as selectors
from supply.models import Activation


class GasBoard(APIView):
    """天然气供需：逐家，m³/日；未报为 null，不按零计。"""

    @extend_schema(operation_id="gas_board", parameters=[OpenApiParameter("day", str, description="日期，默认今天")], responses=OpenApiTypes.OBJECT)
    def get(self, request):
        at = clock.now()
        given = request.query_params.get("day", "")
        day = civil.day_of(civil.parse(given, field="day")) if given else civil.day_of(at)
        found = selectors.board(request.user, day, at=at)
        return Response(
            {
                "day": day.isoformat(), "reported": len(found.known), "companies": len(found.rows), "demand_m3": _whole(found.demand),
                "supply_m3": _whole(found.supply), "gap_m3": _whole(found.gap), "forecast_m3": _whole(found.forecast), "results": [_balance(row) for row in found.rows],
            }
        )  # fmt: skip


def _balance(row: selectors.Balance) -> dict:
    return {
        "company": row.company.code,
        "demand_m3": _whole(row.demand),
        "supply_m3": _whole(row.supply),
        "gap_m3": _whole(row.gap),
        "forecast_m3": _whole(row.forecast),
        "source": row.source or None,
        "last": {
            "day": row.last.day.isoformat(), "demand_m3": int(row.last.demand_m3), "supply_m3": int(row.last.supply_m3), "gap_m3": int(row.last.gap_m3),
            "source": row.last.source,
        } if row.last else None,
        "level": row.level,
        "read_at": _iso(row.read_at),
        "age_seconds": round(row.age.total_seconds()) if row.age is not None else None,
        "curtailment": row.active.number if row.active else None,
    }


class CurtailmentList(APIView):
    """限供：最新在前。"""

    @extend_schema(
        operation_id="curtailments_list", parameters=[OpenApiParameter(name, str) for name in ("state", "company", "cursor")],
        responses=inline_serializer("CurtailmentPage", {
            "next": serializers.CharField(allow_null=True), "previous": serializers.CharField(allow_null=True),
            "results": serializers.ListField(child=serializers.DictField()),
        }),
    )  # fmt: skip
    def get(self, request):
        state, company = selectors.read_filters(request.query_params)
        found = selectors.activation_list(request.user, state=state, company=company, cursor=request.query_params.get("cursor"))
        return Response({"next": found.next, "previous": found.previous, "results": [_row(one) for one in found.rows]})


class CurtailmentDetail(APIView):
    """一次限供：逐项说明、执行与受影响小区。"""

    @extend_schema(operation_id="curtailments_retrieve", responses=OpenApiTypes.OBJECT)
    def get(self, request, number):
        user = request.user
        found = selectors.activation_to_see(user, number)
        return Response(
            {
                **_row(found),
                "lines": found.lines if selectors.sees_lines(user, found) else None,
                "steps": [
                    {"name": one.name, "m3": int(one.reduction_m3), "started_at": _iso(one.started_at), "recovered_at": _iso(one.recovered_at)}
                    for one in selectors.carried_out_of(user, found)
                ],
                "communities": [
                    {"community": one.community.code, "households": one.households, "since": _iso(one.since), "until": _iso(one.until)}
                    for one in selectors.restrictions_of(user, found)
                ],
            }
        )


def _row(one: Activation) -> dict:
    return {
        "number": one.number,
        "company": one.company.code,
        "day": one.day.isoformat(),
        "state": one.state,
        "level": one.level,
        "demand_m3": int(one.demand_m3),
        "supply_m3": int(one.supply_m3),
        "gap_m3": int(one.gap_m3),
        "covered_m3": int(one.covered_m3),
        "remaining_m3": int(one.remaining_m3),
        "approved_at": _iso(one.approved_at),
        "overridden": one.override_by_id is not None,
        "ended_at": _iso(one.ended_at),
    }


def _whole(value):
    return None if value is None else int(value)


def _iso(moment):
    return moment.astimezone(civil.SHANGHAI).isoformat() if moment else None
