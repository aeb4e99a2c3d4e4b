"""Addresses of daily reports, gas, ignition, outages."""

app_name = "supply"
urlpatterns = []
