"""The wire names of design §6, under /api/v1/."""

from django.urls import path, re_path

from complaints import api as tickets
from complaints import import_api as imports
from complaints.residents import open_api as hosted
from deadlines import api as deadlines
from deadlines import obligation_api as obligations
from heating import views
from plants import inspection_api as inspections
from plants import milestone_api as milestones
from plants import register_api as register
from supply import gas_api as gas
from supply import outage_api as outages
from supply import report_api as reports

ACTS = [
    ("timeline", tickets.Timeline),
    ("dispatch", tickets.Dispatch),
    ("respond", tickets.Respond),
    ("arrive", tickets.Arrive),
    ("finish", tickets.Finish),
    ("callback", tickets.CallBack),
    ("appointment", tickets.MakeAppointment),
    ("return", tickets.ReturnTicket),
    ("rule", tickets.Rule),
    ("transfer", tickets.Transfer),
    ("link", tickets.LinkTicket),
    ("unlink", tickets.UnlinkTicket),
    ("void", tickets.Void),
    ("nudge", tickets.Nudge),
    ("assist", tickets.CompleteAssist),
    ("waive", tickets.WaiveAssist),
    ("reveal", tickets.Reveal),
    ("attachments", tickets.Attach),
]

urlpatterns = [
    path("tickets/", tickets.TicketList.as_view(), name="api-tickets"),
    path("tickets/<str:number>/", tickets.TicketDetail.as_view(), name="api-ticket"),
    *[path(f"tickets/<str:number>/{name}/", view.as_view(), name=f"api-ticket-{name}") for name, view in ACTS],
    path("imports/", imports.ImportList.as_view(), name="api-imports"),
    path("imports/<int:pk>/", imports.ImportDetail.as_view(), name="api-import"),
    path("deadlines/", deadlines.DeadlineList.as_view(), name="api-deadlines"),
    path("escalations/", deadlines.EscalationList.as_view(), name="api-escalations"),
    path("escalations/<int:pk>/sign/", deadlines.SignEscalation.as_view(), name="api-escalation-sign"),
    path("obligations/", obligations.ObligationList.as_view(), name="api-obligations"),
    path("obligations/<int:pk>/", obligations.ObligationDetail.as_view(), name="api-obligation"),
    path("obligations/<int:pk>/report/", obligations.ReportObligation.as_view(), name="api-obligation-report"),
    path("obligations/<int:pk>/verify/", obligations.VerifyObligation.as_view(), name="api-obligation-verify"),
    path("gas/", gas.GasBoard.as_view(), name="api-gas"),
    path("curtailments/", gas.CurtailmentList.as_view(), name="api-curtailments"),
    path("curtailments/<str:number>/", gas.CurtailmentDetail.as_view(), name="api-curtailment"),
    path("outages/", outages.OutageList.as_view(), name="api-outages"),
    path("outages/<str:number>/", outages.OutageDetail.as_view(), name="api-outage"),
    path("outages/<str:number>/promise/", outages.PromiseOutage.as_view(), name="api-outage-promise"),
    path("outages/<str:number>/restore/", outages.RestoreOutage.as_view(), name="api-outage-restore"),
    path("daily-reports/", reports.ReportList.as_view(), name="api-daily-reports"),
    path("daily-reports/summary/", reports.ReportSummary.as_view(), name="api-daily-reports-summary"),
    path("weather/", reports.WeatherList.as_view(), name="api-weather"),
    path("gas/forecast/", reports.Outlook.as_view(), name="api-gas-forecast"),
    path("milestones/", milestones.MilestoneList.as_view(), name="api-milestones"),
    path("milestones/<slug:code>/progress/", milestones.MilestoneProgress.as_view(), name="api-milestone-progress"),
    path("inspections/", inspections.InspectionList.as_view(), name="api-inspections"),
    path("inspections/matrix/", inspections.InspectionMatrix.as_view(), name="api-inspection-matrix"),
    path("inspections/<str:number>/", inspections.InspectionDetail.as_view(), name="api-inspection"),
    path("register/<slug:kind>/", register.RegisterList.as_view(), name="api-register"),
    path("register/<slug:kind>/<slug:code>/", register.RegisterDetail.as_view(), name="api-register-row"),
    path("open/places/", hosted.OpenPlaces.as_view(), name="api-open-places"),
    path("open/submissions/", hosted.OpenSubmissions.as_view(), name="api-open-submissions"),
    path("open/cases/<str:key>/", hosted.OpenCase.as_view(), name="api-open-case"),
    re_path(r"^(?P<rest>.*)$", views.ApiNotFound.as_view(), name="api-not-found"),
]
