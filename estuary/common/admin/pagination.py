"""Admin lists of tables without end: a page costs the same for ten million rows as for few.

Counting ten million rows takes seconds, and so does filtering them without an index. So a list counts only as far as
anybody pages, and a filter without an index searches the newest rows only.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

MAX_COUNTED = 1_000
# Pages that are offered after the current one.
PAGES_AHEAD = 3
MAX_PAGE = 1_000_000
NEWEST = 100_000

type IndexedFilters = dict[str, Collection[str] | None]
"""For each filter parameter, the values that an index covers; None means all values."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg] # generic in its stubs alone
    """Counts up to MAX_COUNTED rows, or a few pages past the current one. ``count_is_exact`` says if it stopped."""

    template_name = "staff/pagination.html"

    def __init__(self, rows: QuerySet[Any], per_page: int, *rest: Any, page: int = 1) -> None:
        super().__init__(rows, per_page, *rest)
        self._rows, self._most = rows, max(MAX_COUNTED, (min(page, MAX_PAGE) + PAGES_AHEAD) * per_page)

    @cached_property
    def count(self) -> int:
        return min(self._bounded_count, self._most)

    @property
    def count_is_exact(self) -> bool:
        return self._bounded_count <= self._most

    @cached_property
    def _bounded_count(self) -> int:
        return self._rows.order_by()[: self._most + 1].count()


class BoundedChangeList(ChangeList):
    """Searches the NEWEST rows only, when filters are set and none of them is in ``indexed_filters``."""

    is_narrowed = False
    newest_in_words = f"{NEWEST:,}"

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        if not self.has_active_filters or self.query or self._is_answered_by_index():
            return rows
        before = key_before_newest(self.root_queryset)
        self.is_narrowed = before > 0
        return rows.filter(pk__gt=before) if self.is_narrowed else rows

    def _is_answered_by_index(self) -> bool:
        indexed: IndexedFilters = getattr(self.model_admin, "indexed_filters", {})
        return any(
            name in indexed and ((covered := indexed[name]) is None or set(values) <= set(covered))
            for name, values in self.filter_params.items()
        )


def key_before_newest(rows: QuerySet[Any], newest: int | None = None) -> int:
    """Return the key before the newest rows, by default NEWEST; 0 if the table has no more rows than that."""
    last: int = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    return max(last - (newest or NEWEST), 0)


def choices_filter(title_: str, field: str, choices: Sequence[tuple[str, str]]) -> type[SimpleListFilter]:
    """Return a filter with fixed choices; Django's own would scan the table for the values."""

    class Among(SimpleListFilter):
        title, parameter_name = title_, field

        def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
            return choices

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    return Among
