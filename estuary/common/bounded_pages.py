"""Pages of a long table: counted as far as anybody pages, since to count ten million rows takes seconds."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

COUNTED = 1_000
PAGES_AHEAD = 3  # that are offered beyond the one that is asked for
LAST_PAGE = 1_000_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg] # generic in its stubs alone
    """Counts up to a thousand rows, and to a few pages beyond the one that is looked at; ``count_is_whole`` tells."""

    template_name = "staff/pagination.html"

    def __init__(self, rows: QuerySet[Any], per_page: int, *rest: Any, page: int = 1) -> None:
        super().__init__(rows, per_page, *rest)
        self._rows, self._most = rows, max(COUNTED, (min(page, LAST_PAGE) + PAGES_AHEAD) * per_page)

    @cached_property
    def count(self) -> int:
        return min(self._found, self._most)

    @property
    def count_is_whole(self) -> bool:
        return self._found <= self._most

    @cached_property
    def _found(self) -> int:
        return self._rows.order_by()[: self._most + 1].count()
