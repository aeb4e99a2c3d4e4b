"""The calls on daily reports, weather and the forecast: each as far as somebody may know of it (I7, D2.2, F1; design §6)."""

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from core import civil, clock
from core.errors import Forbidden, Invalid, NotFound
from supply import forecast, reports
from supply import report_selectors as selectors
from supply.models import Weather
from supply.reports import FIGURES, Told
from units import access

# A company's own system is asked back where a figure jumps; that the register is behind is not its fault, and marked only.
QUESTIONS = frozenset({"jump"})


class Day(serializers.DateField):
    """A civil day."""

    def to_internal_value(self, value):
        day = super().to_internal_value(value)
        if not 2000 <= day.year <= 2100:
            raise serializers.ValidationError("日期超出合理范围")
        return day


class Figure(serializers.DecimalField):
    """A quantity, whole cubic metres; nothing told is null."""

    def __init__(self, **kwargs):
        super().__init__(**{"max_digits": 14, "decimal_places": 2, "required": False, "allow_null": True, "default": None, **kwargs})


class BoilerBody(serializers.Serializer):
    code = serializers.CharField(max_length=64)
    running = serializers.BooleanField()
    gas_m3 = Figure(min_value=0)


class DailyReportBody(serializers.Serializer):
    company = serializers.CharField(max_length=64)
    day = Day()
    boilers_running = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0, max_value=10_000)
    capacity_mw = Figure()
    gas_used_m3 = Figure()
    gas_demand_m3 = Figure()
    gas_supply_m3 = Figure()
    gas_gap_m3 = Figure()
    measures = serializers.CharField(max_length=2000, required=False, allow_blank=True, allow_null=True, default="")
    zero_report = serializers.BooleanField(required=False, default=False)
    confirmed = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    boilers = BoilerBody(many=True, required=False, default=list, max_length=200)


class WeatherBody(serializers.Serializer):
    day = Day()
    kind = serializers.ChoiceField(choices=Weather.Kind.choices)
    lowest = serializers.DecimalField(max_digits=4, decimal_places=1)
    highest = serializers.DecimalField(max_digits=4, decimal_places=1)
    mean = serializers.DecimalField(max_digits=5, decimal_places=2, required=False, allow_null=True, default=None)


class ReportList(APIView):
    """供热日报：报送与列表。"""

    @extend_schema(
        operation_id="daily_reports_list", parameters=[OpenApiParameter(name, str) for name in ("company", "state", "since", "until", "cursor")],
        responses=inline_serializer("DailyReportPage", {
            "next": serializers.CharField(allow_null=True), "previous": serializers.CharField(allow_null=True),
            "results": serializers.ListField(child=serializers.DictField()),
        }),
    )  # fmt: skip
    def get(self, request):
        at = clock.now()
        selectors.require_sight(request.user)
        given = request.query_params
        found = selectors.listing(
            request.user, company=_plain(given.get("company", ""), "company"), state=given.get("state", ""), at=at, cursor=given.get("cursor"),
            **{name: selectors.day_named(given[name], at=at, field=name) if given.get(name) else None for name in ("since", "until")},
        )  # fmt: skip
        rows = [selectors.Row(due.company, due.day, due, one := (due.current[0] if due.current else None), selectors.state_of(due, one, at=at)) for due in found.rows]
        return Response({"next": found.next, "previous": found.previous, "results": [told(row) for row in rows]})

    @extend_schema(operation_id="daily_reports_submit", request=DailyReportBody, responses={200: OpenApiTypes.OBJECT, 201: OpenApiTypes.OBJECT})
    def post(self, request):
        at = clock.now()
        if not access.unit_ids(request.user, access.HANDLE_TICKETS):
            raise Forbidden("您无权报送日报")
        body = DailyReportBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        company = _company(request.user, _plain(said["company"], "company"))
        figures = Told(
            **{name: said[name] for name in FIGURES}, measures=said["measures"] or "", is_zero=said["zero_report"], confirmed=said["confirmed"], boilers=said["boilers"]
        )
        report, is_new = reports.submit(
            company, said["day"], figures, reason=said["reason"], questions=QUESTIONS, unit=access.home_unit(request.user), actor=request.user, at=at
        )
        row = selectors.Row(company, report.day, report.due, report, selectors.state_of(report.due, report, at=at))
        return Response(told(row), status=201 if is_new else 200)


class ReportSummary(APIView):
    """一日汇总：逐家与合计；未报为 null，不按零计，合计写明覆盖。"""

    @extend_schema(operation_id="daily_reports_summary", parameters=[OpenApiParameter("day", str, description="报告日，默认昨天")], responses=OpenApiTypes.OBJECT)
    def get(self, request):
        at = clock.now()
        selectors.require_sight(request.user)
        day = selectors.day_named(request.query_params.get("day"), at=at)
        board = selectors.day_board(request.user, day, at=at)
        return Response(
            {
                "day": day.isoformat(),
                "due_at": _iso(board.due_at),
                "companies": len(board.owed),
                "reported": len(board.told),
                "coverage": board.coverage,
                "missing": [row.company.code for row in board.rows if row.state == selectors.MISSING],
                "awaited": [row.company.code for row in board.rows if row.state == selectors.DUE],
                "zero": [row.company.code for row in board.told if row.report.is_zero],
                "totals": {name: _number(total.sum) if total.covered else None for name, total in board.totals.items()},
                "covered": {name: total.covered for name, total in board.totals.items()},
                "results": [told(row) for row in board.rows],
            }
        )


class WeatherList(APIView):
    """室外气温：登记。"""

    @extend_schema(operation_id="weather_record", request=WeatherBody, responses={201: OpenApiTypes.OBJECT})
    def post(self, request):
        at = clock.now()
        if not forecast.may_record(request.user):
            raise Forbidden("由区城管执法局、区发改委或燃气企业登记气温")
        body = WeatherBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = dict(body.validated_data)
        one = forecast.record_weather(said.pop("day"), **said, unit=access.home_unit(request.user), actor=request.user, at=at)
        return Response({"day": one.day.isoformat(), "kind": one.kind, "lowest": _number(one.lowest), "highest": _number(one.highest), "mean": _number(one.mean), "recorded_at": _iso(at)}, status=201)


class Outlook(APIView):
    """用气预测：逐日预测、实际与误差。"""

    @extend_schema(operation_id="gas_forecast", parameters=[OpenApiParameter("company", str, description="企业代码；不写为可见的全部企业")], responses=OpenApiTypes.OBJECT)
    def get(self, request):
        at = clock.now()
        selectors.require_sight(request.user)
        code = _plain(request.query_params.get("company", ""), "company")
        company = selectors.company_to_see(request.user, code) if code else None
        found = selectors.outlook(request.user, company=company, at=at)
        return Response(
            {
                "company": code or None, "companies": found.companies, "mape": round(float(found.mape), 4) if found.mape is not None else None, "days_compared": found.compared,
                "results": [
                    {
                        "day": one.day.isoformat(), "mean_celsius": _number(one.weather.mean) if one.weather else None, "degree_days": _number(one.degree_days),
                        "forecast_m3": _number(one.forecast), "made_on": one.made_on.isoformat() if one.made_on else None, "actual_m3": _number(one.actual),
                        "actual_of": one.actual_of, "error": round(float(one.error), 4) if one.error is not None else None,
                    }
                    for one in found.days
                ],
            }
        )  # fmt: skip


def told(row: selectors.Row) -> dict:
    """A report, or its absence, over the wire: null where nothing was told."""
    one = row.report
    answer = {"company": row.company.code, "day": row.day.isoformat(), "state": row.state, "due_at": _iso(row.due.due_at) if row.due else None}
    if one is None:
        return {**answer, "version": None, "submitted_at": None, "late": row.state == selectors.MISSING, **dict.fromkeys(FIGURES), "gas_gap_computed_m3": None,
                "measures": None, "zero_report": None, "remarks": []}  # fmt: skip
    return {
        **answer, "version": one.version, "submitted_at": _iso(one.submitted_at), "late": row.state == selectors.LATE,
        **{name: _number(getattr(one, name)) for name in FIGURES}, "gas_gap_computed_m3": _number(one.gap_computed_m3), "measures": one.measures,
        "zero_report": one.is_zero, "reason": one.reason, "remarks": one.remarks,
    }  # fmt: skip


def _company(user, code: str):
    try:
        return selectors.company_to_report(user, code)
    except NotFound as fault:
        if access.everywhere(user, access.SUPERVISE):
            raise Invalid("没有这家供热企业", field="company") from fault
        raise


def _plain(text: str, field: str) -> str:
    if len(text) > 64 or "\x00" in text:
        raise Invalid("没有这家企业", field=field)
    return text


def _number(value):
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def _iso(moment):
    return moment.astimezone(civil.SHANGHAI).isoformat() if moment else None
