"""Public addresses: 码上暖 and following one's case."""

from django.urls import path

from complaints.residents import views

app_name = "residents"
urlpatterns = [
    path("m/privacy/", views.privacy, name="privacy"),
    path("m/<slug:token>/", views.home, name="home"),
    path("m/<slug:token>/where/", views.where, name="where"),
    path("m/<slug:token>/<slug:topic>/", views.new, name="new"),
    path("track/", views.find, name="find"),
    path("track/<str:key>/", views.case, name="case"),
    path("track/<str:key>/<slug:name>/", views.act, name="act"),
]
