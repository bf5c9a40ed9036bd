"""The compiled programs say what the network says, however much they are filled up."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from shelfcast_model.adapters.data_service.arrow import rows_of
from shelfcast_model.adapters.keras_gru.network import Network, Shape
from shelfcast_model.adapters.keras_gru.serving import SMALL, CompiledNetwork
from shelfcast_model.adapters.normaliser import fit_normaliser
from shelfcast_model.domain.features import Normalised, encoder_window, static_features, target_features
from shelfcast_model.domain.history import history_of
from shelfcast_model.domain.sales_grid import empty_grid, with_rows
from shelfcast_testing.data_fake import Sales
from shelfcast_testing.model_stack import START

DAYS, PRODUCTS, LONGEST = 120, 12, 400


@pytest.fixture(scope="module")
def compiled() -> CompiledNetwork:
    network, random = Network(Shape()), np.random.default_rng(5)
    for weight in network.weights:
        weight.assign(weight.numpy() + random.normal(0, 0.1, weight.shape))
    return CompiledNetwork(network)


@pytest.fixture(scope="module")
def data() -> Normalised:
    random = np.random.default_rng(5)
    sales = Sales()
    sales.put(
        {
            ("mitte", f"p{product}", START + timedelta(days=day)): float(random.poisson(5 + product))
            for product in range(PRODUCTS)
            for day in range(DAYS)
        }
    )
    history = history_of("t", "dv-1", "snap-1", with_rows(empty_grid(), rows_of(sales.table())))
    return fit_normaliser(history.panel).prepare(history.panel, LONGEST)


EDGES = [(count, ahead + more) for count, ahead in SMALL for more in (0, 1)]


@pytest.mark.parametrize(("count", "ahead"), [(1, 1), (2, 14), (9, 14), (PRODUCTS, 31), *EDGES])
def test_a_program_says_what_the_network_says(
    compiled: CompiledNetwork, data: Normalised, count: int, ahead: int
) -> None:
    rows, origins = np.arange(count), np.full(count, DAYS - 1)
    horizons = np.broadcast_to(np.arange(1, ahead + 1), (count, ahead))
    mean, quantiles = compiled.network(
        encoder_window(data, rows, origins),
        static_features(data, rows, origins),
        target_features(data, rows, origins, horizons),
    )

    said = compiled(data, rows, origins, horizons)

    np.testing.assert_allclose(said.mean, mean.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(said.quantiles, quantiles.numpy(), rtol=1e-4, atol=1e-5)
    assert said.quantiles.std() > 0
