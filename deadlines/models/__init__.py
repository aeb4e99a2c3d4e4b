"""The season and the deadline (`engine`); what is owed beside tickets, reported by one unit and verified by another (`proven`)."""

from deadlines.models.engine import (
    Audience,
    Deadline,
    Escalation,
    Heartbeat,
    Milestone,
    Outcome,
    Policy,
    PolicyDocument,
    Rung,
    Season,
)
from deadlines.models.proven import Obligation, ObligationKind, Proven, Standing

__all__ = [
    "Audience", "Deadline", "Escalation", "Heartbeat", "Milestone", "Obligation", "ObligationKind", "Outcome", "Policy", "PolicyDocument",
    "Proven", "Rung", "Season", "Standing",
]  # fmt: skip
