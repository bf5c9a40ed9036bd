"""How large the demo retailer is, and from which seed it grows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Size and seed of a demo retailer; equal settings give equal bytes."""

    seed: int = 1
    """Seed of all random choices, 0 or more."""
    shop_count: int = 4
    """Shops, 1 or more."""
    product_count: int = 30
    """Products, 1 or more; each is sold in every shop."""
    day_count: int = 803
    """Business dates, 1 or more; the default is 2.2 years."""
    last_date: date = date(2026, 6, 30)
    """Last business date with sales."""
    days_ahead: int = 28
    """Days after the last one for which the truth is given too, 0 or more, to score forecasts with."""

    def __post_init__(self) -> None:
        """Refuse a size that no chain can have. Raises: ValueError."""
        least = {"seed": 0, "shop_count": 1, "product_count": 1, "day_count": 1, "days_ahead": 0}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name} must be {bound} or more, not {getattr(self, name)}")

    @property
    def first_date(self) -> date:
        """First business date with sales."""
        return self.last_date - timedelta(days=self.day_count - 1)

    def calendar(self) -> list[date]:
        """Give all business dates: those with sales and those ahead."""
        return [
            self.first_date + timedelta(days=offset) for offset in range(self.day_count + self.days_ahead)
        ]
