"""Other libraries' models with their usual settings, imported only when used."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from cfexp.benchmark import cmfrec, libmf, myfm
from cfexp.benchmark.task import Fit, Note, Peer, Predict, Task
from cfexp.data.ratings import ITEM, RATING, USER
from cfexp.errors import ConfigError
from cfexp.evaluation.metrics import FloatArray


def _surprise(algorithm: str) -> Fit:
    def fit(task: Task, epochs: int, note: Note) -> Predict:
        import surprise

        data = surprise.Dataset.load_from_df(
            task.triples, surprise.Reader(rating_scale=task.scale)
        )
        model = getattr(surprise, algorithm)(n_epochs=epochs, random_state=task.seed)
        model.fit(data.build_full_trainset())
        return lambda: np.array(
            [model.predict(user, item).est for user, item in _pairs(task)]
        )

    return fit


def _cornac_mf(task: Task, epochs: int, note: Note) -> Predict:
    from cornac.data import Dataset
    from cornac.models import MF

    triples = list(task.triples.itertuples(index=False, name=None))
    data = Dataset.from_uir(triples, seed=task.seed)
    model = MF(max_iter=epochs, seed=task.seed).fit(data)
    # Cornac takes an index past the last one for an unknown id.
    users, items = data.uid_map, data.iid_map
    return lambda: np.array(
        [
            model.rate(users.get(user, len(users)), items.get(item, len(items)))
            for user, item in _pairs(task)
        ]
    ).clip(*task.scale)


def _lenskit_als(task: Task, epochs: int, note: Note) -> Predict:
    from lenskit.als import BiasedMFScorer
    from lenskit.batch import predict
    from lenskit.data import ItemListCollection, from_interactions_df
    from lenskit.pipeline import predict_pipeline
    from lenskit.random import set_global_rng

    set_global_rng(task.seed)
    names = {USER: "user_id", ITEM: "item_id", RATING: "rating"}
    pipeline = predict_pipeline(BiasedMFScorer(epochs=epochs), fallback=True)
    pipeline.train(from_interactions_df(task.triples.rename(columns=names)))

    def rate() -> FloatArray:
        wanted = task.pairs.rename(columns=names)
        lists = ItemListCollection.from_df(wanted, ["user_id"])
        scores = predict(pipeline, lists, n_jobs=1).to_df()
        found = wanted.merge(scores, how="left", on=list(wanted.columns))
        return found["score"].to_numpy(np.float64).clip(*task.scale)

    return rate


def _pairs(task: Task) -> Any:
    return task.pairs.itertuples(index=False, name=None)


QUARTERS = (5, 10, 15, 20)
PEERS = {
    "myfm": Peer("myfm", ("myfm",), myfm.on_ids, (200,)),
    "myfm-features": Peer("myfm", ("myfm",), myfm.on_features, (300,)),
    "surprise-svd": Peer("scikit-surprise", ("surprise",), _surprise("SVD"), QUARTERS),
    "surprise-svdpp": Peer(
        "scikit-surprise", ("surprise",), _surprise("SVDpp"), QUARTERS
    ),
    "cornac-mf": Peer("cornac", ("cornac.models",), _cornac_mf, QUARTERS),
    "lenskit-als": Peer(
        "lenskit", ("lenskit.als", "lenskit.batch"), _lenskit_als, (10,)
    ),
    "libmf": Peer("libmf", ("libmf.mf",), libmf.matrix_factorization, QUARTERS),
    "cmfrec": Peer("cmfrec", ("cmfrec",), cmfrec.on_ids, (2, 4, 6, 10)),
    "cmfrec-features": Peer("cmfrec", ("cmfrec",), cmfrec.on_features, (2, 4, 6, 10)),
}
EXTRA = "pip install 'cfexp[bench]'"
# What is no part of the extra `bench`, and why.
APART = {
    "lenskit": "pip install lenskit",  # needs PyTorch, which takes gigabytes
    # Have no wheels.
    "libmf": "pip install libmf (with a C++ compiler)",
    "cmfrec": "pip install cmfrec (with a C++ compiler)",
}
DEFAULT_PEERS = tuple(name for name, peer in PEERS.items() if peer.package not in APART)


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
        ways = dict.fromkeys(APART.get(package, EXTRA) for package in missing)
        raise ConfigError(
            f"the benchmark needs {', '.join(missing)}, which is not installed. Install"
            f" it with {' and '.join(ways)}, or leave it out with --peers none."
        )
    return found
