"""What the signs of edges ask of their weights; an edge of unknown sign (0) asks nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor


def constrained(signs: Tensor, weights: Tensor) -> Tensor:
    """Set weights that contradict their sign to zero.

    Args:
        signs: 1, -1 or 0 (unknown: the weight is kept), shape ``(edge,)``.
        weights: Shape ``(edge,)``.
    """
    return torch.where(signs == 0, weights, signs * torch.relu(signs * weights))


def starting_signs(signs: pd.Series, generator: np.random.Generator) -> np.ndarray:
    """Draw a sign where it is unknown, either being as likely, for a weight to start with.

    Args:
        signs: 1, -1 or 0 (unknown), over edges.
        generator: Draws as many numbers whether or not a sign is unknown.
    """
    drawn = generator.choice([-1.0, 1.0], len(signs))
    return np.where(signs == 0, drawn, signs.to_numpy(float))
