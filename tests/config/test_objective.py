"""The metric by which a sweep chooses its best job."""

from collections.abc import Callable

import pytest
from omegaconf import DictConfig

from cfexp.config.objective import objective_of
from cfexp.evaluation.objective import Objective


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([], "val_rmse"),
        (["objective=val_mae"], "val_mae"),
        (["model=dot", "training.loss=bpr"], "ranking/val_full_ndcg_10"),
        (
            ["model=dot", "training.loss=bpr", "evaluation.k=5"],
            "ranking/val_full_ndcg_5",
        ),
        (
            [
                "model=dot",
                "training.loss=bpr",
                "objective=ranking/val_full_recall_10",
            ],
            "ranking/val_full_recall_10",
        ),
    ],
)
def test_models_that_learn_to_rank_are_chosen_by_their_order(
    composed: Callable[..., DictConfig], options: list[str], name: str
) -> None:
    assert objective_of(composed(*options)) == Objective(name, "ranking" in name)
