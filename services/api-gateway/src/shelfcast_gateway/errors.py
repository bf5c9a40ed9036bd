"""The errors that only the door gives; all others are servicekit's or come from the services.

ShelfcastError
├── RouteNotFound, MethodNotAllowed
├── MediaTypeUnsupported, MediaTypeNotOffered
└── UploadBroken
"""

from __future__ import annotations

from collections.abc import Sequence

from shelfcast_servicekit.errors import ShelfcastError


class RouteNotFound(ShelfcastError):
    """No path template matches."""

    reason = "ROUTE_NOT_FOUND"


class MethodNotAllowed(ShelfcastError):
    """The path exists, the method does not (metadata: method)."""

    reason = "METHOD_NOT_ALLOWED"

    def __init__(self, method: str, allow: Sequence[str]) -> None:
        """allow: the methods that the path has."""
        super().__init__(method=method)
        self.allow = tuple(allow)


class MediaTypeUnsupported(ShelfcastError):
    """The Content-Type is not one that the route reads (metadata: media_type, accepted)."""

    reason = "MEDIA_TYPE_UNSUPPORTED"


class MediaTypeNotOffered(ShelfcastError):
    """The Accept header leaves nothing that the route can write (metadata: offered)."""

    reason = "MEDIA_TYPE_NOT_OFFERED"


class UploadBroken(ShelfcastError):
    """The client went away in the middle of an upload (metadata: size)."""

    reason = "UPLOAD_INCOMPLETE"
