"""Limits on request bodies: checked by the headers before anything reads the body, and for files in forms."""

from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParserError

from estuary.common.errors import EstuaryError, InvalidRequest

# A Content-Length with more digits is invalid.
MAX_LENGTH_DIGITS = 18


class BodyTooLarge(EstuaryError):
    code, status, title = "body_too_large", 413, "The body is too large"


class LengthRequired(EstuaryError):
    code, status, title = "length_required", 411, "The length of the body is missing"


def find_body_problem(meta: Mapping[str, Any]) -> EstuaryError | None:
    """Return why the body of a WSGI request is rejected unread, or None if it may be read."""
    if meta.get("HTTP_TRANSFER_ENCODING"):
        return LengthRequired("The body comes in pieces. Send it whole, with Content-Length.")
    length = str(meta.get("CONTENT_LENGTH") or "0")
    if not (length.isascii() and length.isdecimal()):
        return InvalidRequest("Content-Length is not a number. Send the length of the body in bytes.")
    max_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    if len(length) > MAX_LENGTH_DIGITS or int(length) > max_bytes:
        return BodyTooLarge(f"The body is larger than {max_bytes // 1024} KB. Send less.")
    return None


class RejectFilesHandler(FileUploadHandler):
    """Reject a form with a file before the file is read: no form of ours has a file field."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise MultiPartParserError("No form here takes a file.")
