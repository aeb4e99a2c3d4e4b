"""The register of the heated city (`register`), milestones (`milestones`), the problem ledger (`ledger`), and what was measured (`homes`)."""

from plants.models.calls import CallResult, SpotCall
from plants.models.homes import Excuse, HomeVisit, Instrument, Method, Resident, RoomTemperature, VisitTarget
from plants.models.inspections import Inspection, InspectionDue, InspectionMode
from plants.models.ledger import Finding, Severity
from plants.models.milestones import MilestoneItem
from plants.models.register import (
    Boiler,
    Charge,
    Community,
    HeatSource,
    Management,
    ManagementMode,
    Meter,
    Network,
    Plant,
    PlantKind,
    RegisterImport,
    Use,
)

__all__ = [
    "Boiler", "CallResult", "Charge", "Community", "Excuse", "Finding", "HeatSource", "HomeVisit", "Inspection", "InspectionDue", "InspectionMode", "Instrument",
    "Management", "ManagementMode", "Meter", "Method", "MilestoneItem", "Network", "Plant", "PlantKind", "RegisterImport", "Resident", "RoomTemperature", "Severity",
    "SpotCall", "Use", "VisitTarget",
]  # fmt: skip
