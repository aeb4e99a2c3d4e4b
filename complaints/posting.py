"""Who may post what: from the body of a request to a complaint that its sender is allowed to bring in."""

from complaints.intake import Intake
from complaints.models import Source
from core.errors import Forbidden
from units import access
from units.models import COMPANIES
from units.selectors import unit_by_code

# What a unit without the right to dispatch may bring in by itself.
OWN_SOURCES = (Source.PHONE, Source.VISIT, Source.QR, Source.OPINION, Source.PETITION)


def require_source(token, source: str) -> None:
    """Forbidden where a system's token is held to other sources (S25)."""
    if token is not None and token.sources and source not in token.sources:
        raise Forbidden(f"该令牌只能提交来源为 {'、'.join(token.sources)} 的工单")


def intake_allowed(user, said: dict, *, token=None) -> Intake:
    """The complaint in a validated body. Forbidden for who may not take in tickets of this source.

    A dispatcher takes in everything. Others bring in what reached themselves; a company only for itself.
    """
    require_source(token, said["source"])
    doer = unit_by_code(said["doer"], field="doer") if said.get("doer") else None
    if not access.everywhere(user, access.DISPATCH_TICKETS):
        own = access.home_unit(user)
        if own is None or not access.may(user, access.HANDLE_TICKETS, own) or said["source"] not in OWN_SOURCES:
            raise Forbidden("您无权受理该来源的工单")
        if own.kind in COMPANIES:
            if doer is not None and doer.pk != own.pk:
                raise Forbidden("企业只能登记由本企业承办的工单")
            doer = own
        elif doer is not None:
            raise Forbidden("您无权指定承办单位")
    person = said.get("complainant") or {}
    return Intake(
        source=said["source"], external_no=(said.get("external_no") or "").strip() or None, district_no=said.get("district_no", ""),
        kind=said["kind"], category=said.get("category") or "", title=said.get("title", ""), content=said["content"],
        called_at=said["called_at"], district_received_at=said.get("district_received_at"), dispatched_at=said.get("dispatched_at"),
        city_due_at=said.get("city_due_at"), district_due_at=said.get("district_due_at"), complainant_name=person.get("name", ""),
        complainant_phone=person.get("phone", ""), is_confidential=said.get("confidential", False), is_urgent=said.get("urgent", False),
        address=said.get("address") or "", community=said.get("community") or "", building=said.get("building") or "",
        street=said.get("street") or "", doer=doer,
    )  # fmt: skip


def hand_intake(user, said: dict) -> Intake:
    """The complaint in a validated form of intake by hand; the same rules as over the wire."""
    return intake_allowed(
        user,
        {
            **said,
            "complainant": {"name": said.get("name", ""), "phone": said.get("phone", "")},
        },
    )
