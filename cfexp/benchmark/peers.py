"""Other libraries' models with their usual settings, imported only when used."""

from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix, hstack

from cfexp.data.ids import positions
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.errors import ConfigError

FloatArray = npt.NDArray[np.float64]
Predict = Callable[[pd.DataFrame], FloatArray]
Scale = tuple[float, float]


@dataclass(frozen=True)
class Peer:
    """A model of another library.

    Attributes:
        package: Name of its package for pip.
        modules: Modules to import before the time is measured.
        fit: Takes training ratings, the rating scale and a seed; returns a function
            that predicts pairs, clipped to the scale.
    """

    package: str
    modules: tuple[str, ...]
    fit: Callable[[pd.DataFrame, Scale, int], Predict]


def _surprise(algorithm: str) -> Callable[[pd.DataFrame, Scale, int], Predict]:
    def fit(train: pd.DataFrame, scale: Scale, seed: int) -> Predict:
        import surprise

        data = surprise.Dataset.load_from_df(
            train[[USER, ITEM, RATING]], surprise.Reader(rating_scale=scale)
        )
        model = getattr(surprise, algorithm)(random_state=seed)
        model.fit(data.build_full_trainset())
        return lambda pairs: np.array(
            [model.predict(user, item).est for user, item in _pairs(pairs)]
        )

    return fit


def _cornac_mf(train: pd.DataFrame, scale: Scale, seed: int) -> Predict:
    from cornac.data import Dataset
    from cornac.models import MF

    data = Dataset.from_uir(
        list(train[[USER, ITEM, RATING]].itertuples(index=False, name=None)), seed=seed
    )
    model = MF(seed=seed).fit(data)
    # Cornac takes an index past the last one for an unknown id.
    users, items = data.uid_map, data.iid_map
    return lambda pairs: np.array(
        [
            model.rate(users.get(user, len(users)), items.get(item, len(items)))
            for user, item in _pairs(pairs)
        ]
    ).clip(*scale)


def _lenskit_als(train: pd.DataFrame, scale: Scale, seed: int) -> Predict:
    from lenskit.als import BiasedMFScorer
    from lenskit.batch import predict
    from lenskit.data import ItemListCollection, from_interactions_df
    from lenskit.pipeline import predict_pipeline
    from lenskit.random import set_global_rng

    set_global_rng(seed)
    names = {USER: "user_id", ITEM: "item_id", RATING: "rating"}
    columns = list(names.values())
    pipeline = predict_pipeline(BiasedMFScorer(), fallback=True)
    pipeline.train(from_interactions_df(train.rename(columns=names)[columns]))

    def rate(pairs: pd.DataFrame) -> FloatArray:
        wanted = pairs.rename(columns=names)[columns[:2]]
        lists = ItemListCollection.from_df(wanted, ["user_id"])
        scores = predict(pipeline, lists, n_jobs=1).to_df()
        found = wanted.merge(scores, how="left", on=columns[:2])
        return found["score"].to_numpy(np.float64).clip(*scale)

    return rate


def _myfm(train: pd.DataFrame, scale: Scale, seed: int) -> Predict:
    import myfm

    known = {name: np.unique(train[name]) for name in (USER, ITEM)}

    def one_hot(pairs: pd.DataFrame) -> csr_matrix:
        columns = []
        for name, ids in known.items():
            at = positions(pairs[name], ids)
            rows = np.flatnonzero(at >= 0)  # an unknown id has no 1
            ones = np.ones(len(rows))
            columns.append(
                csr_matrix((ones, (rows, at[rows])), shape=(len(pairs), len(ids)))
            )
        return hstack(columns, format="csr")

    with redirect_stderr(StringIO()):  # its own progress bar
        model = myfm.MyFMRegressor(rank=8, random_seed=seed).fit(
            one_hot(train),
            train[RATING].to_numpy(np.float64),
            n_iter=200,
            n_kept_samples=200,
            group_shapes=[len(ids) for ids in known.values()],
        )
    return lambda pairs: np.asarray(model.predict(one_hot(pairs))).clip(*scale)


def _pairs(frame: pd.DataFrame) -> Any:
    return zip(frame[USER], frame[ITEM], strict=True)


PEERS = {
    "myfm": Peer("myfm", ("myfm",), _myfm),
    "surprise-svd": Peer("scikit-surprise", ("surprise",), _surprise("SVD")),
    "surprise-svdpp": Peer("scikit-surprise", ("surprise",), _surprise("SVDpp")),
    "cornac-mf": Peer("cornac", ("cornac.models",), _cornac_mf),
    "lenskit-als": Peer(
        "lenskit",
        ("lenskit.als", "lenskit.batch"),
        _lenskit_als,
    ),
}
# LensKit needs PyTorch, which takes gigabytes: it is no part of the extra `bench`.
DEFAULT_PEERS = tuple(name for name in PEERS if name != "lenskit-als")


def check_installed(names: list[str]) -> dict[str, str]:
    """Returns the version of each package that the peers `names` need.

    Raises:
        ConfigError: A package is not installed.
    """
    found, missing = {}, []
    for package in sorted({PEERS[name].package for name in names}):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        raise ConfigError(
            f"the benchmark needs {', '.join(missing)}, which is not installed. Install"
            " it with pip install 'cfexp[bench]' (LensKit: pip install lenskit), or"
            " leave it out with --peers none."
        )
    return found
