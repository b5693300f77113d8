"""The page of a finished training: what its files say, and what its model learned."""

from pathlib import Path

import pandas as pd
from pyarrow import parquet

from cfexp.data.lookup import genres_of
from cfexp.data.ratings import GENRES, ITEM, TITLE, USER
from cfexp.errors import ConfigError
from cfexp.evaluation.components import principal_components
from cfexp.evaluation.objective import VAL_RMSE
from cfexp.models.predictor import Predictor
from cfexp.models.similar import HasItemVectors
from cfexp.reports.run_page import MovieMap, RunPage
from cfexp.tracking.folder import EPOCHS, TEST_PREDICTIONS
from cfexp.tracking.listed import Listed
from cfexp.tracking.stored import stored
from cfexp.tracking.tags import NOTE

# Of a model that learns to rank, if ``training.monitor`` says nothing else.
NDCG = "NDCG of validation rows, full catalogue"
MAX_MOVIES = 2000  # of the map; more could not be told apart


def run_page(run: Listed, model: Path) -> str:
    """Returns the page of a run.

    Args:
        run: A finished training.
        model: The folder of its model.

    Raises:
        CfexpError: It has no stored predictions, or its model cannot be read.
    """
    file = stored(run, TEST_PREDICTIONS)
    if file is None:
        raise ConfigError(
            f"run {run.short} has no {TEST_PREDICTIONS}: it is {run.status}, of kind"
            f" {run.kind or 'unknown'}. Choose a finished training"
        )
    test = parquet.read_table(file, use_threads=False).to_pandas()
    predictor = Predictor.load(model, named=None if run.run_id else ())
    test[GENRES] = genres_of(test[[ITEM]], predictor.movies).to_numpy()
    epochs = stored(run, EPOCHS)
    return RunPage(
        title=f"{run.name}",
        about=f"{run.model} on {run.dataset}, run {run.short}",
        verdict=run.tags.get(NOTE, ""),
        epochs=pd.read_csv(epochs) if epochs else None,
        monitor=_monitor(run),
        test=test if "predicted" in test else None,
        map=movie_map_of(predictor, run.model),
    ).html()


def _monitor(run: Listed) -> str:
    """Returns what its epoch was chosen by, where that is no RMSE."""
    name = run.params.get("training.monitor", VAL_RMSE)
    return NDCG if name == VAL_RMSE else name


def movie_map_of(predictor: Predictor, family: str) -> MovieMap | str:
    """Returns the map of the most rated movies; why there is none, if so.

    Args:
        predictor: A trained model.
        family: The name of its family.
    """
    movies = predictor.movies[[ITEM, TITLE, GENRES]].reset_index(drop=True)
    rows = predictor.encoder.transform(
        movies[[ITEM]].assign(**{USER: ""}), predictor.movies, predictor.users
    )
    count = predictor.encoder.times_seen(rows)["item"]
    scorer = predictor.scorer
    own = scorer.item_vectors(rows) if isinstance(scorer, HasItemVectors) else None
    if own is None:
        return f"A model of the family {family} has no embeddings of movies."
    movies = movies.assign(count=count).nlargest(MAX_MOVIES, "count")
    movies = movies[movies["count"] > 0]
    found, shares = principal_components(own[movies.index])
    movies = movies.assign(x=found[:, 0], y=found[:, 1])
    return MovieMap(movies, (float(shares[0]), float(shares[1])))
