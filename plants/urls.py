"""Addresses of the register, milestones, inspections, the ledger, visits."""

app_name = "plants"
urlpatterns = []
