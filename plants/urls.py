"""Addresses of the register, milestones, inspections, the ledger, visits, rosters."""

from django.urls import path

from plants import call_views, duty_views, milestone_views

app_name = "plants"
urlpatterns = [
    path("milestones/", milestone_views.board, name="milestones"),
    path("milestones/items/<int:pk>/", milestone_views.item_page, name="milestone_item"),
    path("milestones/items/<int:pk>/<slug:name>/", milestone_views.verdict, name="milestone_verdict"),
    path("milestones/items/<int:pk>/files/<uuid:key>/", milestone_views.file, name="milestone_file"),
    path("milestones/<slug:code>/", milestone_views.milestone_page, name="milestone"),
    path("milestones/<slug:code>/export/", milestone_views.export, name="milestone_export"),
    path("milestones/<slug:code>/move/", milestone_views.move, name="milestone_move"),
    path("duty/", duty_views.board, name="duty"),
    path("duty/export/", duty_views.board_export, name="duty_export"),
    path("duty/units/<slug:code>/", duty_views.roster, name="roster"),
    path("duty/units/<slug:code>/put-on/", duty_views.put_on, name="put_on"),
    path("duty/units/<slug:code>/copy/", duty_views.copy_week, name="copy_week"),
    path("duty/units/<slug:code>/posts/", duty_views.add_post, name="add_duty_post"),
    path("duty/units/<slug:code>/posts/<int:pk>/end/", duty_views.end_post, name="end_duty_post"),
    path("duty/units/<slug:code>/people/", duty_views.add_worker, name="add_worker"),
    path("duty/people/<int:pk>/leave/", duty_views.dismiss, name="dismiss_worker"),
    path("duty/shifts/<int:pk>/", duty_views.shift_page, name="shift"),
    path("duty/shifts/<int:pk>/swap/", duty_views.swap, name="swap_shift"),
    path("duty/shifts/<int:pk>/hand-over/", duty_views.hand_over, name="hand_over"),
    path("duty/shifts/<int:pk>/off/", duty_views.take_off, name="take_off"),
    path("duty/phones/", duty_views.phone_list, name="phones"),
    path("duty/phones/add/", duty_views.add_phone, name="add_phone"),
    path("duty/phones/export/", duty_views.phone_export, name="phone_export"),
    path("duty/phones/<int:pk>/publish/", duty_views.publish_phone, name="publish_phone"),
    path("duty/phones/<int:pk>/withdraw/", duty_views.withdraw_phone, name="withdraw_phone"),
    path("duty/training/", duty_views.training_list, name="training"),
    path("duty/training/add/", duty_views.add_training, name="add_training"),
    path("duty/training/export/", duty_views.training_export, name="training_export"),
    path("duty/calls/", call_views.call_list, name="calls"),
    path("duty/calls/now/", call_views.call_now, name="call_now"),
    path("duty/calls/export/", call_views.call_export, name="call_export"),
    path("duty/calls/<int:pk>/", call_views.call_page, name="call"),
    path("duty/calls/<int:pk>/tell/", call_views.tell, name="tell_call"),
]
