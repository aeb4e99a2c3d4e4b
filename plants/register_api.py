"""The register over the wire: any kind's rows as one may see them, and a row entered or corrected by the bureau (B4)."""

from datetime import date
from decimal import Decimal

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from core import civil, clock
from core.errors import Invalid, PortalError
from plants import register
from plants import register_kinds as kinds
from plants import register_selectors as selectors
from plants.register_kinds import CHARGES, KINDS, METERS, Kind

ROW = OpenApiTypes.OBJECT
PAGE = inline_serializer("RegisterPage", {
    "next": serializers.CharField(allow_null=True), "previous": serializers.CharField(allow_null=True),
    "results": serializers.ListField(child=serializers.DictField()),
})  # fmt: skip
KIND = OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=list(KINDS), description="类别")
FILTERS = [OpenApiParameter(name, str, description=said) for name, said in (
    ("company", "企业代码"), ("street", "街道代码"), ("overlay", "管委会代码"), ("plant", "厂站代码"), ("list", "小区名单：" + "、".join(selectors.LISTS)),
    ("q", "名称或代码"), ("inactive", "1：含停用"), ("cursor", "翻页标记"),
)]  # fmt: skip


def told(kind: Kind, row) -> dict:
    """A row, over the wire: every field by its name, units and places by their codes."""
    said = {field.name: _plain(getattr(row, field.name)) for field in kind.fields if hasattr(row, field.name)}
    if kind is CHARGES:
        return {"id": row.pk, **said, "until": _plain(row.until)}
    return {"code": row.code, **said, "is_active": row.is_active, "is_demo": row.is_demo}


def _plain(value):
    if hasattr(value, "code"):
        return value.code
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


class RegisterList(APIView):
    """底册：厂站、锅炉、管网、小区、热能表、属地检查分工。"""

    @extend_schema(operation_id="register_list", parameters=[KIND, *FILTERS], responses=PAGE)
    def get(self, request, kind):
        kind = selectors.kind_named(kind)
        found = selectors.listing(request.user, kind, request.query_params, today=civil.day_of(clock.now()))
        return Response({"next": found.next, "previous": found.previous, "results": [told(kind, row) for row in found.rows]})

    @extend_schema(operation_id="register_save", parameters=[KIND], request=OpenApiTypes.OBJECT, responses={200: ROW, 201: ROW})
    def post(self, request, kind):
        """登记或更正一行：有代码按代码，没有的按名称（锅炉在厂站之内，热能表在小区之内）认。只改所给的字段。"""
        kind = selectors.kind_named(kind)
        if kind is CHARGES:
            raise Invalid("属地检查分工请在页面上调整", field="kind")
        register.require_edit(request.user)
        values = _values(kind, request.data)
        row = register.existing(kind, values)
        if row is not None:
            values.pop("code", None)
        else:
            _require_all(kind, values)
        row, what = register.save(kind, values, actor=request.user, at=clock.now(), row=row, source="api")
        return Response(told(kind, row), status=201 if what == register.CREATED else 200)


class RegisterDetail(APIView):
    """底册的一行。"""

    @extend_schema(operation_id="register_retrieve", parameters=[KIND], responses=ROW)
    def get(self, request, kind, code):
        kind = selectors.kind_named(kind)
        return Response(told(kind, selectors.to_see(request.user, kind, code)))


def _values(kind: Kind, body) -> dict:
    """The body's fields as values. Invalid names every field that is wrong or unknown."""
    if not isinstance(body, dict) or not body:
        raise Invalid("请求体应为 JSON 对象")
    known = {field.name: field for field in kind.fields}
    find, values, faults = selectors.finder(), {}, {}
    for name, cell in body.items():
        if name not in known:
            faults[str(name)[:60]] = ["没有这个字段"]
            continue
        cell = "、".join(map(str, cell)) if isinstance(cell, list) and known[name].type == "names" else cell
        if isinstance(cell, (dict, list)):
            faults[name] = ["应为单个值"]
            continue
        try:
            values[name] = kinds.read(known[name], cell, find)
        except PortalError as fault:
            faults[name] = [fault.message]
    if not values.get("code") and not values.get("name"):
        faults.setdefault("name", ["代码、名称至少填一项"])
    if kind in (kinds.BOILERS, METERS) and not values.get("code"):
        owner = "plant" if kind is kinds.BOILERS else "community"
        if values.get(owner) is None:
            faults.setdefault(owner, ["没有代码时须写明"])
    if faults:
        raise Invalid(next(iter(faults.values()))[0], fields=faults)
    return values


def _require_all(kind: Kind, values: dict) -> None:
    missing = {field.name: [f"{field.label}不能为空"] for field in kind.fields if field.required and values.get(field.name) in (None, "")}
    if missing:
        raise Invalid(next(iter(missing.values()))[0], fields=missing)
