"""Rows of a run's dataset in the form that its logged model takes."""

import pandas as pd

from cfexp.data.encoder import FeatureEncoder
from cfexp.data.split import Data


def sample(data: Data, encoder: FeatureEncoder, *, n: int = 1000) -> pd.DataFrame:
    """Returns up to `n` test pairs with their features, as input of a logged model."""
    ratings = data.ratings
    rows = ratings.frame.iloc[data.split.test[:n]]
    return encoder.described(rows, ratings.movies, ratings.users)


def example(data: Data, encoder: FeatureEncoder) -> pd.DataFrame:
    """Returns a few rows of the form that a logged model takes.

    They are the same for all splits of a dataset, whose models are then logged faster.
    """
    ratings = data.ratings
    return encoder.described(ratings.frame.head(5), ratings.movies, ratings.users)
