"""Ask for a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.jobs.domain import JobSubmission

from shelfcast_model.domain.stored_model import Promotion
from shelfcast_model.errors import ModelUnknown

if TYPE_CHECKING:
    from shelfcast_servicekit.auth import Caller
    from shelfcast_servicekit.jobs.domain import Job

    from shelfcast_model.ports import Jobs

KIND: Final = "train"


@dataclass(frozen=True, slots=True)
class TrainingWish:
    """What is to be trained, and what becomes of it."""

    models: tuple[str, ...] = ()
    """Forecasters; none means all that are installed."""
    promotion: Promotion = Promotion.GATE
    seed: int = 1
    shop_ids: tuple[str, ...] = ()
    """Shops to learn from; none means all."""
    product_ids: tuple[str, ...] = ()
    """Products to learn from; none means all."""


@dataclass(frozen=True, slots=True)
class SubmitTraining:
    """Have forecasters trained on the newest data, as a job."""

    jobs: Jobs
    known_models: tuple[str, ...]
    """Forecasters that are installed, cheapest first."""

    async def __call__(self, caller: Caller, wish: TrainingWish, idempotency_key: str | None = None) -> Job:
        """Store the job; one idempotency key gives one job.

        Raises: ModelUnknown naming the first forecaster that is not installed; IdempotencyKeyReused.
        """
        for name in wish.models:
            if name not in self.known_models:
                raise ModelUnknown(model=name, models=", ".join(self.known_models))
        wanted = {
            "models": list(wish.models or self.known_models),
            "promote": wish.promotion.value,
            "seed": wish.seed,
            "shop_ids": list(wish.shop_ids),
            "product_ids": list(wish.product_ids),
        }
        submission = JobSubmission(
            caller.tenant, KIND, caller.principal, wanted, idempotency_key=idempotency_key
        )
        return await self.jobs.submit(submission)
