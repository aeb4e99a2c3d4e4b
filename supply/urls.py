"""Addresses of daily reports, gas, ignition, outages."""

from django.urls import path

from supply import gas_views as gas
from supply import ignition_views, report_views
from supply import outage_views as outages

app_name = "supply"
urlpatterns = [
    path("reports/", report_views.board, name="reports"),
    path("reports/compiled/", report_views.compiled, name="compiled"),
    path("reports/compiled/<int:pk>/", report_views.compilation, name="compilation"),
    path("reports/<str:day>/<slug:code>/", report_views.company_day, name="report"),
    path("reports/<str:day>/<slug:code>/chase/", report_views.chase, name="report_chase"),
    path("milestones/ignition/", ignition_views.page, name="ignition"),
    path("gas/", gas.board, name="gas"),
    path("gas/export/", gas.board_export, name="gas-export"),
    path("gas/readings/new/", gas.new_reading, name="gas-reading"),
    path("gas/plans/<slug:code>/", gas.plan, name="gas-plan"),
    path("gas/plans/<slug:code>/export/", gas.plan_export, name="gas-plan-export"),
    path("gas/plans/<slug:code>/steps/new/", gas.new_step, name="gas-step"),
    path("gas/plans/<slug:code>/steps/<int:pk>/drop/", gas.drop_step, name="gas-step-drop"),
    path("gas/plans/<slug:code>/propose/", gas.propose, name="gas-propose"),
    path("gas/curtailments/", gas.activation_list, name="curtailments"),
    path("gas/curtailments/export/", gas.activation_export, name="curtailments-export"),
    path("gas/curtailments/<slug:number>/", gas.activation, name="curtailment"),
    path("gas/curtailments/<slug:number>/approve/", gas.approve, name="curtailment-approve"),
    path("gas/curtailments/<slug:number>/withdraw/", gas.withdraw, name="curtailment-withdraw"),
    path("gas/curtailments/<slug:number>/end/", gas.end, name="curtailment-end"),
    path("gas/curtailments/<slug:number>/steps/<int:pk>/recover/", gas.recover, name="curtailment-recover"),
    path("gas/log/", gas.log, name="gas-log"),
    path("gas/log/export/", gas.log_export, name="gas-log-export"),
    path("gas/log/new/", gas.new_coordination, name="gas-coordination"),
    path("gas/log/<int:pk>/answer/", gas.answer, name="gas-answer"),
    path("gas/incidents/new/", gas.new_incident, name="gas-incident"),
    path("gas/incidents/<slug:number>/close/", gas.close_incident, name="gas-incident-close"),
    path("outages/", outages.outage_list, name="outages"),
    path("outages/export/", outages.outage_export, name="outages-export"),
    path("outages/new/", outages.new_outage, name="outage-new"),
    path("outages/damage/", outages.damage_list, name="damages"),
    path("outages/damage/export/", outages.damage_export, name="damages-export"),
    path("outages/damage/new/", outages.new_damage, name="damage-new"),
    path("outages/damage/<slug:number>/", outages.damage_page, name="damage"),
    path("outages/damage/<slug:number>/receipts/<int:pk>/", outages.confirm_damage, name="damage-confirm"),
    path("outages/damage/<slug:number>/files/<uuid:pk>/", outages.damage_file, name="damage-file"),
    path("outages/<slug:number>/", outages.outage_page, name="outage"),
    path("outages/<slug:number>/promise/", outages.new_promise, name="outage-promise"),
    path("outages/<slug:number>/restore/", outages.restore, name="outage-restore"),
    path("outages/<slug:number>/void/", outages.make_void, name="outage-void"),
    path("outages/<slug:number>/passage/", outages.new_passage, name="passage-new"),
    path("outages/<slug:number>/passage/<int:pk>/", outages.answer_passage, name="passage-answer"),
]
