"""The error responses in the OpenAPI document, shared by all endpoints."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457: ``code`` is stable and for programs, ``detail`` is for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    request_id = serializers.CharField(required=False)


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """Return the error responses of an endpoint, to be merged into ``extend_schema(responses=…)``."""
    return {
        (status, "application/problem+json"): OpenApiResponse(ProblemSerializer, HTTPStatus(status).phrase)
        for status in statuses
    }
