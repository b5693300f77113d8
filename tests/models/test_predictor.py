"""A predictor looks up what is known of users and movies, for all that it predicts."""

import numpy as np
import pandas as pd

from cfexp.models.predictor import Predictor


class Known:
    """Stands in for an encoder and a model: predicts the user's age."""

    columns = ("age",)

    def transform(self, rows, movies, users):  # type: ignore[no-untyped-def]
        return rows["userId"].map(users.set_index("userId")["age"])

    def predict(self, rows):  # type: ignore[no-untyped-def]
        return rows.to_numpy(float)

    def predict_with_std(self, rows):  # type: ignore[no-untyped-def]
        return self.predict(rows), rows.to_numpy(float) / 10


def test_deviations_are_of_what_is_known_of_users() -> None:
    predictor = Predictor(
        encoder=Known(),
        scorer=Known(),
        movies=pd.DataFrame(columns=["movieId", "title", "genres"]),
        users=pd.DataFrame({"userId": [1, 2], "age": [30, 40]}),
        origin=None,
        load_trained_on=lambda: None,
    )
    pairs = pd.DataFrame({"userId": [2, 1], "movieId": [1, 1]})
    predicted, std = predictor.predict_with_std(pairs)
    np.testing.assert_array_equal(predicted, [40, 30])
    np.testing.assert_array_equal(std, [4, 3])
    assert predictor.predict_with_std(pairs.head(0))[1].size == 0
