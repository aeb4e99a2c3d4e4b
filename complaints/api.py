"""The ticket calls of design §6. Each is a sentence: fetch what this person may act on, do the act, tell the ticket."""

from functools import cache

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from complaints import access as ticket_access
from complaints import api_forms as forms
from complaints import dispatching, intake, lifecycle, links, personal, presenting, returns, selectors
from complaints.lifecycle import Arrival, Reading
from complaints.posting import intake_allowed
from core import attachments, clock, journal
from core.api import Steady, answer
from core.errors import TooLarge
from units.selectors import unit_by_code

TICKET = OpenApiTypes.OBJECT
FILTERS = [OpenApiParameter(name, str, description=said) for name, said in (
    ("state", "状态，或 open"), ("late", "true：已超时"), ("soon", "true：20 分钟内到期"), ("stage", "当前环节"), ("unit", "参与单位代码"), ("street", "街道代码"),
    ("community", "小区代码"), ("category", "分类"), ("source", "来源"), ("kind", "诉求类型"), ("q", "编号、电话、小区或内容中的词"),
    ("since", "进入本平台时间不早于"), ("until", "进入本平台时间早于"), ("order", "newest（默认）或 due"), ("cursor", "翻页标记"),
)]  # fmt: skip


def body(form, request) -> dict:
    """The validated body of a request."""
    return _made(form).run_validation(request.data)


@cache
def _made(form):
    """A form made once: making its fields takes longer than checking a body by them, and they keep nothing of it."""
    return form()


def told(request, ticket, at, status_code: int = 200) -> Response:
    """The ticket after an act, as this person may know it; gone from their sight, only its number and state."""
    seen = ticket_access.visible_to(request.user).filter(pk=ticket.pk).select_related("lead", "doer", "street", "community", "repeat_of").first()
    if seen is None:
        return Response({"number": ticket.number, "state": ticket.state}, status=status_code)
    return Response(presenting.full(request.user, seen, at=at), status=status_code)


class TicketList(Steady, APIView):
    """工单：列表与受理。"""

    @extend_schema(operation_id="tickets_list", parameters=FILTERS, responses={200: inline_serializer("TicketPage", {
        "next": serializers.CharField(allow_null=True), "previous": serializers.CharField(allow_null=True),
        "results": serializers.ListField(child=serializers.DictField()),
    })})  # fmt: skip
    def get(self, request):
        at = clock.now()
        filters = selectors.Filters.read(request.query_params)
        order = selectors.DUE_FIRST if request.query_params.get("order") == "due" else selectors.NEWEST
        found = selectors.listing(request.user, filters, at=at, cursor=request.query_params.get("cursor"), order=order)
        rows = [presenting.row(request.user, ticket, at=at) for ticket in found.rows]
        return Response({"next": found.next, "previous": found.previous, "results": rows})

    @extend_schema(operation_id="tickets_receive", request=forms.TicketBody, responses={200: TICKET, 201: TICKET, 409: TICKET})
    def post(self, request):
        at = clock.of_request()
        complaint = intake_allowed(request.user, body(forms.TicketBody, request), token=request.auth)
        received = intake.receive(complaint, actor=request.user, at=at)
        if received.outcome == intake.CREATED and ticket_access.sees_all(request.user):
            return Response(presenting.full(request.user, received.ticket, at=at, new=received), status=201)
        return told(request, received.ticket, at, 201 if received.outcome == intake.CREATED else 200)


class TicketDetail(APIView):
    """一张工单。"""

    @extend_schema(operation_id="tickets_retrieve", responses=TICKET)
    def get(self, request, number):
        return told(request, ticket_access.ticket_to_see(request.user, number), clock.now())


class Timeline(APIView):
    """办理时间线，由早到晚。"""

    @extend_schema(operation_id="tickets_timeline", responses={200: {"type": "array", "items": {"type": "object", "additionalProperties": True}}})
    def get(self, request, number):
        return Response(presenting.history(request.user, ticket_access.ticket_to_see(request.user, number)))


class Dispatch(APIView):
    """交办。"""

    @extend_schema(operation_id="tickets_dispatch", request=forms.DispatchBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_dispatch(request.user, number)
        said = body(forms.DispatchBody, request)
        assists = said.get("assists")
        order = dispatching.decide(
            ticket, at=at, category=said["category"], doer=_unit(said, "doer"), lead=_unit(said, "lead"), street=_unit(said, "street"),
            assists=[unit_by_code(code, field="assists") for code in assists] if assists is not None else None,
            community=dispatching.community_named(said.get("community")), note=said["note"],
        )  # fmt: skip
        lifecycle.dispatch(ticket, order, actor=request.user, at=at)
        return told(request, ticket, at)


class Respond(APIView):
    """响应。"""

    @extend_schema(operation_id="tickets_respond", request=forms.RespondBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_handle(request.user, number)
        lifecycle.respond(ticket, **body(forms.RespondBody, request), actor=request.user, at=at)
        return told(request, ticket, at)


class Arrive(APIView):
    """登记到场。"""

    @extend_schema(operation_id="tickets_arrive", request=forms.ArriveBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_handle(request.user, number)
        said = body(forms.ArriveBody, request)
        proof = said["evidence"]
        attachment = selectors.attachment_to_see(request.user, number, proof["attachment"]) if proof.get("attachment") else None
        arrival = Arrival(
            kind=proof["kind"], note=proof["note"], attachment=attachment, nobody_home=said["nobody_home"], device_time=said.get("device_time")
        )
        lifecycle.arrive(ticket, arrival, actor=request.user, at=at)
        return told(request, ticket, at)


class Finish(APIView):
    """办结。"""

    @extend_schema(operation_id="tickets_finish", request=forms.FinishBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_handle(request.user, number)
        said = body(forms.FinishBody, request)
        readings = [Reading(**reading) for reading in said.get("readings", [])]
        lifecycle.finish(ticket, cause=said["cause"], measure=said["measure"], readings=readings, actor=request.user, at=at)
        return told(request, ticket, at)


class CallBack(APIView):
    """回访。"""

    @extend_schema(operation_id="tickets_callback", request=forms.CallbackBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_answer(request.user, number)
        said = body(forms.CallbackBody, request)
        said["satisfaction"] = said["satisfaction"] or ""
        lifecycle.call_back(ticket, **said, actor=request.user, at=at)
        return told(request, ticket, at)


class MakeAppointment(APIView):
    """改约上门。"""

    @extend_schema(operation_id="tickets_appointment", request=forms.AppointmentBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_handle(request.user, number)
        lifecycle.make_appointment(ticket, **body(forms.AppointmentBody, request), actor=request.user, at=at)
        return told(request, ticket, at)


class ReturnTicket(APIView):
    """申请退单。"""

    @extend_schema(operation_id="tickets_return", request=forms.ReturnBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_handle(request.user, number)
        said = body(forms.ReturnBody, request)
        proposed = unit_by_code(said["proposed_unit"], field="proposed_unit")
        returns.request(ticket, reason=said["reason"], proposed_unit=proposed, actor=request.user, at=at)
        return told(request, ticket, at)


class Rule(APIView):
    """裁定退单。"""

    @extend_schema(operation_id="tickets_rule", request=forms.RuleBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_rule(request.user, number)
        said = body(forms.RuleBody, request)
        returns.rule(ticket, accepted=said["accepted"], unit=_unit(said, "unit"), reason=said["reason"], actor=request.user, at=at)
        return told(request, ticket, at)


class Transfer(APIView):
    """转派承办单位。"""

    @extend_schema(operation_id="tickets_transfer", request=forms.TransferBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_dispatch(request.user, number)
        said = body(forms.TransferBody, request)
        returns.transfer(ticket, unit=unit_by_code(said["unit"]), reason=said["reason"], actor=request.user, at=at)
        return told(request, ticket, at)


class LinkTicket(APIView):
    """并入同一诉求的原件。"""

    @extend_schema(operation_id="tickets_link", request=forms.LinkBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_dispatch(request.user, number)
        said = body(forms.LinkBody, request)
        parent = ticket_access.ticket_to_see(request.user, said["to"])
        links.link(ticket, parent, reason=said["reason"], actor=request.user, at=at)
        return told(request, ticket, at)


class UnlinkTicket(APIView):
    """撤销并案。"""

    @extend_schema(operation_id="tickets_unlink", request=forms.ReasonBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_dispatch(request.user, number)
        links.unlink(ticket, reason=body(forms.ReasonBody, request)["reason"], actor=request.user, at=at)
        return told(request, ticket, at)


class Void(APIView):
    """作废。"""

    @extend_schema(operation_id="tickets_void", request=forms.ReasonBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_dispatch(request.user, number)
        lifecycle.make_void(ticket, reason=body(forms.ReasonBody, request)["reason"], actor=request.user, at=at)
        return told(request, ticket, at)


class Nudge(APIView):
    """催办。"""

    @extend_schema(operation_id="tickets_nudge", request=forms.NoteBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_dispatch(request.user, number)
        lifecycle.nudge(ticket, **body(forms.NoteBody, request), actor=request.user, at=at)
        return told(request, ticket, at)


class CompleteAssist(APIView):
    """协办办结。"""

    @extend_schema(operation_id="tickets_assist", request=forms.NoteBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        ticket, task = ticket_access.ticket_to_assist(request.user, number)
        lifecycle.complete_assist(ticket, task, **body(forms.NoteBody, request), actor=request.user, at=at)
        return told(request, ticket, at)


class WaiveAssist(APIView):
    """主办免除协办。"""

    @extend_schema(operation_id="tickets_waive", request=forms.WaiveBody, responses=TICKET)
    def post(self, request, number):
        at = clock.now()
        said = body(forms.WaiveBody, request)
        ticket, task = ticket_access.assist_to_waive(request.user, number, said["unit"])
        lifecycle.waive_assist(ticket, task, reason=said["reason"], actor=request.user, at=at)
        return told(request, ticket, at)


class Reveal(APIView):
    """查看一项联系方式，留痕。"""

    @extend_schema(operation_id="tickets_reveal", request=forms.RevealBody, responses=inline_serializer("Revealed", {"field": serializers.CharField(), "value": serializers.CharField()}))
    def post(self, request, number):
        ticket = ticket_access.ticket_to_see(request.user, number)
        said = body(forms.RevealBody, request)
        value = personal.reveal(ticket, said["field"], reason=said["reason"], actor=request.user, at=clock.now())
        return Response({"field": said["field"], "value": value})


class Attach(APIView):
    """上传佐证（JPEG、PNG、WEBP、PDF）。"""

    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="tickets_attach",
        request={"multipart/form-data": inline_serializer("AttachmentBody", {"file": serializers.FileField()})},
        responses={201: inline_serializer("AttachmentAnswer", {"id": serializers.UUIDField(), "name": serializers.CharField(), "size": serializers.IntegerField()})},
    )
    def post(self, request, number):
        at = clock.now()
        ticket = ticket_access.ticket_to_handle(request.user, number)
        upload = request.FILES.get("file")
        if upload is None:
            return answer(400, "invalid", "请选择文件", {"file": ["请选择文件"]})
        if upload.size > settings.ATTACHMENT_MAX_BYTES:
            raise TooLarge(f"文件过大，最多 {settings.ATTACHMENT_MAX_BYTES // 1024 // 1024} MB", field="file")
        kept = attachments.store(upload, ticket, actor=request.user, at=at, field="file")
        journal.record(ticket, "attach", actor=request.user, at=at, unit=ticket.doer.code, name=kept.name, sha256=kept.sha256)
        return Response({"id": str(kept.pk), "name": kept.name, "size": kept.size}, status=status.HTTP_201_CREATED)


def _unit(said: dict, name: str):
    return unit_by_code(said[name], field=name) if said.get(name) else None

