"""Lists for staff of tables that never end: what a page asks must cost the same among ten million rows as among few.

To count ten million takes seconds, and so it does to look through all of them for the few that a filter means. So rows
are counted as far as anybody pages, and a filter that no index answers looks among the newest.
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
PAGES_AHEAD = 3  # that are offered beyond the one that is asked for
MAX_PAGE = 1_000_000
NEWEST = 100_000

type IndexedFilters = dict[str, Collection[str] | None]
"""Of the parameters of filters the values that an index answers; None: all of them."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg] # generic in its stubs alone
    """Counts up to a thousand rows, and to a few pages beyond the one that is looked at; ``count_is_whole`` tells."""

    template_name = "staff/pagination.html"

    def __init__(self, rows: QuerySet[Any], per_page: int, *rest: Any, page: int = 1) -> None:
        super().__init__(rows, per_page, *rest)
        self._rows, self._most = rows, max(MAX_COUNTED, (min(page, MAX_PAGE) + PAGES_AHEAD) * per_page)

    @cached_property
    def count(self) -> int:
        return min(self._found, self._most)

    @property
    def count_is_whole(self) -> bool:
        return self._found <= self._most

    @cached_property
    def _found(self) -> int:
        return self._rows.order_by()[: self._most + 1].count()


class BoundedChangeList(ChangeList):
    """Looks among the newest when there is a filter and none that ``indexed_filters`` of the page knows of."""

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
        for name, values in self.filter_params.items():
            if name in indexed and (
                (indexed_values := indexed[name]) is None or set(values) <= set(indexed_values)
            ):
                return True
        return False


def key_before_newest(rows: QuerySet[Any]) -> int:
    """Return the key after which the newest rows come; 0 when these are all."""
    last: int = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    return max(last - NEWEST, 0)


def choices_filter(title_: str, field: str, choices: Sequence[tuple[str, str]]) -> type[SimpleListFilter]:
    """Return a filter by values that are known; Django would look through the whole table for those there are."""

    class Among(SimpleListFilter):
        title, parameter_name = title_, field

        def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
            return choices

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    return Among
