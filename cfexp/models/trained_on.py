"""What a model was trained on: its pairs, and the baselines fitted to the same rows.

Lies beside a saved model and is read only where the model is tested or trained again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cfexp.data.encoder import FeatureEncoder, encode
from cfexp.data.ratings import IntArray, Ratings
from cfexp.models.base import Scorer
from cfexp.models.bias import Bias, BiasScorer, Mean
from cfexp.models.known import KnownPairs

# Every run is held against these, whatever its configuration says.
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
    """What a model was trained on.

    Attributes:
        known: The pairs that it knows.
        baselines: Baselines fitted to the rows of its last training, by name.
    """

    known: KnownPairs
    baselines: Mapping[str, FittedBaseline]

    @property
    def rows(self) -> int:
        """Rows of the last training."""
        return int(self.baselines["bias"].encoder.user_counts.sum())

    def save(self, folder: Path) -> None:
        """Writes it into a new folder of a model's `folder`."""
        own = folder / FOLDER
        own.mkdir()
        self.known.save(own / PAIRS)
        for name, baseline in self.baselines.items():
            (own / name).mkdir()
            baseline.scorer.save(own / name)
            # The same for all of them.
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
    """Fits the baselines to some rows: those that the model is fitted to as well.

    Args:
        ratings: The dataset.
        rows: Positions of the rows.
        encoder: The encoder that was fitted to the same rows; fitted where None.
    """
    encoder = encoder or FeatureEncoder.fit(ratings, rows)
    encoded = encode(ratings, encoder, rows)
    return {
        name: FittedBaseline(encoder, model.fit(encoded, encoder.spec))
        for name, model in BASELINES.items()
    }
