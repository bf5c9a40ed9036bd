"""Hold the forecasters against one another on held-out days: `make bench-accuracy`.

DATA: folder or file (default: store_item beside the repository). CUTOFF: last day that is learned
from. HORIZON: days that are forecast. MODELS: comma-separated names. OUT: folder for the forecasts as
Parquet in long form. SEED: of all random choices. Each model runs in a process of its own, so that its
peak memory is its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from panel_file import Split, read_panel, split
from report import Figure, publish
from shelfcast_model.adapters.installed import installed
from shelfcast_model.adapters.seasonal_naive import YEAR, SeasonalNaive
from shelfcast_model.domain import metric
from shelfcast_model.ports import FitSettings, ForecastBatch, Forecaster

LEVELS: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
DECILES: Final = tuple(round(0.1 * step, 1) for step in range(1, 10))
ASKED: Final = tuple(sorted({*LEVELS, *DECILES}))
ROOT: Final = Path(__file__).resolve().parents[1]
MODELS: Final = ("seasonal_naive", "seasonal_naive_364", "factor", "lightgbm", "gru")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    model: str
    wape: float | None
    smape: float | None
    mase: float | None
    wql: float | None
    coverage_50: float | None
    coverage_80: float | None
    coverage_90: float | None
    bias: float | None
    fit_seconds: float
    predict_seconds: float
    peak_mb: float


class Progress:
    """Says how far a fit is, on standard error."""

    def report(self, phase: str, done: int, total: int) -> None:
        """Write one line over the last one."""
        sys.stderr.write(f"\r{phase}: {done}/{total}   ")


def main() -> None:
    """Run every model in a process of its own, print the table and the figures with their bars."""
    environment = dict(os.environ)  # noqa: TID251 - a benchmark is set by variables
    if len(sys.argv) > 1:
        print(json.dumps(asdict(measure(sys.argv[1], environment))))
        return
    names = environment.get("MODELS", "").replace(" ", "").split(",")
    rows = [_in_own_process(name) for name in names if name] or [_in_own_process(name) for name in MODELS]
    _print_table(rows)
    publish("accuracy", figures({row.model: row for row in rows}))


def _in_own_process(name: str) -> Row:
    done = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True, check=True)
    return Row(**json.loads(done.stdout.splitlines()[-1]))


def measure(name: str, environment: Mapping[str, str]) -> Row:
    """Fit and forecast with one model, and score it."""
    data = Path(environment.get("DATA") or ROOT.parent / "shared/data/store_item")
    cutoff = date.fromisoformat(environment.get("CUTOFF") or "2017-06-30")
    horizon = int(environment.get("HORIZON") or "92")
    parts = split(read_panel(data), cutoff, horizon)
    forecaster = _forecaster(name)
    settings = FitSettings(seed=int(environment.get("SEED") or "1"), max_horizon=horizon)
    began = time.perf_counter()
    fitted = forecaster.fit(parts.known, settings, Progress())
    fit_seconds = time.perf_counter() - began
    fitted.forecast(parts.known, cutoff, horizon, LEVELS)  # warm-up
    began = time.perf_counter()
    fitted.forecast(parts.known, cutoff, horizon, LEVELS)
    predict_seconds = time.perf_counter() - began
    batch = fitted.forecast(parts.known, cutoff, horizon, ASKED)
    if environment.get("OUT"):
        _write(Path(environment["OUT"]) / f"{name}.parquet", parts, cutoff, batch)
    return _scored(name, parts, batch, (fit_seconds, predict_seconds))


def _forecaster(name: str) -> Forecaster:
    return SeasonalNaive(YEAR, name) if name == "seasonal_naive_364" else installed(name)


def _scored(name: str, parts: Split, batch: ForecastBatch, seconds: tuple[float, float]) -> Row:
    actual = parts.actual
    at = {level: batch.quantiles[..., index] for index, level in enumerate(batch.levels)}
    deciles = np.stack([at[level] for level in DECILES], axis=-1)
    return Row(
        name,
        metric.wape(actual, batch.mean),
        metric.smape(actual, batch.mean),
        metric.mase(actual, batch.mean, parts.known.quantity),
        metric.wql(actual, deciles, DECILES),
        metric.coverage(actual, at[0.25], at[0.75]),
        metric.coverage(actual, at[0.1], at[0.9]),
        metric.coverage(actual, at[0.05], at[0.95]),
        metric.bias(actual, batch.mean),
        *seconds,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _write(path: Path, parts: Split, cutoff: date, batch: ForecastBatch) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    series, horizon = batch.mean.shape
    names = [f"{key.shop_id}/{key.product_id}" for key in parts.known.series]
    days = [cutoff + timedelta(days=ahead + 1) for ahead in range(horizon)]
    columns: dict[str, object] = {
        "unique_id": np.repeat(np.array(names, object), horizon),
        "ds": days * series,
        "mean": batch.mean.ravel(),
    }
    for level in LEVELS:
        columns[f"q{level * 100:02.0f}"] = batch.quantiles[..., batch.levels.index(level)].ravel()
    pl.DataFrame(columns).write_parquet(path)


def figures(rows: Mapping[str, Row]) -> list[Figure]:
    """Hold the network against its bars, as far as its rivals ran."""
    found = [_against(rows, rival, bar) for rival, bar in (("factor", 1.02), ("lightgbm", 1.01))]
    out = [figure for figure in found if figure is not None]
    if "gru" in rows:
        gru = rows["gru"]
        cover = gru.coverage_90
        holds = cover is not None and 0.87 <= cover <= 0.93
        out += [
            Figure("90 % interval coverage of the GRU", cover, "share", bar="0.87 to 0.93", holds=holds),
            Figure("fit of the GRU", gru.fit_seconds, "s", bar="<= 120", holds=gru.fit_seconds <= 120),
            Figure(
                "forecast of all series by the GRU",
                gru.predict_seconds,
                "s",
                bar="<= 0.3",
                holds=gru.predict_seconds <= 0.3,
            ),
        ]
    return out


def _against(rows: Mapping[str, Row], rival: str, bar: float) -> Figure | None:
    if "gru" not in rows or rival not in rows:
        return None
    own, other = rows["gru"].wape, rows[rival].wape
    if own is None or not other:
        return None
    ratio = own / other
    return Figure(
        f"pooled WAPE of the GRU against {rival}", own, "share", other, ratio, f"ratio <= {bar}", ratio <= bar
    )


def _print_table(rows: list[Row]) -> None:
    names = list(asdict(rows[0]))
    print("  ".join(name.rjust(max(12, len(name))) for name in names))
    for row in rows:
        cells = [value if isinstance(value, str) else _number(value) for value in asdict(row).values()]
        print("  ".join(cell.rjust(max(12, len(name))) for cell, name in zip(cells, names, strict=True)))
    print()


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"


if __name__ == "__main__":
    main()
