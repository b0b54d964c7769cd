"""Masked ridge whose weights keep the signs that the network gives its edges."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.optimize import nnls

from lembas.ridge import MaskedRidge, Regression, solve_gcv


class SignedRidge(MaskedRidge):
    r"""Regress each gene on its own regulators; activators may only raise it, inhibitors lower it.

    .. math:: \min_\beta \; \|y_g - Z_{R(g)} \beta\|^2 + \alpha_g \|\beta\|^2
       \quad \text{where} \quad \sigma_e \beta_e \ge 0 \text{ for every edge } e

    with :math:`\sigma_e` the edge's sign in the network (0, no constraint, where it is
    unknown) and :math:`\alpha_g` the penalty that :class:`~lembas.ridge.MaskedRidge` chooses for
    the gene. Where the masked ridge keeps all
    signs, this is the masked ridge. An edge whose sign the data contradict has the weight 0.

    Args:
        network: Which TF may enter the model of which gene, and with which sign.
        alphas: Penalties to choose from, > 0.

    References:
        Lawson and Hanson 1974, doi:10.1137/1.9781611971217 (non-negative least squares).
    """

    def _solve(self, problem: Regression, alphas: np.ndarray) -> tuple[np.ndarray, float]:
        weights, alpha = solve_gcv(problem, alphas)
        if (problem.signs * weights >= 0).all():
            return weights, alpha
        # With G + alpha I = L L', the penalised sum of squares is |L' b - inv(L) Z'y|^2, up to a
        # constant: a problem as small as the gene's regulators, however many the samples.
        penalised = problem.gram + alpha * np.eye(len(problem.gram))
        factor = linalg.cholesky(penalised, lower=True, check_finite=False)
        target = linalg.solve_triangular(factor, problem.projected, lower=True, check_finite=False)
        return _signed_least_squares(factor.T, target, problem.signs), alpha


def _signed_least_squares(design: np.ndarray, target: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Minimise |design @ w - target| where w has the given signs, and any where a sign is 0."""
    is_free = signs == 0
    signed = design[:, ~is_free] * signs[~is_free]
    if not is_free.any():
        size, _ = nnls(signed, target)
        return signs * size
    # Whatever the signed weights are, the free ones take up all they can: what is left to the
    # signed ones lies outside the space that the free columns span.
    basis, upper = linalg.qr(design[:, is_free], mode="economic", check_finite=False)
    size, _ = nnls(signed - basis @ (basis.T @ signed), target - basis @ (basis.T @ target))
    weights = np.empty(len(signs))
    weights[~is_free] = signs[~is_free] * size
    weights[is_free] = linalg.solve_triangular(upper, basis.T @ (target - signed @ size))
    return weights
