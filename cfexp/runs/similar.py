"""``mode=similar``: lists movies that are like a movie, by a trained model."""

import pandas as pd

from cfexp.data.ids import did_you_mean_id, equal_to
from cfexp.data.ratings import GENRES, ITEM, TITLE
from cfexp.errors import DataError, did_you_mean
from cfexp.models.predictor import Predictor
from cfexp.runs.output import output_of, write_output
from cfexp.runs.task import Task
from cfexp.runtime.console import print_frame, print_lines
from cfexp.runtime.output import near
from cfexp.runtime.result import conclude


def similar(task: Task) -> None:
    """Lists the movies whose embeddings are most like that of a movie.

    Raises:
        CfexpError: The model cannot be found, has no embeddings, or does not know the
            movie.
    """
    predictor, _ = task.trained_model()
    task.experiment_over(predictor.origin.config)  # checks the overrides
    movie = movie_of(predictor, str(task.options.movie))
    found = predictor.similar(movie[ITEM], k=task.options.k)
    output = output_of(task)
    write_output(found, output)
    name = movie[TITLE] or movie[ITEM]
    title = f"{len(found)} movies most like {name}, by {predictor.origin.model}"
    print_frame(title, found, digits=3, spare=[GENRES])
    print_lines([("output", near(output))])
    conclude(
        f"{title} in {near(output)}",
        {"output": output, "movies": found.to_dict(orient="records")},
    )


def movie_of(predictor: Predictor, named: str) -> pd.Series:
    """Returns the row of a movie, by its id or its title in any case.

    Raises:
        DataError: There is none, or several have the title.
    """
    movies = predictor.movies
    by_id = movies[equal_to(movies[ITEM], named)]
    titles = movies[TITLE].str.lower()
    found = by_id if len(by_id) else movies[titles == named.lower()]
    if not len(found):
        found = movies[titles.str.contains(named.lower(), regex=False)]
    if len(found) == 1:
        return found.iloc[0]
    if len(found):
        first = found.head(3)
        some = "; ".join(map("{}: {}".format, first[ITEM], first[TITLE]))
        raise DataError(
            f"movie={named} may be one of {len(found)} movies, such as {some}. Give its"
            " id or its whole title"
        )
    near = did_you_mean_id(named, movies[ITEM])
    near = near or did_you_mean(named, map(str, movies[TITLE]))
    raise DataError(f"the model knows no movie with the id or the title {named}{near}")
