"""django-helpdesk at the root, and a door that tells a monitor that it is up."""

from django.http import HttpResponse
from django.urls import include, path

urlpatterns = [path("livez", lambda request: HttpResponse("ok")), path("", include("helpdesk.urls"))]
