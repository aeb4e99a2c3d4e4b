"""The calls by which a company's own account hosts 码上暖 (G22). Signed, not logged in; see docs/公众号接入.md."""

from drf_spectacular.utils import OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from complaints.residents import following, gate, hosting, keys, selectors, submitting
from complaints.residents.topics import ROOMS, SINCE, TOPICS, WHEN
from core import clock, limits
from core.errors import NotFound
from core.privacy import normal_phone

SIGNED = "签名请求头：X-App-Key、X-Timestamp、X-Nonce、X-Signature。"
PLACES = inline_serializer("OpenPlaces", {"topics": serializers.ListField(child=serializers.DictField()), "communities": serializers.ListField(child=serializers.DictField())})
RECEIPT = inline_serializer("OpenReceipt", {"number": serializers.CharField(), "key": serializers.CharField(), "again": serializers.BooleanField(), "follow": serializers.CharField()})


class Submission(serializers.Serializer):
    client_id = serializers.RegexField(r"^[0-9a-f]{32}\Z", help_text="本次填写的标识，32 位十六进制；网络不好重发时不变，就只算一件")
    topic = serializers.ChoiceField(choices=[(one.code, one.name) for one in TOPICS.values()])
    community = serializers.CharField(max_length=64, help_text="小区代码，见 places")
    phone = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    email = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    building = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    unit_no = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    room_no = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    rooms = serializers.ListField(child=serializers.ChoiceField(choices=ROOMS), required=False, max_length=len(ROOMS), default=list)
    celsius = serializers.DecimalField(max_digits=5, decimal_places=2, required=False, allow_null=True, default=None, min_value=-30, max_value=60)
    since = serializers.ChoiceField(choices=list(SINCE.items()), required=False, allow_blank=True, default="")
    words = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
    when = serializers.ChoiceField(choices=list(WHEN.items()), required=False, default="any")

    confidential = serializers.BooleanField(required=False, default=False, help_text="住户要求对被反映单位保密；仅收费退费、投诉建议可选")


class Signed(APIView):
    """A view that knows who signed."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request, *args, **kwargs):
        """Prove the account before anything is read of the body."""
        super().initial(request, *args, **kwargs)
        self.at = clock.now()
        self.account = hosting.prove(
            request.headers, method=request.method, path=request._request.get_full_path(), body=request._request.body, at=self.at
        )


class OpenPlaces(Signed):
    """本企业的小区与可选诉求。"""

    @extend_schema(operation_id="open_places", responses=PLACES, description=SIGNED, auth=[])
    def get(self, request):
        rows = selectors.communities(hosting.door_of(self.account))
        communities = [{"code": one.code, "name": one.name, "notices": selectors.notices_of(one, at=self.at)} for one in rows]
        topics = [{"code": one.code, "name": one.name, "rooms": one.asks_rooms, "words": one.needs_words, "door": one.needs_door} for one in TOPICS.values()]
        return Response({"topics": topics, "communities": communities, "rooms": ROOMS, "since": SINCE, "when": WHEN})


class OpenSubmissions(Signed):
    """住户在企业公众号里提交的诉求。"""

    @extend_schema(operation_id="open_submit", request=Submission, responses={200: RECEIPT, 201: RECEIPT}, description=SIGNED, auth=[])
    def post(self, request):
        body = Submission(data=request.data)
        body.is_valid(raise_exception=True)
        said = dict(body.validated_data)
        door = hosting.door_of(self.account)
        place = selectors.communities(door).filter(code=said["community"]).first()
        if place is None:
            raise NotFound("本企业没有这个小区")
        if not submitting.is_known(said["client_id"]):
            limits.require(
                "form-phone", normal_phone(said["phone"]), most=gate.PER_PHONE, window=gate.DAY, at=self.at,
                message="这部电话今天提交较多，请用受理号跟进原诉求，紧急情况请拨打 24 小时电话或 12345"
            )
        words = submitting.Words(**{**said, "rooms": tuple(said["rooms"]), "community": place.code})
        receipt = submitting.submit(words, door, at=self.at, via=self.account.name)
        told = {"number": receipt.ticket.number, "key": receipt.key, "again": receipt.is_again, "follow": f"/track/{receipt.key}/"}
        return Response(told, status=200 if receipt.is_again else 201)


class OpenCase(Signed):
    """住户凭查询凭证看进度；与码上暖查询页同一事实。"""

    @extend_schema(operation_id="open_case", responses=OpenApiTypes.OBJECT, description=SIGNED, auth=[])
    def get(self, request, key):
        ticket = keys.by_key(key)
        if ticket.community is None or ticket.community.company_id != self.account.company_id:
            raise NotFound
        steps = [
            {"name": step.name, "state": step.state, "at": step.at.isoformat() if step.at else None, "due": step.due.isoformat() if step.due else None, "said": step.said} for step in following.steps(ticket, at=self.at)
        ]
        return Response({"number": ticket.number, "state": ticket.get_state_display(), "steps": steps})
