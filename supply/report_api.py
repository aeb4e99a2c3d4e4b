"""The calls on daily reports, design §6."""

from decimal import Decimal

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from core import civil, clock
from core.errors import Invalid
from supply import report_selectors as selectors
from supply import reports

MOST = {"max_digits": 12, "decimal_places": 0, "min_value": Decimal(0)}
ANSWER = inline_serializer("DailyReport", {
    "company": serializers.CharField(), "day": serializers.DateField(), "version": serializers.IntegerField(), "state": serializers.CharField(),
    "gap_m3": serializers.CharField(), "questions": serializers.ListField(child=serializers.CharField()), "reported_at": serializers.DateTimeField(),
})  # fmt: skip


class DailyReportForm(serializers.Serializer):
    """A company's report of a day."""

    company = serializers.SlugField(max_length=64)
    day = serializers.DateField()
    boilers_running = serializers.IntegerField(min_value=0, max_value=10_000)
    capacity_mw = serializers.DecimalField(max_digits=9, decimal_places=2, min_value=Decimal(0))
    gas_used_m3 = serializers.DecimalField(**MOST)
    gas_demand_m3 = serializers.DecimalField(**MOST)
    gas_supply_m3 = serializers.DecimalField(**MOST)
    gas_gap_m3 = serializers.DecimalField(**MOST)
    measures = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")
    zero_report = serializers.BooleanField(required=False, default=False)
    confirmation = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class DailyReportList(APIView):
    """供热企业每日报送；再次报送为更正，须写原因。"""

    @extend_schema(operation_id="daily_reports_create", request=DailyReportForm, responses={201: ANSWER, 200: ANSWER})
    def post(self, request):
        form = DailyReportForm(data=request.data)
        form.is_valid(raise_exception=True)
        said = dict(form.validated_data)
        company, day = selectors.company_to_see(request.user, said.pop("company")), said.pop("day")
        if not 2000 <= day.year <= 2100:
            raise Invalid("日期超出合理范围", field="day")
        report = reports.submit(company, day, reports.Figures(is_zero=said.pop("zero_report"), **said), actor=request.user, at=clock.now())
        body = {
            "company": company.code, "day": day.isoformat(), "version": report.version, "state": "zero" if report.is_zero else "submitted",
            "gap_m3": str(report.gap_m3), "questions": report.questions, "reported_at": civil.localize(report.reported_at).isoformat(),
        }  # fmt: skip
        return Response(body, status=201 if report.version == 1 else 200)


class DailyReportSummary(APIView):
    """某日合计与报送覆盖：未报不当作零。"""

    @extend_schema(operation_id="daily_reports_summary", parameters=[OpenApiParameter("day", str)], responses=inline_serializer("DailySummary", {
        "day": serializers.DateField(), "reported": serializers.IntegerField(), "of": serializers.IntegerField(), "coverage": serializers.CharField(),
        "totals": serializers.DictField(), "companies": serializers.ListField(child=serializers.DictField()),
    }))  # fmt: skip
    def get(self, request):
        at = clock.now()
        found = selectors.summary(request.user, selectors.day_named(request.query_params.get("day"), at=at), at=at)
        return Response({
            "day": found.day.isoformat(), "reported": found.reported, "of": len(found.rows), "coverage": found.coverage,
            "totals": {name: None if value is None else str(value) for name, value in found.totals.items()},
            "companies": [
                {"company": row.due.company.code, "state": row.state, "version": row.report.version if row.report else None,
                 **{name: str(getattr(row.report, name)) if row.report else None for name in reports.FIGURES},
                 "gap_m3": str(row.report.gap_m3) if row.report else None}
                for row in found.rows
            ],
        })  # fmt: skip
