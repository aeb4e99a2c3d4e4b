"""Every door of the portal. `manage.py show_urls` prints them."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from heating import views

handler400 = "heating.views.bad_request"
handler403 = "heating.views.permission_denied"
handler404 = "heating.views.page_not_found"
handler500 = "heating.views.server_error"

urlpatterns = [
    path("api/v1/", include("heating.api_urls")),  # before all that begins with nothing, which is gone through one by one
    path("", views.home, name="home"),
    path("wall/", views.wall, name="wall"),
    path("healthz", views.healthz, name="healthz"),
    path("metrics", views.metrics, name="metrics"),
    path("livez", views.livez, name="livez"),
    path("help/", views.help_page, name="help"),
    path("", include("units.urls")),
    path("", include("deadlines.urls")),
    path("", include("notices.urls")),
    path("", include("supply.urls")),  # before the milestones' codes: /milestones/ignition/
    path("", include("plants.urls")),
    path("", include("complaints.urls")),
    path("", include("complaints.cluster_urls")),
    path("", include("complaints.callback_urls")),
    path("", include("complaints.residents.urls")),
    path("e/", include("complaints.residents.embedding", namespace="embedded")),
    path("", include("complaints.residents.code_urls")),
    path("captcha/", include("captcha.urls")),
    path("oversight/", include("oversight.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("api/redoc/", SpectacularRedocView.as_view(url_name="schema"), name="api-redoc"),
]
