"""The sales history of a tenant at one data version, ready to forecast from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from shelfcast_model.domain.observed_demand import observed_demand
from shelfcast_model.domain.panel import Panel
from shelfcast_model.domain.sales_grid import UNKNOWN, SeriesKey
from shelfcast_model.errors import HistoryEmpty, SeriesNotFound, ShopAmbiguous

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from shelfcast_model.domain.sales_grid import SalesGrid

EPOCH: Final = date(1970, 1, 1)
_COMPARED_AT_ONCE: Final = 1024
MOST_SHOPS_NAMED: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All sales of a tenant at one data version; never changed, only replaced."""

    tenant: str
    data_version: str
    snapshot_id: str
    """Snapshot that it began with; changes since are in it too."""
    grid: SalesGrid
    panel: Panel
    """Demand by the rule of absent days, prices and promotions; its rows are the grid's."""
    positions: Mapping[SeriesKey, int]
    """Row of each series."""
    shops_of: Mapping[str, tuple[str, ...]]
    """Shops that sell each product."""
    inputs_versions: tuple[str, ...]
    """For each row the data version since which nothing has changed that a forecast of it reads."""

    def inputs_version(self, key: SeriesKey) -> str:
        """Give the data version since which a series' forecasts are the same, by the same model."""
        return self.inputs_versions[self.positions[key]]

    def origin(self, as_of: date | None) -> date:
        """Give the last day that a forecast may use.

        Raises: HistoryEmpty when there are no sales up to then.
        """
        if not self.panel.series:
            raise HistoryEmpty
        origin = self.panel.end if as_of is None else min(self.panel.end, as_of)
        if origin < self.panel.start:
            raise HistoryEmpty
        return origin

    def find(self, product_id: str, shop_id: str | None) -> SeriesKey:
        """Give the series of a product, in its only shop if none is named.

        Raises: HistoryEmpty; SeriesNotFound; ShopAmbiguous.
        """
        if not self.positions:
            raise HistoryEmpty
        shops = self.shops_of.get(product_id, ())
        if shop_id is not None:
            if shop_id not in shops:
                raise SeriesNotFound(product_id=product_id, shop_id=shop_id)
            return SeriesKey(shop_id, product_id)
        if not shops:
            raise SeriesNotFound(product_id=product_id, shop_id="any")
        if len(shops) > 1:
            more = "" if len(shops) <= MOST_SHOPS_NAMED else f" and {len(shops) - MOST_SHOPS_NAMED} more"
            raise ShopAmbiguous(product_id=product_id, shops=", ".join(shops[:MOST_SHOPS_NAMED]) + more)
        return SeriesKey(shops[0], product_id)

    def observed_days(self, positions: Sequence[int], origin: date) -> NDArray[np.int64]:
        """Count the days of some series, up to the origin, that say something about demand."""
        days = (origin - self.panel.start).days + 1
        counts: NDArray[np.int64] = (~np.isnan(self.panel.quantity[list(positions), :days])).sum(axis=1)
        return counts


def history_of(
    tenant: str, data_version: str, snapshot_id: str, grid: SalesGrid, before: History | None = None
) -> History:
    """Make the history of a grid: its panel, and where each series stands in it.

    before: the history that it replaces; None if nothing is known of what has changed.
    """
    shops: dict[str, list[str]] = {}
    for key in grid.series:
        shops.setdefault(key.product_id, []).append(key.shop_id)
    panel = panel_of(grid)
    return History(
        tenant=tenant,
        data_version=data_version,
        snapshot_id=snapshot_id,
        grid=grid,
        panel=panel,
        positions={key: index for index, key in enumerate(grid.series)},
        shops_of={product: tuple(names) for product, names in shops.items()},
        inputs_versions=_inputs_versions(panel, data_version, before),
    )


def _inputs_versions(panel: Panel, data_version: str, before: History | None) -> tuple[str, ...]:
    """Give the version since which each row is what it is.

    A forecast reads the row of its series, the days that the panel spans and which covariates it has. Rows
    are compared after the rule of absent days: a sale that opens a shop's day counts for the whole shop.
    """
    if before is None or not _spans_alike(panel, before.panel):
        return (data_version,) * len(panel.series)
    old = np.array([before.positions.get(key, -1) for key in panel.series], np.intp)
    same = _rows_alike(panel, before.panel, old).tolist()
    return tuple(
        before.inputs_versions[row] if alike else data_version
        for row, alike in zip(old.tolist(), same, strict=True)
    )


def _spans_alike(panel: Panel, other: Panel) -> bool:
    facts = [
        (each.start, each.day_count, each.price is None, each.promotion is None, each.categories)
        for each in (panel, other)
    ]
    return facts[0] == facts[1]


def _rows_alike(panel: Panel, other: Panel, old: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Say for each row whether it is bit by bit the row `old` of another panel; -1: it has none there."""
    alike = old >= 0
    for new_values, old_values in (
        (panel.quantity, other.quantity),
        (panel.price, other.price),
        (panel.promotion, other.promotion),
    ):
        if new_values is None or old_values is None:
            continue
        for start in range(0, len(old), _COMPARED_AT_ONCE):
            part = slice(start, start + _COMPARED_AT_ONCE)
            ours, theirs = _bits(new_values[part]), _bits(old_values[old[part]])
            alike[part] &= (ours == theirs).all(axis=1)
    return alike


def _bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give floats as the numbers that they are stored as: NaN is then equal to NaN."""
    return np.ascontiguousarray(values).view(np.int64)


def panel_of(grid: SalesGrid) -> Panel:
    """Give the panel of a grid; a covariate that no row tells is left out whole."""
    price = grid.unit_price.astype(np.float64)
    flags = grid.is_promotion
    promotion = np.where(flags == UNKNOWN, np.nan, flags.astype(np.float64))
    return Panel(
        series=grid.series,
        start=EPOCH + timedelta(days=grid.first_day),
        quantity=observed_demand(grid),
        price=None if np.isnan(price).all() else price,
        promotion=None if (flags == UNKNOWN).all() else promotion,
    )
