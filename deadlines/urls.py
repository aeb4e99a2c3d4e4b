"""Addresses of what is owed."""

from django.urls import path

from deadlines import obligation_views, views

app_name = "deadlines"
urlpatterns = [
    path("escalations/", views.escalation_list, name="escalations"),
    path("escalations/export/", views.escalation_export, name="escalation_export"),
    path("escalations/<int:pk>/sign/", views.sign_escalation, name="sign"),
    path("units/", views.unit_list, name="units"),
    path("units/<slug:code>/", views.unit_page, name="unit"),
    path("plan/", views.plan_page, name="plan"),
    path("obligations/", obligation_views.obligation_list, name="obligations"),
    path("obligations/units/", obligation_views.by_unit, name="obligations_by_unit"),
    path("obligations/matrix/", obligation_views.matrix, name="obligation_matrix"),
    path("obligations/documents/", obligation_views.documents, name="obligation_documents"),
    path("obligations/lines/", obligation_views.lines, name="obligation_lines"),
    path("obligations/approve/", obligation_views.approve_many, name="obligations_approve"),
    path("obligations/export/", obligation_views.export, name="obligations_export"),
    path("obligations/<int:pk>/", obligation_views.obligation, name="obligation"),
    path("obligations/<int:pk>/report/", obligation_views.report, name="obligation_report"),
    path("obligations/<int:pk>/files/<uuid:key>/", obligation_views.attachment, name="obligation_file"),
    path("obligations/<int:pk>/<slug:act>/", obligation_views.decide, name="obligation_decide"),
]
