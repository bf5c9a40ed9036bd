"""One-day predictions as jobs, in the shapes of the first clients."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from shelfcast_servicekit.errors import FieldRuleViolated, Violation
from shelfcast_servicekit.jobs.domain import JobOutcome, JobSubmission

if TYPE_CHECKING:
    from shelfcast_servicekit.auth import Caller
    from shelfcast_servicekit.jobs.context import JobContext
    from shelfcast_servicekit.jobs.domain import Job

    from shelfcast_model.ports import Jobs

KIND: Final = "predict"
LONGEST_HORIZON: Final = 365


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to know: the sales of one item in one store on one day."""

    day: date
    shop_id: str
    product_id: str
    sent: dict[str, object]
    """`date`, `store` and `item` as they were sent; the result echoes them."""


@dataclass(frozen=True, slots=True)
class SubmitPrediction:
    """Have one day predicted, as a job."""

    jobs: Jobs

    async def __call__(self, caller: Caller, wish: Wish, idempotency_key: str | None = None) -> Job:
        """Store the job; one idempotency key gives one job. Raises: IdempotencyKeyReused."""
        wanted = {
            "day": wish.day.isoformat(),
            "shop_id": wish.shop_id,
            "product_id": wish.product_id,
            "sent": wish.sent,
        }
        submission = JobSubmission(
            caller.tenant, KIND, caller.principal, wanted, idempotency_key=idempotency_key
        )
        return await self.jobs.submit(submission)


@dataclass(frozen=True, slots=True)
class DayForecast:
    """The forecast of one day, and what it is made of."""

    predicted_sales: float
    origin_date: date
    rung: str
    method: str
    model_version: str | None


class ForecastSource(Protocol):
    """Forecasts of the tenant that the job belongs to."""

    def last_day_of(self, product_id: str, shop_id: str, horizon: int, as_of: date | None) -> DayForecast:
        """Give the forecast of the last day of the horizon.

        Raises: SERIES_NOT_FOUND, HISTORY_EMPTY and others as the forecast service says; UpstreamUnavailable.
        """


@dataclass(frozen=True, slots=True)
class PredictDay:
    """Predict one day: from the evening before if its sales are known, else from the newest sales.

    A day in the past is forecast as of the evening before it, not read from the records; `origin_date`
    in the result says so.
    """

    forecasts: ForecastSource
    isolated: bool = False

    def run(self, context: JobContext) -> JobOutcome:
        """Give `{predicted_sales, date, store, item}` and what the figure is made of."""
        day = date.fromisoformat(str(context.input["day"]))
        product, shop = str(context.input["product_id"]), str(context.input["shop_id"])
        context.progress("forecasting", 0, 1)
        found = self._forecast(product, shop, day)
        sent = context.input["sent"]
        echoed = dict(sent) if isinstance(sent, dict) else {}
        return JobOutcome(
            {
                "predicted_sales": found.predicted_sales,
                **echoed,
                "origin_date": found.origin_date.isoformat(),
                "rung": found.rung,
                "method": found.method,
                "model_version": found.model_version,
            }
        )

    def _forecast(self, product: str, shop: str, day: date) -> DayForecast:
        eve = day - timedelta(days=1)
        found = self.forecasts.last_day_of(product, shop, 1, eve)
        horizon = (day - found.origin_date).days
        if horizon == 1:
            return found
        if horizon > LONGEST_HORIZON:
            last = found.origin_date + timedelta(days=LONGEST_HORIZON)
            fault = Violation(
                "/date", f"The last day that can be forecast is {last.isoformat()}.", "date.range"
            )
            raise FieldRuleViolated(violations=[fault])
        return self.forecasts.last_day_of(product, shop, horizon, None)
