"""Addresses of units and people. Unit pages stand on deadlines and live there."""

from django.urls import path

from units import audit_views, export_views, phone_views, second_factor_views, views

app_name = "units"
urlpatterns = [
    path("login/", views.SignInView.as_view(), name="login"),
    path("logout/", views.SignOutView.as_view(), name="logout"),
    path("password/", views.password, name="password"),
    path("second-factor/", second_factor_views.ask, name="second_factor"),
    path("second-factor/enrol/", second_factor_views.enrol, name="second_factor_enrol"),
    path("exports/", export_views.export_list, name="exports"),
    path("exports/<int:pk>/", export_views.export_page, name="export"),
    path("exports/<int:pk>/file/", export_views.download, name="export_file"),
    path("phones/", phone_views.book, name="phone_book"),
    path("system/", views.system, name="system"),
    path("system/people/", views.add_person, name="add_person"),
    path("system/people/<str:username>/", views.person, name="person"),
    path("system/people/<str:username>/off/", views.switch_off, name="switch_off"),
    path("system/people/<str:username>/wake/", views.wake, name="wake"),
    path("system/people/<str:username>/password/", views.reset_password, name="reset_password"),
    path("system/people/<str:username>/second-factor/", second_factor_views.reset, name="reset_second_factor"),
    path("system/people/<str:username>/memberships/<int:pk>/end/", views.end_membership, name="end_membership"),
    path("system/tokens/", views.add_token, name="add_token"),
    path("system/tokens/<int:pk>/revoke/", views.revoke_token, name="revoke_token"),
    path("system/journal/", audit_views.entries, name="journal"),
    path("system/posts/<slug:code>/", views.appoint, name="appoint"),
]
