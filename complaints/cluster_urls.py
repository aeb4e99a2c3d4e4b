"""Addresses of clusters."""

from complaints import cluster_views

app_name = "clusters"
urlpatterns = cluster_views.urls
