"""The model service's own forecasts, asked for by its worker: no network is loaded for one figure."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status
from shelfcast.common.v1 import provenance_pb2
from shelfcast.forecast.v1 import forecast_service_pb2, forecast_service_pb2_grpc
from shelfcast_servicekit.auth import TokenMinter, caller_or_none
from shelfcast_servicekit.errors import CredentialMissing, UpstreamUnavailable
from shelfcast_servicekit.status import from_status
from shelfcast_servicekit.traceparent import METADATA_KEY, current_traceparent

from shelfcast_model.application.predict_day import DayForecast

if TYPE_CHECKING:
    from collections.abc import Iterable

AUDIENCE: Final = "model"
TIMEOUT_SECONDS: Final = 5.0
DETAILS: Final = rpc_status.GRPC_DETAILS_METADATA_KEY


class ForecastClient:
    """Asks the forecast service from a worker's thread; the channel is opened at the first question."""

    def __init__(self, target: str, token_key: bytes) -> None:
        """Ask the service at `target` in the name of the job's tenant."""
        self._target = target
        self._minter = TokenMinter(token_key)
        self._stub: forecast_service_pb2_grpc.ForecastServiceStub | None = None

    def last_day_of(self, product_id: str, shop_id: str, horizon: int, as_of: date | None) -> DayForecast:
        """Give the forecast of the last day of the horizon. Raises as the service says."""
        request = forecast_service_pb2.GetForecastRequest(
            product_id=product_id,
            shop_id=shop_id,
            horizon=horizon,
            as_of="" if as_of is None else as_of.isoformat(),
        )
        try:
            reply = self._opened().GetForecast(request, timeout=TIMEOUT_SECONDS, metadata=self._metadata())
        except grpc.RpcError as error:
            raise _translated(error) from error
        return DayForecast(
            predicted_sales=reply.predictions[-1].predicted_qty,
            origin_date=date.fromisoformat(reply.origin_date),
            rung=provenance_pb2.Rung.Name(reply.rung).removeprefix("RUNG_").lower(),
            method=reply.method,
            model_version=reply.model_version if reply.HasField("model_version") else None,
        )

    def _opened(self) -> forecast_service_pb2_grpc.ForecastServiceStub:
        if self._stub is None:  # after the process has started, never before
            self._stub = forecast_service_pb2_grpc.ForecastServiceStub(grpc.insecure_channel(self._target))
        return self._stub

    def _metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        caller = caller_or_none()
        if caller is None:
            raise CredentialMissing
        token = ("authorization", "Bearer " + self._minter.token_for(caller, AUDIENCE))
        header = current_traceparent()
        return (token, (METADATA_KEY, header)) if header else (token,)


def _translated(error: grpc.RpcError) -> Exception:
    """Give the declared error in a failed call; without one, the service is away."""
    metadata: Iterable[tuple[str, str | bytes]] | None = None
    if isinstance(error, grpc.Call):
        metadata = error.trailing_metadata()
    for key, value in metadata or ():
        if key == DETAILS and isinstance(value, bytes):
            found = from_status(status_pb2.Status.FromString(value))
            if found is not None:
                return found
    return UpstreamUnavailable(retry_after_seconds=1.0, service=AUDIENCE)
