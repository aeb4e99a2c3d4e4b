"""Whom a list that a duty asks for has to cover: the register knows the property managers, schools and projects of a unit."""

from collections.abc import Callable

from django.db.models import Q, QuerySet

from plants.models import Community, ManagementMode, Use
from units.models import Unit

MOST = 500


def names_for(clause: str, unit: Unit) -> list[str]:
    """The names that the list of `clause` by `unit` has to cover, in order; none where the clause asks for no list."""
    chosen = CHOICES.get(clause)
    return chosen(Community.objects.filter(is_active=True), unit) if chosen else []


def _managers(places: QuerySet, unit: Unit) -> list[str]:
    """E5: the property managers of a street's communities."""
    managers = Unit.objects.filter(pk__in=places.filter(street=unit, property_manager__isnull=False).values("property_manager"))
    return [manager.name for manager in managers.order_by("position", "code")[:MOST]]


def _named(condition: Callable[[Unit], Q]) -> Callable:
    def names(places: QuerySet, unit: Unit) -> list[str]:
        return list(places.filter(condition(unit)).order_by("name").values_list("name", flat=True)[:MOST])

    return names


CHOICES: dict[str, Callable] = {
    "D9.1": _named(lambda unit: Q(is_renewal=True)),
    "D9.2": _named(lambda unit: Q(is_moved_in_without_heat=True)),
    "D10.1": _named(lambda unit: Q(use=Use.SCHOOL)),
    "D11.1": _named(lambda unit: Q(use=Use.ELDERLY)),
    "D13": _named(lambda unit: Q(use=Use.HOSPITAL)),
    "D14": _named(lambda unit: Q(use=Use.OFFICE)),
    "D17.1": _named(lambda unit: Q(is_renewal=True, overlay=unit)),
    "D17.2": _named(lambda unit: Q(is_moved_in_without_heat=True, overlay=unit)),
    "E5": _managers,
    "E11": _named(lambda unit: Q(is_renewal=True, street=unit)),
    "E12": _named(lambda unit: Q(is_heritage=True, street=unit)),
    "E13": _named(lambda unit: Q(is_moved_in_without_heat=True, street=unit)),
    "G13": _named(lambda unit: Q(company=unit, managements__mode=ManagementMode.PROPERTY, managements__until=None)),
    "G20": _named(lambda unit: Q(company=unit)),
}
