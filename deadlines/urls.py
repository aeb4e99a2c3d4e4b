"""Addresses of what is owed."""

from django.urls import path

from deadlines import views

app_name = "deadlines"
urlpatterns = [
    path("escalations/", views.escalation_list, name="escalations"),
    path("escalations/<int:pk>/sign/", views.sign_escalation, name="sign"),
    path("units/", views.unit_list, name="units"),
    path("units/<slug:code>/", views.unit_page, name="unit"),
    path("plan/", views.plan_page, name="plan"),
]
