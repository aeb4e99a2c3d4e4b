"""Addresses of calling back and of asking again."""

from complaints import callback_views

app_name = "callbacks"
urlpatterns = callback_views.urls
