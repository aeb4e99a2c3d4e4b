"""The register of the heated city (`register`), milestones (`milestones`), the problem ledger (`ledger`), and what was measured (`homes`)."""

from plants.models.calls import CallResult, SpotCall
from plants.models.homes import RoomTemperature
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
    "Boiler", "CallResult", "Charge", "Community", "Finding", "HeatSource", "Inspection", "InspectionDue", "InspectionMode", "Management", "ManagementMode", "Meter", "MilestoneItem", "Network", "Plant", "PlantKind",
    "RegisterImport", "RoomTemperature", "Severity", "SpotCall", "Use",
]  # fmt: skip
