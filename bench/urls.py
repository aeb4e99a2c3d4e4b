"""The portal's addresses, and `/empty/`."""

from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView


class Empty(APIView):
    """Who is it, and good-bye: what any POST costs before it does anything."""

    def post(self, request):
        return Response({"read": len(request.data)}, status=201)


urlpatterns = [path("empty/", Empty.as_view()), path("", include("heating.urls"))]
