"""Addresses of oversight."""

from django.urls import path

from oversight import views

app_name = "oversight"
urlpatterns = [path("", views.overview, name="overview")]
