"""Read a folder of public sales data as a panel, by the names that such files use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from shelfcast_model.domain.panel import Panel, SeriesKey

ALIASES: Final = {
    "date": ("date", "ds", "day", "dt"),
    "shop": ("shop_id", "store", "store_id", "shop"),
    "product": ("product_id", "item", "item_id", "sku", "product", "unique_id"),
    "quantity": ("quantity", "sales", "qty", "units", "units_sold", "sale_amount", "y"),
    "price": ("unit_price", "sell_price", "price", "discount"),
    "promotion": ("is_promotion", "promotion", "promo", "onpromotion", "activity_flag", "snap"),
    "available": ("was_available", "available", "in_stock"),
}
"""Column names that are understood, first match first, in any case."""
FILES: Final = ("train", "sales_daily_item_sample", "sales_daily", "sales", "train_open_days")
"""File names that are looked for in the folder, before any other."""


@dataclass(frozen=True, slots=True)
class Split:
    """A panel up to the cut-off, the same with planned covariates, and what came after."""

    known: Panel
    actual: NDArray[np.float64]
    """float64[n_series, horizon]; NaN = not observable."""


def read_panel(folder: Path) -> Panel:
    """Read the main table of a folder, or a file, Parquet or CSV; exit with what is missing in it."""
    path = _main_file(folder)
    frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)
    found = {field: _column(frame, names) for field, names in ALIASES.items()}
    missing = [field for field in ("date", "product", "quantity") if found[field] is None]
    if missing:
        raise SystemExit(f"{path}: no column for {', '.join(missing)}; it has {', '.join(frame.columns)}")
    named = frame.select(pl.col(name).alias(field) for field, name in found.items() if name)
    if "shop" not in named.columns:
        named = named.with_columns(shop=pl.lit("all"))
    return _laid_out(
        named.with_columns(pl.col("shop", "product").cast(pl.String), pl.col("date").cast(pl.Date))
    )


def _main_file(folder: Path) -> Path:
    if folder.is_file():
        return folder
    files = sorted(folder.glob("*.parquet")) + sorted(folder.glob("*.csv"))
    if not files:
        raise SystemExit(f"{folder}: no Parquet or CSV file")
    return min(
        files, key=lambda path: (FILES.index(path.stem) if path.stem in FILES else len(FILES), path.name)
    )


def _column(frame: pl.DataFrame, names: tuple[str, ...]) -> str | None:
    by_lower = {name.lower(): name for name in frame.columns}
    return next((by_lower[name] for name in names if name in by_lower), None)


def _laid_out(frame: pl.DataFrame) -> Panel:
    keys = frame.select("shop", "product").unique().sort("shop", "product").with_row_index("row")
    start, end = frame["date"].min(), frame["date"].max()
    if not isinstance(start, date) or not isinstance(end, date):
        raise SystemExit("the date column holds no date")
    placed = frame.join(keys, on=["shop", "product"])
    row = placed["row"].to_numpy()
    day = _days(placed["date"], start)
    shape = (keys.height, (end - start).days + 1)
    quantity = _filled(placed, "quantity", shape, row, day)
    if "available" in placed.columns:
        away = placed["available"].cast(pl.Float64).to_numpy() == 0
        quantity[row[away], day[away]] = np.nan
    return Panel(
        tuple(SeriesKey(shop, product) for shop, product in keys.select("shop", "product").iter_rows()),
        start,
        np.maximum(quantity, 0.0),
        _filled(placed, "price", shape, row, day) if "price" in placed.columns else None,
        _filled(placed, "promotion", shape, row, day) if "promotion" in placed.columns else None,
    )


def _days(dates: pl.Series, start: date) -> NDArray[np.int64]:
    return (dates.to_numpy() - np.datetime64(start, "D")).astype(np.int64)


def _filled(
    frame: pl.DataFrame, column: str, shape: tuple[int, int], row: NDArray[np.int64], day: NDArray[np.int64]
) -> NDArray[np.float64]:
    out = np.full(shape, np.nan)
    out[row, day] = frame[column].cast(pl.Float64).to_numpy()
    return out


def split(panel: Panel, cutoff: date, horizon: int) -> Split:
    """Cut a panel at a date; prices and promotions of the horizon stay known."""
    known = panel.up_to(cutoff)
    actual = panel.quantity[:, known.day_count : known.day_count + horizon]
    if actual.shape[1] < horizon:
        raise SystemExit(f"the data end on {panel.end}, less than {horizon} days after {cutoff}")
    return Split(known, actual)
