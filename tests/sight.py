"""How colours look to readers: lightness, contrast, and the three kinds of colour blindness."""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb

# Machado et al. 2009, full deficiency, linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: Any) -> np.ndarray:
    """Return the linear RGB of a colour."""
    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(colour: Any, vision: str) -> np.ndarray:
    """Return the CIELAB coordinates that a reader with this sight sees."""
    seen = np.clip(np.array(DEFICIENCIES[vision]) @ linear(colour), 0, 1)
    # sRGB to XYZ under D65, then CIELAB.
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(matrix) @ seen / np.array([0.9505, 1.0, 1.089])
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def least_distance(colours: Iterable[Any], vision: str) -> float:
    """Return the CIELAB distance of the two colours that look most alike."""
    seen = [lab(colour, vision) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))


def contrast(first: Any, second: Any) -> float:
    """Return the contrast of two colours by WCAG 2.1, from 1 to 21."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(linear(colour) @ weights) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)
