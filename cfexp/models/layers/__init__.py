"""Keras layers of the model families; importing the package registers all of them."""

from cfexp.models.layers.bias import Bias
from cfexp.models.layers.dropout import Dropout, IdDropout
from cfexp.models.layers.features import FeatureDropout, FeatureEmbedding
from cfexp.models.layers.head import RatingHead
from cfexp.models.layers.history import HistorySum
from cfexp.models.layers.inputs import Inputs, mlp, weighted_sum
from cfexp.models.layers.kernels import KernelDense, KernelOutput
from cfexp.models.layers.ordinal import OrdinalHead
from cfexp.models.layers.padding import Padded
from cfexp.models.layers.products import PairwiseProducts
from cfexp.models.layers.ranking import RankingHead
from cfexp.models.layers.row_sums import PerRating, RowDropout, RowSum
from cfexp.models.layers.sums import L2, RowDots

__all__ = [
    "L2",
    "Bias",
    "Dropout",
    "FeatureDropout",
    "FeatureEmbedding",
    "HistorySum",
    "IdDropout",
    "Inputs",
    "KernelDense",
    "KernelOutput",
    "OrdinalHead",
    "Padded",
    "PairwiseProducts",
    "PerRating",
    "RankingHead",
    "RatingHead",
    "RowDots",
    "RowDropout",
    "RowSum",
    "mlp",
    "weighted_sum",
]
