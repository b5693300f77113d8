"""What the plots of a run show."""

import pandas as pd

from cfexp.reports.run_plots import OTHER, main_genres


def test_colour_is_the_rarest_common_genre() -> None:
    genres = pd.Series(["Drama|War", "Drama", "Drama|Comedy", "Comedy", "", "War"])
    assert main_genres(genres).tolist() == [
        *("War", "Drama", "Comedy", "Comedy"),
        *(OTHER, "War"),
    ]


def test_rare_genres_have_no_colour() -> None:
    many = [f"genre {i}" for i in range(9) for _ in range(2)]
    assert main_genres(pd.Series([*many, "rare"])).iloc[-1] == OTHER
    assert main_genres(pd.Series([*many, "rare|genre 3"])).iloc[-1] == "genre 3"
