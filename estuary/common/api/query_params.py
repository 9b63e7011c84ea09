"""Validation of query parameters."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request


def validate_query_params(request: Request, filters: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """Return the validated parameters of a query; raises ValidationError.

    The serializer gets a plain dict, because DRF treats an empty value of a QueryDict as missing.
    """
    serializer = filters(data=request.query_params.dict())
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
