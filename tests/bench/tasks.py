"""The tasks: what is timed, beside what, and which difference between the results is allowed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import xgboost
from scipy import stats
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lembas.batches import Batches, Scale
from lembas.flat_forests import FlatForests
from lembas.forests import XGBRF
from lembas.linear import MLR
from lembas.metrics import score_per_gene
from lembas.model import LembasRNN
from lembas.optimise import Schedule, Trainer
from lembas.penalties import Penalty
from lembas.recipes import TrainConfig
from lembas.ridge import RidgeGCV
from lembas.start import parameter_groups
from lembas.tables import read_expression
from tests.bench import bounds
from tests.bench.bounds import Work
from tests.bench.dense import DenseRNN, DenseTraining
from tests.bench.problem import Problem
from tests.bench.timing import Way

FAST, SLOW, LIBRARY = "ours", "reference", "library"


@dataclass(frozen=True)
class Task:
    """Something to be done, and the ways of doing it.

    Attributes:
        name: What is done.
        ways: "ours", "reference" and, where there is one, "library".
        slow: What the reference is.
        library: What the library's way is.
        target: Least ratio of the reference's time to ours that was asked for; 0: none.
        difference: Largest difference between the results of "ours" and the reference.
        note: What else a reader must know.
        work: What no way can avoid.
    """

    name: str
    ways: dict[str, Way]
    slow: str
    library: str = ""
    target: float = 0.0
    difference: float = float("nan")
    note: str = ""
    work: Work | None = None


def rnn_tasks(problem: Problem, *, n_slow: int = 3) -> Iterator[Task]:
    """Predict one sample and 262; make one training update of 128."""
    model = LembasRNN(problem.network, problem.tfs, problem.targets)
    model.prescale()
    dense, sparse = DenseRNN(model), _SparseTorch(model)
    slow, library = "dense float32, all nodes", "torch.sparse.mm, all nodes"
    with torch.no_grad():
        for n, name, target in ((1, "one sample", 200), (262, "262 samples", 180)):
            x = torch.from_numpy(problem.x.to_numpy()[:n])
            difference = (model(x)[0] - dense(x)).abs().max().item()
            ways = {
                FAST: Way(lambda x=x: model(x), n_runs=20),
                SLOW: Way(lambda x=x: dense(x), n_runs=n_slow),
                LIBRARY: Way(lambda x=x: sparse(x), n_runs=5),
            }
            work = bounds.predicting(problem, n)
            yield Task(f"RNN, predict {name}", ways, slow, library, target, difference, work=work)
    yield _training_task(problem, model, dense)


class _SparseTorch:
    """The library's way: all nodes in one sparse matrix, all T updates, no block of TFs."""

    def __init__(self, model: LembasRNN) -> None:
        self.model = model
        rows = model.get_buffer("target_rows")
        columns = torch.from_numpy(model.tfs.get_indexer(model.edges["TF"]))
        n_nodes = len(model.nodes)
        places = torch.stack([rows, columns])
        values = model.weights.detach()
        shape = (n_nodes, n_nodes)
        self.matrix = torch.sparse_coo_tensor(
            places, values, shape, check_invariants=False
        ).to_sparse_csr()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        model, config = self.model, self.model.config
        drive = model.bias.detach()[:, None].repeat(1, len(x))
        drive[: len(model.inputs)] += (model.input_weights.detach() * x).t()
        states = torch.zeros_like(drive)
        for _ in range(config.max_steps):
            total = self.matrix @ states + drive
            high = 1 - 0.25 / total.clamp(min=0.5)
            states = torch.where(
                total < 0, config.leak * total, torch.where(total <= 0.5, total, high)
            )
        outputs = states[model.get_buffer("output_rows")].t()
        return outputs * model.output_weights.detach() + model.output_bias.detach()


def _training_task(problem: Problem, model: LembasRNN, dense: DenseRNN) -> Task:
    config = TrainConfig(batch_size=min(128, problem.n_samples))
    scale = Scale.of(problem.x, problem.y, standardise=True)
    rows, cpu = np.arange(problem.n_samples), torch.device("cpu")
    x, y = problem.x.to_numpy(), problem.y.to_numpy()
    batches = Batches(x, y, rows, config.batch_size, scale, cpu)
    penalty = Penalty(model, torch.full((len(model.edges),), 1e-6), config)
    groups = parameter_groups(model, config)
    generator = np.random.default_rng(0)
    adam, schedule = torch.optim.Adam(groups), Schedule(1e-4, 1000, 0.1)
    trainer = Trainer(model, adam, penalty, schedule, [1e-4] * 3, False, generator)
    slow = DenseTraining(dense)

    def step(update: Callable[[torch.Tensor, torch.Tensor], float]) -> Callable[[], float]:
        return lambda: update(*next(iter(batches.shuffled(generator))))

    share = 1 / len(batches)
    ways = {
        FAST: Way(step(trainer.update), share, n_runs=20),
        SLOW: Way(step(slow.update), share, n_runs=2),
    }
    return Task(
        f"RNN, one training epoch ({problem.n_samples:,} samples, batch {config.batch_size})",
        ways,
        "dense float32, all nodes, Adam",
        target=300,
        note=f"from single updates, times {len(batches)}",
        work=bounds.training(problem),
    )


def linear_tasks(problem: Problem, *, n_panel: int = 1000) -> Iterator[Task]:
    """Fit MLR to all genes, and ridge with ten penalties."""
    x, y = problem.x, problem.y
    wide = {"x": x.to_numpy(float), "y": y.to_numpy(float)}
    ours, theirs = MLR().fit(x, y), LinearRegression().fit(wide["x"], wide["y"])
    difference = np.abs(ours.coef_ - theirs.coef_).max()
    del ours, theirs
    ways = {
        FAST: Way(lambda: MLR().fit(x, y)),
        SLOW: Way(lambda: LinearRegression().fit(wide["x"], wide["y"]), n_runs=2),
    }
    slow = "scikit-learn's LinearRegression"
    work = bounds.regressing(problem)
    yield Task("MLR, fit all genes", ways, slow, target=14, difference=difference, work=work)
    wide["y"] = wide["y"][:, :n_panel].copy()
    alphas = np.logspace(0, 4, 10)
    share = min(n_panel, problem.n_targets) / problem.n_targets
    reference = make_pipeline(StandardScaler(), RidgeCV(alphas, alpha_per_target=True))
    ways = {
        FAST: Way(lambda: RidgeGCV(alphas=tuple(alphas)).fit(x, y)),
        SLOW: Way(lambda: reference.fit(wide["x"], wide["y"]), share, n_runs=1),
    }
    yield Task(
        "ridge, ten penalties, one a gene, fit all genes",
        ways,
        "scikit-learn's RidgeCV (leave one out)",
        note=f"the reference fits {n_panel} genes; its time is scaled up",
        work=work,
    )


def forest_tasks(
    problem: Problem, *, n_fitted: int = 32, n_distinct: int = 322, n_small: int = 1000
) -> Iterator[Task]:
    """Fit forests gene by gene; predict all genes."""
    x, threads = problem.x.to_numpy(), torch.get_num_threads()
    few = problem.y.iloc[:, :n_fitted]
    single = {"n_estimators": 3, "random_state": 888, "n_jobs": threads}

    def fit_each() -> list[xgboost.XGBRFRegressor]:
        return [xgboost.XGBRFRegressor(**single).fit(x, few[gene].to_numpy()) for gene in few]

    share = n_fitted / problem.n_targets
    ways = {
        FAST: Way(lambda: XGBRF(n_jobs=threads).fit(problem.x, few), share, n_runs=2),
        SLOW: Way(fit_each, share, n_runs=2),
    }
    slow = "XGBRFRegressor, one a gene"
    note = f"{n_fitted} genes, scaled up with the binning that is done once; identical trees"
    work = bounds.growing_forests(problem)
    yield Task("XGBRF, fit all genes", ways, slow, target=2.5, note=note, work=work)
    # Trees of fewer samples are as deep (6 levels), and so as dear to evaluate.
    small = replace(problem, n_samples=min(n_small, problem.n_samples))
    fitted = XGBRF(n_jobs=threads).fit(small.x, small.y.iloc[:, :n_distinct])
    copies = -(-problem.n_targets // n_distinct)
    merged = FlatForests.joined([fitted.forests_] * copies)
    boosters = [fitted.forest(gene) for gene in fitted.genes_]
    for n, name, target in ((1, "one sample", 40), (262, "262 samples", 20)):
        features = np.ascontiguousarray(x[:n])

        def one_by_one(features: np.ndarray = features) -> np.ndarray:
            matrix = xgboost.DMatrix(features)
            return np.column_stack([booster.predict(matrix) for booster in boosters])

        def at_once(features: np.ndarray = features) -> np.ndarray:
            return merged.predict(features, n_jobs=threads)

        difference = np.abs(at_once()[:, :n_distinct] - one_by_one()).max()
        ways = {
            FAST: Way(at_once, copies * n_distinct / problem.n_targets, n_runs=20),
            SLOW: Way(one_by_one, n_distinct / problem.n_targets),
        }
        slow = "one booster a gene"
        note = f"{n_distinct} distinct forests, repeated"
        work = bounds.asking_forests(problem, n)
        yield Task(f"XGBRF, predict {name}", ways, slow, "", target, difference, note, work)


def metric_tasks(problem: Problem, *, n_panel: int = 1000) -> Iterator[Task]:
    """Score predictions: R2, Pearson, Spearman, RMSE and MAE of every gene."""
    truth = problem.y.iloc[:, :n_panel]
    prediction = (0.5 * truth + np.float32(0.2)).round(3)
    mean, threads = truth.mean().astype(float), torch.get_num_threads()

    def loop() -> list[tuple[float, ...]]:
        return [_score_one(truth[gene].to_numpy(), prediction[gene].to_numpy()) for gene in truth]

    def ours() -> pd.DataFrame:
        return score_per_gene(truth, prediction, mean, n_jobs=threads)

    columns = [
        "r2_per_gene", "pearson_per_gene", "spearman_per_gene", "rmse_per_gene", "mae_per_gene",
    ]  # fmt: skip
    difference = float(np.abs(ours()[columns].to_numpy() - np.array(loop())).max())
    share = truth.shape[1] / problem.n_targets
    ways = {FAST: Way(ours, share, n_runs=5), SLOW: Way(loop, share)}
    note = f"{truth.shape[1]} genes, scaled up"
    yield Task(
        f"scores of all genes, five each, {problem.n_samples:,} samples",
        ways,
        "a loop over SciPy",
        target=8,
        difference=difference,
        note=note,
        work=bounds.scoring(problem),
    )


def _score_one(y: np.ndarray, p: np.ndarray) -> tuple[float, ...]:
    y, p = y.astype(float), p.astype(float)
    residual = y - p
    return (
        1 - (residual**2).sum() / ((y - y.mean()) ** 2).sum(),
        stats.pearsonr(y, p).statistic,
        stats.spearmanr(y, p).statistic,
        float(np.sqrt((residual**2).mean())),
        float(np.abs(residual).mean()),
    )


def reading_tasks(problem: Problem, *, n_rows: int = 400) -> Iterator[Task]:
    """Read a wide table a second time."""
    table = pd.concat([problem.x.iloc[:n_rows], problem.y.iloc[:n_rows]], axis=1).round(5)
    share = len(table) / problem.n_samples
    with _text_file(table) as (path, cache):
        read_expression(path, cache=cache)
        ways = {
            FAST: Way(lambda: read_expression(path, cache=cache), share, n_runs=5),
            SLOW: Way(lambda: pd.read_csv(path, sep="\t", index_col=0), share),
            LIBRARY: Way(lambda: read_expression(path), share),
        }
        yield Task(
            f"read {problem.n_samples:,} x {table.shape[1]:,} values a second time",
            ways,
            "pandas.read_csv",
            "pyarrow, no cache",
            note=f"{len(table)} rows, scaled up",
            work=bounds.copying(problem),
        )


@contextmanager
def _text_file(table: pd.DataFrame) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.tsv"
        table.to_csv(path, sep="\t")
        yield path, Path(folder) / "cache"
