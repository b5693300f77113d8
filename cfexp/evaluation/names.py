"""Names of a run's metrics: a few headline ones, the others in groups by prefix.

MLflow shows a group's metrics together, after those without a prefix.
"""

from collections.abc import Mapping

# Mean over all rows, of the epoch that was kept, and of the whole run.
TOTAL_SECONDS = "total_seconds"
HEADLINE = (
    *("test_rmse", "test_mae", "val_rmse", "val_mae"),
    *("skill_vs_bias", "best_epoch", TOTAL_SECONDS),
)
# Errors of groups of test rows, such as ``groups/test_rmse_cold_item``.
GROUPS = "groups/"
# Numbers of rows, such as ``rows/train``.
ROWS = "rows/"
# Test errors of the baselines, such as ``baselines/bias_rmse``.
BASELINES = "baselines/"
# How well movies are ranked, such as ``ranking/full_ndcg_10``.
RANKING = "ranking/"
# Of these, the protocols: the full catalogue, and the order of rated movies only.
FULL, RATED_NDCG = "full_", "rated_ndcg"
# With the number of drawn movies, such as ``ranking/sampled99_ndcg_10``: it chooses
# nothing, see `cfexp.evaluation.sampled`.
SAMPLED = "sampled"
# NDCG of ranked validation rows, without its number of movies.
VAL_NDCG = f"{RANKING}val_{FULL}ndcg_"
# Of models that know a standard deviation, such as ``intervals/coverage_90``.
INTERVALS = "intervals/"
# How the model was trained, such as ``training/n_parameters``.
TRAINING = "training/"
# Seconds of each stage, such as ``seconds/fit``.
SECONDS = "seconds/"
# Metrics after each epoch, such as ``epoch/val_rmse``; only in MLflow.
EPOCH = "epoch/"
# Over folds and seeds: their number, deviations and intervals.
REPEATS = "repeats/"
# Of a sweep's parent run: the metrics of the best job, and means over its jobs.
SWEEP = "sweep/"

N_PARAMETERS = f"{TRAINING}n_parameters"
RATINGS_PER_SECOND = f"{TRAINING}ratings_per_second"
PEAK_MEMORY = f"{TRAINING}peak_memory_mb"
RELOAD_DIFFERENCE = f"{TRAINING}reload_max_abs_diff"
BIAS_RMSE = f"{BASELINES}bias_rmse"


def headline_first(metrics: Mapping[str, float]) -> dict[str, float]:
    """Returns metrics: first the headline ones, then the user's own, then groups."""

    def order(name: str) -> tuple[int, int]:
        first = HEADLINE.index(name) if name in HEADLINE else len(HEADLINE)
        return ("/" in name, first)

    return {name: metrics[name] for name in sorted(metrics, key=order)}


def is_ranking(name: str, part: str) -> bool:
    """Returns whether a metric is the model's ranking of a part, ``val`` or ``test``.

    Not that of a baseline, nor a number of users.
    """
    of = f"{RANKING}{'val_' if part == 'val' else ''}"
    starts = f"{of}{FULL}", f"{of}{RATED_NDCG}"
    return name.startswith(starts) and not name.endswith("_users")


def may_choose(name: str) -> bool:
    """Returns whether a metric is of a part as a whole, so that jobs compare by it."""
    plain = name.startswith(("val_", "test_", "skill_")) and "/" not in name
    return plain or any(is_ranking(name, part) for part in ("val", "test"))


def is_time(name: str) -> bool:
    """Returns whether a metric is of time or memory, which differ from run to run."""
    others = (TOTAL_SECONDS, RATINGS_PER_SECOND, PEAK_MEMORY)
    return name.startswith(SECONDS) or name in others


def seconds(stages: dict[str, float]) -> dict[str, float]:
    """Returns the metrics of the seconds of a run's stages, and their sum."""
    found = {f"{SECONDS}{stage}": spent for stage, spent in stages.items()}
    return found | {TOTAL_SECONDS: sum(stages.values())}
