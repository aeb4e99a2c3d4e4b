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
from supply.models.reports import CompiledReport, Correction, DailyReport, MajorReport, MissProposal, ReportDue, Sending
from supply.models.weather import GasForecast, Weather

__all__ = [
    "ActivatedStep", "Activation", "CompiledReport", "Coordination", "Correction", "CurtailmentPlan", "CurtailmentStep", "DailyReport", "DamageReceipt",
    "DamageReport", "GasForecast", "GasIncident", "GasReading", "IgnitionSlot", "Load", "MajorReport", "MissProposal", "Outage", "OutageArea", "OutageCase",
    "PassageRequest", "Promise", "ReportDue", "Restriction", "Sending", "Weather",
]  # fmt: skip
