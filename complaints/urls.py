"""Addresses of tickets."""

from django.urls import path

from complaints import import_views, outage_views, views, visit_views

app_name = "complaints"
urlpatterns = [
    path("tickets/", views.ticket_list, name="tickets"),
    path("tickets/new/", views.new_ticket, name="new"),
    path("tickets/bulk/", views.bulk_act, name="bulk"),
    path("tickets/export/", views.export, name="export"),
    path("tickets/communities/", views.communities, name="communities"),
    path("tickets/views/", views.save_view, name="save_view"),
    path("tickets/views/<int:pk>/drop/", views.drop_view, name="drop_view"),
    path("tickets/from-visit/<str:number>/", visit_views.from_visit, name="from_visit"),
    path("tickets/<str:number>/", views.ticket_page, name="ticket"),
    path("tickets/<str:number>/reveal/", views.reveal, name="reveal"),
    path("tickets/<str:number>/assist/", views.assist_done, name="assist"),
    path("tickets/<str:number>/waive/<slug:code>/", views.assist_waive, name="waive"),
    path("tickets/<str:number>/files/<uuid:pk>/", views.attachment, name="attachment"),
    path("tickets/<str:number>/<slug:code>/", views.act, name="act"),
    path("dispatch/", views.dispatch_desk, name="desk"),
    path("outages/<slug:number>/tickets/", outage_views.tickets, name="outage_tickets"),
    path("outages/<slug:number>/tickets/export/", outage_views.export, name="outage_export"),
    path("outages/<slug:number>/tickets/attach/", outage_views.attach, name="outage_attach"),
    path("outages/<slug:number>/tickets/<str:ticket>/detach/", outage_views.detach, name="outage_detach"),
    *import_views.urls,
]
