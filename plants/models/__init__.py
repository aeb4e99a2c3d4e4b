"""The register of the heated city (`register`), the problem ledger (`ledger`), and what was measured (`homes`)."""

from plants.models.homes import RoomTemperature
from plants.models.ledger import Finding, Severity
from plants.models.register import (
    Boiler,
    Charge,
    Community,
    HeatSource,
    Management,
    ManagementMode,
    Network,
    Plant,
    PlantKind,
    Use,
)

__all__ = [
    "Boiler", "Charge", "Community", "Finding", "HeatSource", "Management", "ManagementMode", "Network", "Plant", "PlantKind",
    "RoomTemperature", "Severity", "Use",
]  # fmt: skip
