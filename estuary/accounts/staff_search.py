"""How staff find rows: by an id, exactly, or by whom they belong to. Each way has an index, however long the table."""

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from estuary.accounts.models import User

MAX_PEOPLE = 500


class IndexedSearchMixin:
    """For pages of the admin whose ``search_fields`` only say that there is something to search by.

    ``by_prefix`` says of the beginnings of ids which field they stand in, ``person`` which one leads to the person.
    """

    by_prefix: ClassVar[dict[str, str]] = {}
    person: ClassVar[str] = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        for prefix, field in self.by_prefix.items():
            if term.startswith(prefix):
                return queryset.filter(**{field: term}), False
        if not self.person:
            return queryset.none(), False
        user_ids = find_people(term)
        if len(user_ids) > MAX_PEOPLE:
            warning = f"More than {MAX_PEOPLE} people are called so. Type more of the name or address."
            messages.warning(request, warning)
        return queryset.filter(**{f"{self.person}__in": user_ids[:MAX_PEOPLE]}), False


def find_people(term: str) -> list[int]:
    """Return the keys of those whose e-mail address, last name, or first and last name, begin so, in any case.

    Of 501 at most, which says that there are too many.

    Asked first, and not joined: the planner would rather go through all orders, newest first, until it has enough.
    """
    begins = Q(email__istartswith=term) | Q(last_name__istartswith=term)
    first, _, last = term.rpartition(" ")
    if first:
        begins |= Q(last_name__istartswith=last, first_name__istartswith=first.strip())
    return list(User.objects.filter(begins).order_by().values_list("pk", flat=True)[: MAX_PEOPLE + 1])
