"""Addresses of the codes' own pages."""

from django.urls import path

from complaints.residents import account_views, code_views

app_name = "codes"
urlpatterns = [
    path("codes/", code_views.code_list, name="list"),
    path("codes/sheets/", code_views.sheets, name="sheets"),
    path("codes/paper/", code_views.paper, name="paper"),
    path("codes/export/", code_views.export, name="export"),
    path("codes/accounts/", account_views.accounts, name="accounts"),
    path("codes/accounts/guide/", account_views.guide, name="guide"),
    path("codes/accounts/<int:pk>/renew/", account_views.renew, name="account_renew"),
    path("codes/accounts/<int:pk>/revoke/", account_views.revoke, name="account_revoke"),
    path("codes/<int:pk>/replace/", code_views.replace_code, name="replace"),
    path("codes/<int:pk>/picture/", code_views.picture, name="picture"),
]
