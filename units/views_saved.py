"""Saved views 我的视图: a person's own name for a set of filters."""

from core import stamps
from core.errors import Invalid
from units.models import SavedView

MOST = 20


def of(user, page: str) -> list[SavedView]:
    """A person's views of a page. Remembered."""
    return stamps.one_remembered(stamps.VIEWS, page, user.pk, lambda: list(SavedView.objects.filter(user=user, page=page)))


def save(user, page: str, name: str, query: str) -> SavedView:
    """Keep a query under a name; the same name again replaces it."""
    name = name.strip()
    if not name or len(name) > 30:
        raise Invalid("视图名称须为 1 至 30 字", field="name")
    if len(query) > 500:
        raise Invalid("筛选条件过长", field="query")
    if SavedView.objects.filter(user=user, page=page).exclude(name=name).count() >= MOST:
        raise Invalid(f"最多保存 {MOST} 个视图", field="name")
    return SavedView.objects.update_or_create(user=user, page=page, name=name, defaults={"query": query})[0]


def drop(user, pk: int) -> None:
    """Forget a view of one's own."""
    SavedView.objects.filter(user=user, pk=pk).delete()
