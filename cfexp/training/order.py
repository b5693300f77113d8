"""The order in which an epoch reads the training rows, and the size of chunks."""

import numpy as np
import numpy.typing as npt

from cfexp.data.streaming import block_order


def epoch_order(
    n_rows: int, batch_size: int, rng: np.random.Generator, *, blocks: bool = False
) -> npt.NDArray[np.int32]:
    """Returns all rows in random order; the last batch is filled with the first rows.

    Args:
        n_rows: Number of rows.
        batch_size: Rows in a batch.
        rng: Random generator.
        blocks: Shuffle with `cfexp.data.streaming.block_order`.
    """
    if blocks:
        order = block_order(n_rows, rng)
    else:
        order = rng.permutation(n_rows).astype(np.int32)
    return np.resize(order, -(-n_rows // batch_size) * batch_size)


def rounded_up(n: int) -> int:
    """Returns a number to round `n` up to, at most an eighth larger.

    So folds and splits of almost the same size have chunks of one shape.
    """
    step = 2 ** max(0, n.bit_length() - 4)
    return -(-n // step) * step
