"""Lists page by cursor: constant cost on page one and on page ten thousand."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Pages of 20 (``page_size`` up to 100), newest first, by id."""

    ordering = "-id"
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100


class OldestFirst(NewestFirst):
    """The same, oldest first: for catalogues."""

    ordering = "id"
