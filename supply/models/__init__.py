"""Ignition, daily reports and weather, gas and its shortage, outages: one module each."""

from supply.models.gas import (
    ActivatedStep,
    Activation,
    Coordination,
    CurtailmentPlan,
    CurtailmentStep,
    GasIncident,
    GasReading,
    Load,
    Restriction,
)
from supply.models.ignition import IgnitionSlot
from supply.models.outages import DamageReceipt, DamageReport, Outage, OutageArea, OutageCase, PassageRequest, Promise
from supply.models.reports import Compilation, DailyReport, ReportDue

__all__ = [
    "ActivatedStep", "Activation", "Compilation", "Coordination", "CurtailmentPlan", "CurtailmentStep", "DailyReport", "DamageReceipt", "DamageReport", "GasIncident",
    "GasReading", "IgnitionSlot", "Load", "Outage", "OutageArea", "OutageCase", "PassageRequest", "Promise", "ReportDue", "Restriction",
]  # fmt: skip
