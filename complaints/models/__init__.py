"""Tickets and all that happens to them (`tickets`); many with one trouble (`clusters`); the residents' side: codes, keys to follow a case, ratings (`residents`), and who asks again (`sampling`)."""

from complaints.models.clusters import Cluster, ClusterMember
from complaints.models.residents import Code, CodeScope, HostedAccount, Rating, TrackKey
from complaints.models.sampling import Sample
from complaints.models.tickets import (
    OPEN_STATES,
    Appointment,
    Assignment,
    Callback,
    Category,
    Evidence,
    Finish,
    ImportFault,
    ImportJob,
    Link,
    Part,
    Return,
    Source,
    State,
    Ticket,
    TicketKind,
)

__all__ = [
    "OPEN_STATES", "Appointment", "Assignment", "Callback", "Category", "Cluster", "ClusterMember", "Code", "CodeScope", "Evidence", "Finish", "ImportFault", "ImportJob", "Link", "Part",
    "Rating", "Return", "Sample", "Source", "State", "Ticket", "HostedAccount", "TicketKind", "TrackKey",
]  # fmt: skip
