"""Rows that a model knows do not test it, through any number of fine-tunings."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from helpers import SMALL
from omegaconf import DictConfig
from tracked import metrics_of

from cfexp.config.build import build
from cfexp.config.compose import compose
from cfexp.config.overrides import with_overrides
from cfexp.errors import CfexpError, ConfigError, DataError
from cfexp.experiment import Experiment
from cfexp.models.known import KnownPairs
from cfexp.models.predictor import Predictor
from cfexp.runs.modes import run
from cfexp.runs.task import Task

Do = Callable[..., Path]


DOT = ["model=dot", "embed_dim=4", *SMALL]


def done(folder: Path, *overrides: str) -> Path:
    """Does a run in this process and returns its folder."""
    cfg = compose(list(overrides))
    run(Task(build(cfg), folder, folder.name, overrides))
    return folder


@pytest.fixture
def do(workdir: Path) -> Do:
    """Does runs in a temporary working directory."""
    return lambda name, *overrides: done(workdir / name, *overrides)


def known_of(folder: Path) -> KnownPairs:
    return Predictor.load(folder / "model").trained_on.known


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "trained"
    return done(folder, *DOT, "split=kfold", "training.checkpoint_every=0")


@pytest.mark.slow
@pytest.mark.parametrize("other", [["split=kfold", "split.fold=1"], ["seed=1"]])
def test_finetune_and_evaluate_on_another_split_are_refused(
    do: Do, trained: Path, other: list[str]
) -> None:
    for mode in ("mode=finetune", "mode=evaluate"):
        use = [mode, f"run_id={trained}", "tracking=none"]
        with pytest.raises(DataError, match="knows .* of the 600 test rows"):
            do("other", *use, *other)
        if "seed=1" in other:
            # Rows of neither part are all that is left.
            do("dropped", *use, *other, "known_rows=drop")
            tested = metrics_of(Path("dropped"))["rows/test"]
            assert 100 < tested < 150


@pytest.mark.slow
def test_other_data_that_share_rows(do: Do, trained: Path, workdir: Path) -> None:
    """The model's own data with one more title: the rows are known all the same."""
    data = build(compose(DOT)).experiment.dataset.load()
    data.frame.to_csv(workdir / "r.csv", index=False)
    data.movies.assign(title=["Other", *data.movies["title"][1:]]).to_csv(
        workdir / "m.csv", index=False
    )
    use = ["mode=evaluate", f"run_id={trained}", "tracking=none", "dataset=csv"]
    use += ["dataset.ratings=r.csv", "dataset.movies=m.csv", "dataset.scale=[1,5]"]
    with pytest.raises(DataError, match="knows 2,400 of the 3,000 test rows"):
        do("all", *use)
    again = metrics_of(do("left", *use, "known_rows=drop"))
    before = metrics_of(trained)
    assert again["rows/test"] == before["rows/test"] == 600
    for name in ("test_rmse", "groups/test_rmse_user_mean", "baselines/bias_rmse"):
        assert again[name] == pytest.approx(before[name], abs=1e-6)
    assert again["skill_vs_bias"] == pytest.approx(before["skill_vs_bias"], abs=1e-6)
    assert again["rows/known"] == 2400


@pytest.mark.slow
def test_pairs_are_known_through_two_finetunings(
    do: Do, trained: Path, workdir: Path
) -> None:
    data = build(compose(DOT)).experiment.dataset.load()
    later = data.frame[data.frame["movieId"] % 2 == 0]
    later.to_csv(workdir / "r.csv", index=False)
    data.movies.to_csv(workdir / "m.csv", index=False)
    csv = ["dataset=csv", "dataset.ratings=r.csv", "dataset.movies=m.csv"]
    csv += ["dataset.scale=[1,5]", "tracking=none", "training.epochs=1"]
    more = ["mode=finetune", "known_rows=drop", *csv]
    second = do("second", f"run_id={trained}", *more, "split=kfold")
    tested = pd.read_parquet(second / "results/test_predictions.parquet")
    assert not known_of(trained).among(tested, trained_only=False).any()
    third = do("third", f"run_id={second}", *more, "split=random", "seed=5")
    known = known_of(third)
    for before in (trained, second):
        assert known.among(known_of(before).frame, trained_only=False).all()
    sources = Predictor.load(third / "model").origin.sources
    assert sources == (str(trained / "model"), str(second / "model"))


@pytest.mark.slow
def test_model_that_knows_its_validation_rows_has_no_such_error(
    do: Do, caplog: pytest.LogCaptureFixture
) -> None:
    refit = do("refit", *DOT, "training.refit=true")
    assert "val_rmse" in metrics_of(refit)  # measured before the refit
    tune = ["mode=finetune", f"run_id={refit}", "tracking=none", "training.epochs=2"]
    with pytest.raises(DataError, match="knows 240 of the 240 validation rows"):
        do("tuned", *tune)
    tuned = do("tuned", *tune, "known_rows=drop")
    assert "the last epoch is kept" in caplog.text
    found = metrics_of(tuned)
    assert not {"val_rmse", "val_mae", "training/last_val_rmse"} & found.keys()
    assert found["best_epoch"] == found["training/epochs"] == 2
    assert "There is no validation error" in (
        tuned / "results/model_card.md"
    ).read_text(encoding="utf-8")
    runs = ["model=ensemble", f"model.runs=[{tuned},{refit}]", *SMALL]
    with pytest.raises(DataError, match="has 0 predictions for 240 validation rows"):
        do("ensemble", *runs)


@pytest.mark.slow
def test_starting_weights_are_kept_where_no_epoch_is_better(
    do: Do, trained: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tune = ["mode=finetune", f"run_id={trained}", "tracking=none", "training.epochs=2"]
    tuned = do("tuned", *tune, "optimizer.learning_rate=1")
    before, after = metrics_of(trained), metrics_of(tuned)
    assert after["best_epoch"] == 0
    assert after["training/epochs"] == 2
    assert after["val_rmse"] == pytest.approx(before["val_rmse"], abs=1e-6)
    assert after["test_rmse"] == pytest.approx(before["test_rmse"], abs=1e-6)
    assert "which is kept unchanged" in caplog.text


def test_trained_model_cannot_become_another(
    composed: Callable[..., DictConfig],
) -> None:
    saved = build(composed("model=dot", "embed_dim=16")).experiment.settings()

    def over(*overrides: str) -> Experiment:
        request = build(composed("mode=finetune", "run_id=x", *overrides))
        return with_overrides(saved, request, overrides)

    for said in ("model=ncf", "embed_dim=64", "model.l2=9"):
        with pytest.raises(ConfigError, match=f"{said}: the model of run_id=x was tr"):
            over("model=dot" if "l2" in said else said, said)
    assert over("model=dot", "embed_dim=16").settings()["model"]["embed_dim"] == 16
    assert over("training.epochs=3", "seed=4").training.epochs == 3


@pytest.mark.slow
def test_unrelated_data_are_refused_in_every_mode(do: Do, trained: Path) -> None:
    for mode in ("finetune", "evaluate", "recommend"):
        use = [f"mode={mode}", f"run_id={trained}", "tracking=none", "user=1"]
        other = ["dataset=synthetic", "dataset.n_ratings=3000", "dataset.data_seed=9"]
        with pytest.raises(CfexpError, match="have the same title in synthetic"):
            do("other", *use, *other, "dataset.n_users=100", "dataset.n_items=150")


@pytest.mark.slow
def test_groups_do_not_depend_on_what_is_fitted(do: Do) -> None:
    """The same rows in each group for all models of a split, and for baselines."""
    folders = [
        do("dot", *DOT),
        do("refit", *DOT, "training.refit=true"),
        do("bias", "model=bias", *SMALL),
    ]
    rows = [
        {k: v for k, v in metrics_of(f).items() if k.startswith("rows/test")}
        for f in folders
    ]
    assert rows[0] == rows[1] == rows[2]
    # Where the model is the bias baseline, each margin is nothing.
    card = (folders[2] / "results/model_card.md").read_text()
    table = card.split("## Errors")[1].split("## Cal")[0]
    margins = [x.split("|")[-2].strip() for x in table.splitlines() if "%" in x]
    assert len(margins) > 5
    assert set(margins) == {"+0.0%"}
    # Baselines are fitted to the model's own rows.
    assert metrics_of(folders[0])["rows/fitted"] == 2160
    for folder in folders[1:]:
        assert metrics_of(folder)["rows/fitted"] == 2400
    same = [metrics_of(f)["baselines/bias_rmse"] for f in folders]
    assert same[0] != same[1] == same[2] == metrics_of(folders[2])["test_rmse"]
