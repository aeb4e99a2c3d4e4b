"""The calls on deadlines and escalations, design §6."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock
from core.civil import SHANGHAI
from deadlines import escalations, selectors

PAGE = {"next": serializers.CharField(allow_null=True), "previous": serializers.CharField(allow_null=True)}
ROWS = serializers.ListField(child=serializers.DictField())
FILTERS = [OpenApiParameter(name, str) for name in ("unit", "late", "kind", "cursor")]


def ticket_of(deadline) -> str | None:
    """The number of the ticket that a deadline is about, if it is about one."""
    return deadline.label if deadline.subject_type.model == "ticket" else None


def deadline_row(deadline, *, at) -> dict:
    """A deadline, over the wire."""
    return {
        "id": deadline.pk,
        "ticket": ticket_of(deadline),
        "subject": deadline.label,
        "stage": deadline.stage,
        "name": deadline.policy.name,
        "unit": deadline.unit.code,
        "round": deadline.round,
        "segment": deadline.segment,
        "opened_at": _iso(deadline.opened_at),
        "due_at": _iso(deadline.due_at),
        "settled_at": _iso(deadline.settled_at),
        "outcome": deadline.outcome or None,
        "late": deadline.is_late(at),
        "seconds_late": round(deadline.seconds_late(at), 3),
        "level": deadline.level,
    }


def escalation_row(escalation) -> dict:
    """An escalation, over the wire: `unit` is who was late, `audiences` whom it was taken to."""
    return {
        "id": escalation.pk,
        "ticket": ticket_of(escalation.deadline),
        "subject": escalation.deadline.label,
        "stage": escalation.deadline.stage,
        "level": escalation.level,
        "unit": escalation.unit.code,
        "audiences": escalation.audiences,
        "proposal": escalation.proposal or None,
        "round": escalation.deadline.round,
        "due_at": _iso(escalation.deadline.due_at),
        "breach_at": _iso(escalation.breach_at),
        "detected_at": _iso(escalation.detected_at),
        "collapsed": escalation.collapsed,
        "signed_at": _iso(escalation.signed_at),
        "signed_by": str(escalation.signed_by) if escalation.signed_by_id else None,
        "note": escalation.note,
    }


class DeadlineList(APIView):
    """时限：本单位所欠，或全区。"""

    @extend_schema(operation_id="deadlines_list", parameters=FILTERS, responses=inline_serializer("DeadlinePage", {**PAGE, "results": ROWS}))
    def get(self, request):
        at = clock.now()
        found = selectors.deadlines(request.user, request.query_params, at=at)
        return Response({"next": found.next, "previous": found.previous, "results": [deadline_row(one, at=at) for one in found.rows]})


class EscalationList(APIView):
    """督办单。"""

    @extend_schema(
        operation_id="escalations_list",
        parameters=[*FILTERS, OpenApiParameter("level", str), OpenApiParameter("signed", str)],
        responses=inline_serializer("EscalationPage", {**PAGE, "results": ROWS}),
    )
    def get(self, request):
        found = selectors.escalations(request.user, request.query_params, at=clock.now())
        return Response({"next": found.next, "previous": found.previous, "results": [escalation_row(one) for one in found.rows]})


class SignBody(serializers.Serializer):
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class SignEscalation(APIView):
    """签收督办单。"""

    @extend_schema(operation_id="escalations_sign", request=SignBody, responses=inline_serializer("Escalation", {"id": serializers.IntegerField()}))
    def post(self, request, pk):
        escalation = selectors.escalation_to_sign(request.user, pk)
        said = SignBody(data=request.data)
        said.is_valid(raise_exception=True)
        escalations.sign(escalation, note=said.validated_data["note"], actor=request.user, at=clock.now())
        return Response(escalation_row(escalation))


def _iso(moment):
    return moment.astimezone(SHANGHAI).isoformat() if moment else None
