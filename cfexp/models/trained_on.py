"""The pairs that a model was trained on, and baselines fitted to the same rows.

They are saved with a model, and read only when it is tested or fine-tuned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import IntArray, Ratings
from cfexp.models.base import Scorer
from cfexp.models.bias import Bias, BiasScorer, Mean
from cfexp.models.known import KnownPairs

# Every run is compared with these, independent of its configuration.
BASELINES = {
    "mean": Mean(),
    "bias": Bias(reg_user=15.0, reg_item=10.0, iterations=10),
}
FOLDER, PAIRS, ENCODER = "trained_on", "known_pairs.parquet", "encoder.json"


@dataclass(frozen=True)
class FittedBaseline:
    """A baseline and the encoder of the rows that it was fitted to."""

    encoder: FeatureEncoder
    scorer: Scorer


@dataclass(frozen=True)
class TrainedOn:
    """The pairs that a model was trained on, and baselines fitted to the same rows.

    Attributes:
        known: The pairs that the model knows.
        baselines: Baselines fitted to the rows of its last training, by name.
    """

    known: KnownPairs
    baselines: Mapping[str, FittedBaseline]

    @property
    def rows(self) -> int:
        """Number of rows of the last training."""
        return int(self.baselines["bias"].encoder.user_counts.sum())

    def save(self, folder: Path) -> None:
        """Writes it into a new subfolder of a model's `folder`."""
        own = folder / FOLDER
        own.mkdir()
        self.known.save(own / PAIRS)
        for name, baseline in self.baselines.items():
            (own / name).mkdir()
            baseline.scorer.save(own / name)
            # All baselines have the same encoder.
            baseline.encoder.save(own / ENCODER)

    @classmethod
    def load(cls, folder: Path) -> "TrainedOn":
        """Reads what `save` wrote into a model's `folder`."""
        own = folder / FOLDER
        encoder = FeatureEncoder.load(own / ENCODER)
        baselines = {
            name: FittedBaseline(encoder, BiasScorer.load(own / name))
            for name in BASELINES
        }
        return cls(KnownPairs.load(own / PAIRS), baselines)


def fit_baselines(
    ratings: Ratings, rows: IntArray, encoder: FeatureEncoder | None = None
) -> dict[str, FittedBaseline]:
    """Returns the baselines, fitted to the rows that a model is fitted to.

    They are shared by all models of this process that are fitted to these rows.

    Args:
        ratings: The dataset.
        rows: Positions of the rows.
        encoder: The encoder that was fitted to the same rows; if None, it is fitted.
    """

    def fit() -> dict[str, FittedBaseline]:
        own = encoder or FeatureEncoder.fit(ratings, rows)
        encoded = encode(ratings, own, rows)
        return {
            name: FittedBaseline(own, model.fit(encoded, own.spec))
            for name, model in BASELINES.items()
        }

    return ratings.shared.of_rows("baselines", [rows], fit)
