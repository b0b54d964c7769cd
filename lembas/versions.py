"""Name the versions of the packages that a result depends on."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

# A number or a figure may differ with another version of these.
RESULTS_FROM = (
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "xgboost",
    "xgboost-cpu",
    "shap",
    "anndata",
    "matplotlib",
)
# These run chapters and render pages.
VERSIONS_OF = ("lembas", *RESULTS_FROM, "papermill", "snakemake", "jupyter-book")


def package_versions(names: tuple[str, ...] = VERSIONS_OF) -> dict[str, str]:
    """Return the installed version of each package; what is not installed is left out."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
