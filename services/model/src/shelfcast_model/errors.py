"""What can be wrong with a forecast, a training or a stored model.

ShelfcastError
├── SeriesNotFound, ShopAmbiguous, ModelUnknown, ModelNotTrained, HistoryEmpty, CovariateMissing
├── ArtefactDamaged, TrainingStopped
├── PredictionNotFound
└── ModelNotFound, ModelRefused
"""

from __future__ import annotations

from shelfcast_servicekit.errors import ShelfcastError


class SeriesNotFound(ShelfcastError):
    """The tenant neither sold nor lists the product in the shop (metadata: product_id, shop_id)."""

    reason = "SERIES_NOT_FOUND"


class ShopAmbiguous(ShelfcastError):
    """No shop was named and several sell the product (metadata: product_id, shops)."""

    reason = "SHOP_AMBIGUOUS"


class ModelUnknown(ShelfcastError):
    """A forecaster is not installed or has not been trained (metadata: model, models)."""

    reason = "MODEL_UNKNOWN"


class ModelNotTrained(ShelfcastError):
    """The tenant has no trained model where one is needed."""

    reason = "MODEL_NOT_TRAINED"


class HistoryEmpty(ShelfcastError):
    """The tenant has no sales to learn or forecast from."""

    reason = "HISTORY_EMPTY"


class CovariateMissing(ShelfcastError):
    """A covariate known in advance has no value in the horizon (metadata: covariate, series, date)."""

    reason = "COVARIATE_MISSING"


class ArtefactDamaged(ShelfcastError):
    """Stored bytes are not those that were written (metadata: file)."""

    reason = "ARTEFACT_DAMAGED"


class TrainingStopped(ShelfcastError):
    """Somebody cancelled the training."""

    reason = "TRAINING_STOPPED"


class PredictionNotFound(ShelfcastError):
    """No job of the tenant has the id (metadata: job_id)."""

    reason = "PREDICTION_NOT_FOUND"


class ModelNotFound(ShelfcastError):
    """No model of the tenant has the id (metadata: model_id)."""

    reason = "MODEL_NOT_FOUND"


class ModelRefused(ShelfcastError):
    """A model cannot be promoted (metadata: model_id, problem)."""

    reason = "MODEL_REFUSED"
