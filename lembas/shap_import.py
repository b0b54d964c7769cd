"""Import shap without the warning that it raises in every kernel without widgets."""

import warnings

with warnings.catch_warnings():
    # shap imports tqdm's notebook bar.
    warnings.filterwarnings("ignore", message="IProgress not found")
    import shap

__all__ = ["shap"]
