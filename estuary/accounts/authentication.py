"""Bearer tokens of django-allauth headless, with the schema that OpenAPI needs."""

from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerAuthentication(JWTTokenAuthentication):
    """``Authorization: Bearer <access token>``; validated against the session, so signed out means signed out."""


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
