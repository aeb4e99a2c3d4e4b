"""Units and their people (`units`); who is on duty, with which phone, and trained for what (`duty`); lists taken along (`exports`)."""

from units.models.duty import DutyPost, DutyShift, Phone, PhoneKind, Training, TrainingKind, Worker
from units.models.exports import Export
from units.models.units import (
    COMPANIES,
    ApiToken,
    Duty,
    GroupUnitPermission,
    Holding,
    Kind,
    Member,
    Membership,
    Post,
    Role,
    SavedView,
    SecondFactor,
    Unit,
    UnitAlias,
    User,
    UserUnitPermission,
)

__all__ = [
    "COMPANIES", "ApiToken", "Duty", "DutyPost", "DutyShift", "Export", "GroupUnitPermission", "Holding", "Kind", "Member", "Membership", "Phone",
    "PhoneKind", "Post", "Role", "SavedView", "SecondFactor", "Training", "TrainingKind", "Unit", "UnitAlias", "User", "UserUnitPermission", "Worker",
]  # fmt: skip
