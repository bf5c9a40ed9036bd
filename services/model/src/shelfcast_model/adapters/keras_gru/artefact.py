"""The network on disk: weights as safetensors, its shape as JSON; nothing that runs on loading."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from shelfcast_model.adapters.keras_gru.network import Network, Shape
from shelfcast_model.errors import ArtefactDamaged

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS: Final = "weights.safetensors"
SHAPE: Final = "network.json"


def save_network(network: Network, shape: Shape, folder: Path) -> None:
    """Write weights and shape into a folder."""
    weights = {
        variable.path: np.ascontiguousarray(variable.numpy()) for variable in network.trainable_variables
    }
    save_file(weights, str(folder / WEIGHTS))
    (folder / SHAPE).write_text(json.dumps(shape.as_json()), encoding="utf-8")


def load_network(folder: Path) -> Network:
    """Build a network by code and fill it with the stored weights. Raises: ArtefactDamaged."""
    try:
        network = Network(Shape(**json.loads((folder / SHAPE).read_text(encoding="utf-8"))))
        weights = load_file(str(folder / WEIGHTS))
        for variable in network.trainable_variables:
            variable.assign(weights[variable.path])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ArtefactDamaged(file=WEIGHTS) from error
    return network
