"""The admin's search: by exact id, or by the person a row belongs to. An index serves each way."""

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from estuary.accounts.models import User
from estuary.common.admin.search_terms import read_search_term

MAX_PEOPLE = 500


class IndexedSearchMixin:
    """Replaces ``search_fields``, which then only makes the search box appear.

    ``by_prefix`` maps the prefix of an id to its field. ``person`` is the lookup of the row's user. An address may
    begin as an id does, such as ``re_anna@example.com``: what is no id is looked for among people.
    """

    by_prefix: ClassVar[dict[str, str]] = {}
    person: ClassVar[str] = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = read_search_term(search_term)
        if not term:
            return queryset, False
        for prefix, field in self.by_prefix.items():
            if term.startswith(prefix):
                rows = queryset.filter(**{field: term})
                if not self.person or rows.exists():
                    return rows, False
        if not self.person:
            return queryset.none(), False
        user_ids = find_people(term)
        if len(user_ids) > MAX_PEOPLE:
            warning = f"More than {MAX_PEOPLE} people are called so. Type more of the name or address."
            messages.warning(request, warning)
        return queryset.filter(**{f"{self.person}__in": user_ids[:MAX_PEOPLE]}), False


def find_people(term: str) -> list[int]:
    """Return the keys of users whose address or name begins with ``term``, in any case: the first, the last, or both.

    At most MAX_PEOPLE + 1 keys are returned, which shows that there are too many. A separate query, because with a join
    PostgreSQL would scan all orders, newest first.
    """
    begins = Q(email__istartswith=term) | Q(first_name__istartswith=term) | Q(last_name__istartswith=term)
    first, _, last = term.rpartition(" ")
    if first:
        begins |= Q(last_name__istartswith=last, first_name__istartswith=first.strip())
    return list(User.objects.filter(begins).order_by().values_list("pk", flat=True)[: MAX_PEOPLE + 1])
