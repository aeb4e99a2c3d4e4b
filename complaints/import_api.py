"""The import calls of design §6."""

from rest_framework.views import APIView


class ImportList(APIView):
    """12345 文件导入。"""


class ImportDetail(APIView):
    """一次导入的进度与错误。"""
