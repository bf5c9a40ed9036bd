"""Public holidays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, order=True)
class Holiday:
    """One public holiday."""

    day: date
    """Its date."""
    name: str
    """Its name, in the language of the country."""
