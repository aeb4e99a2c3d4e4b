"""Addresses of messages."""

from django.urls import path

from notices import views

app_name = "notices"
urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/unread/", views.unread, name="unread"),
    path("inbox/read/", views.mark_all_read, name="read_all"),
    path("inbox/<int:pk>/", views.open_message, name="message"),
    path("inbox/<int:pk>/read/", views.mark_read, name="read"),
    path("inbox/endpoints/", views.endpoint_list, name="endpoints"),
    path("inbox/endpoints/add/", views.add_endpoint, name="endpoint_add"),
    path("inbox/endpoints/<int:pk>/", views.change_endpoint, name="endpoint"),
    path("inbox/endpoints/<int:pk>/switch/", views.switch_endpoint, name="endpoint_switch"),
    path("inbox/endpoints/<int:pk>/test/", views.test_endpoint, name="endpoint_test"),
    path("inbox/undelivered/", views.undelivered_list, name="undelivered"),
    path("inbox/undelivered/<int:pk>/retry/", views.retry, name="retry"),
]
