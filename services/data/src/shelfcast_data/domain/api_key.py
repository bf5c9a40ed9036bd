"""API keys: how they look, how they are made, and how one is recognised."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

PREFIX_LENGTH: Final = 8
SECRET_BYTES: Final = 32  # 43 characters in URL-safe base64

_FORM: Final = re.compile(r"sk_([A-Za-z0-9]{8})_([A-Za-z0-9_-]{43})", re.ASCII)
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key; its secret is kept as a digest only."""

    key_id: str
    """Public prefix of the secret, 8 letters and digits."""
    tenant: str
    """Tenant that the key belongs to."""
    name: str
    """Name for people."""
    role: str
    """Role whose permissions the key holds."""
    digest: str
    """SHA-256 of the whole secret, lower-case hex."""
    created_at: datetime
    """When it was created."""
    revoked_at: datetime | None = None
    """When it was revoked; None while it is good."""

    @property
    def principal(self) -> str:
        """Stable name of who calls with this key."""
        return f"api-key:{self.key_id}"

    def is_opened_by(self, secret: str) -> bool:
        """Say whether the key is good and `secret` is its secret; takes the same time either way."""
        same = hmac.compare_digest(self.digest, digest_of(secret))
        return same and self.revoked_at is None


def new_secret() -> str:
    """Make the secret of a new key: `sk_<8>_<43>`, 256 random bits."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(PREFIX_LENGTH))
    return f"sk_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"


def key_id_of(secret: str) -> str | None:
    """Give the id of the key that a secret is for; None if it has not the form of one.

    >>> key_id_of("sk_Ab3dE6gH_" + "x" * 43)
    'Ab3dE6gH'
    """
    match = _FORM.fullmatch(secret)
    return match.group(1) if match else None


def digest_of(secret: str) -> str:
    """Give the stored form of a secret; it is random, so that a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
