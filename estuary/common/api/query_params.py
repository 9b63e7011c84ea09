"""What is asked behind the question mark of an address."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request


def validate_query_params(request: Request, filters: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """Return the checked parameters of a query; raises ValidationError.

    Handed over as a plain dict: of a QueryDict, as of a form, an empty value would count as none at all.
    """
    serializer = filters(data=request.query_params.dict())
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
