"""What the demo retailer sells, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SHOPS: Final = ("berlin-mitte", "hamburg-altona", "leipzig-sued", "muenchen-ost", "koeln-nord", "bremen-west")
PRODUCTS: Final = (
    ("oat-milk-1l", "dairy", 1.99),
    ("whole-milk-1l", "dairy", 1.29),
    ("greek-yoghurt-500g", "dairy", 2.49),
    ("butter-250g", "dairy", 2.19),
    ("aged-gouda-400g", "dairy", 3.99),
    ("rye-bread-750g", "bakery", 2.79),
    ("butter-croissant", "bakery", 0.89),
    ("wholegrain-roll", "bakery", 0.49),
    ("apple-cake", "bakery", 3.49),
    ("wedding-cake", "bakery", 39.90),
    ("tomatoes-500g", "produce", 2.29),
    ("strawberries-500g", "produce", 3.49),
    ("potatoes-2kg", "produce", 2.99),
    ("baby-spinach-200g", "produce", 1.99),
    ("dragon-fruit", "produce", 3.99),
    ("orange-juice-1l", "drinks", 2.59),
    ("cola-1l", "drinks", 1.39),
    ("mineral-water-1l", "drinks", 0.69),
    ("iced-tea-1l", "drinks", 1.19),
    ("decaf-coffee-500g", "drinks", 5.99),
    ("vanilla-ice-cream-1l", "frozen", 3.29),
    ("pizza-margherita", "frozen", 2.99),
    ("peas-750g", "frozen", 2.19),
    ("fish-fingers-15", "frozen", 3.79),
    ("saffron-1g", "pantry", 6.49),
    ("basmati-rice-1kg", "pantry", 2.99),
    ("dark-chocolate-100g", "pantry", 1.79),
    ("gingerbread-400g", "pantry", 2.99),
    ("spaghetti-500g", "pantry", 1.29),
    ("birthday-candles-24", "household", 2.49),
)
INTERMITTENT_EVERY: Final = 5
LAUNCH_EVERY: Final = 10


@dataclass(frozen=True, slots=True)
class Assortment:
    """The shops and products of a chain; a series is one product in one shop, shops outermost."""

    shop_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    categories: tuple[str, ...]
    """Category of each product."""
    list_prices: NDArray[np.float64]
    """float64[n_products], price a unit before changes."""

    @property
    def series_count(self) -> int:
        """Series in all."""
        return len(self.shop_ids) * len(self.product_ids)

    def is_intermittent(self) -> NDArray[np.bool_]:
        """Tell for each product whether it sells only now and then."""
        places = np.arange(len(self.product_ids))
        return np.asarray(places % INTERMITTENT_EVERY == INTERMITTENT_EVERY - 1)

    def is_new(self) -> NDArray[np.bool_]:
        """Tell for each product whether it was launched after the first business date."""
        return np.asarray(np.arange(len(self.product_ids)) % LAUNCH_EVERY == 3)


def assortment(shop_count: int, product_count: int) -> Assortment:
    """Give the first shops and products of the lists above, numbered on where the lists end."""
    rows = [PRODUCTS[place % len(PRODUCTS)] for place in range(product_count)]
    return Assortment(
        shop_ids=tuple(_named(SHOPS[place % len(SHOPS)], place // len(SHOPS)) for place in range(shop_count)),
        product_ids=tuple(_named(row[0], place // len(PRODUCTS)) for place, row in enumerate(rows)),
        categories=tuple(row[1] for row in rows),
        list_prices=np.array([row[2] for row in rows], dtype=np.float64),
    )


def _named(name: str, turn: int) -> str:
    return name if turn == 0 else f"{name}-{turn + 1}"
