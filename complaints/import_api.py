"""The import calls of design §6: a file comes in, is worked on, and tells how far it is."""

from drf_spectacular.utils import OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from complaints import import_selectors as selectors
from complaints import imports
from complaints.import_queue import nudge
from complaints.models import Source
from complaints.posting import require_source
from core import clock
from core.errors import Invalid, TooLarge
from core.paging import page
from units import access


class ImportBody(serializers.Serializer):
    source = serializers.ChoiceField(choices=Source.choices, default=Source.HOTLINE)
    dry_run = serializers.BooleanField(default=False)
    history = serializers.BooleanField(default=False)


def told(job, *, with_errors: bool = True) -> dict:
    """An import, over the wire."""
    said = {
        "id": job.pk,
        "name": job.name,
        "source": job.source,
        "state": job.state,
        "rows": job.rows,
        "rows_done": job.rows_done,
        "created": job.created,
        "updated": job.updated,
        "unchanged": job.unchanged,
        "wrong": job.wrong,
        "warned": job.warned,
        "forecast": job.forecast or None,
        "dry_run": job.is_dry_run,
        "history": job.is_history,
        "error": job.error or None,
    }
    if with_errors:
        said["errors"] = [{"row": fault.row, "field": fault.field, "message": fault.message} for fault in selectors.faults(job)]
        said["warnings"] = [{"row": remark.row, "message": remark.message} for remark in selectors.faults(job, warnings=True)]
    return said


class ImportList(APIView):
    """12345 文件导入：上传后由工作进程处理。"""

    def get_parsers(self):
        return [MultiPartParser()] if self.request and self.request.method == "POST" else super().get_parsers()

    @extend_schema(operation_id="imports_list", responses=inline_serializer("ImportPage", {
        "next": serializers.CharField(allow_null=True), "previous": serializers.CharField(allow_null=True),
        "results": serializers.ListField(child=serializers.DictField()),
    }))  # fmt: skip
    def get(self, request):
        found = page(selectors.imports(request.user), order=("-id",), cursor=request.query_params.get("cursor"))
        return Response({"next": found.next, "previous": found.previous, "results": [told(job, with_errors=False) for job in found.rows]})

    @extend_schema(
        operation_id="imports_upload",
        request={"multipart/form-data": inline_serializer("ImportUpload", {
            "file": serializers.FileField(), "source": serializers.ChoiceField(choices=Source.choices, required=False),
            "dry_run": serializers.BooleanField(required=False), "history": serializers.BooleanField(required=False),
        })},
        responses={202: OpenApiTypes.OBJECT},
    )  # fmt: skip
    def post(self, request):
        access.require(request.user, access.DISPATCH_TICKETS)
        said = ImportBody(data={name: request.data[name] for name in ("source", "dry_run", "history") if name in request.data})
        said.is_valid(raise_exception=True)
        require_source(request.auth, said.validated_data["source"])
        upload = request.FILES.get("file")
        if upload is None:
            raise Invalid("请选择文件", field="file")
        if upload.size > imports.sheets.MOST_BYTES:
            raise TooLarge("文件过大，最多 10 MB", field="file")
        job = imports.upload(
            upload.read(), upload.name, unit=access.home_unit(request.user), actor=request.user, at=clock.now(), automatic=True, **said.validated_data
        )
        nudge(job)
        return Response(told(job), status=202)


class ImportDetail(APIView):
    """一次导入的进度与错误。"""

    @extend_schema(operation_id="imports_retrieve", responses=OpenApiTypes.OBJECT)
    def get(self, request, pk):
        return Response(told(selectors.import_to_see(request.user, pk)))
