"""Addresses of the codes' own pages."""

from django.urls import path

from complaints.residents import code_views

app_name = "codes"
urlpatterns = [
    path("codes/", code_views.code_list, name="list"),
    path("codes/sheets/", code_views.sheets, name="sheets"),
    path("codes/export/", code_views.export, name="export"),
    path("codes/<int:pk>/replace/", code_views.replace_code, name="replace"),
    path("codes/<int:pk>/picture/", code_views.picture, name="picture"),
]
