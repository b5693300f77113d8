"""Who hears how a job goes while it is trained."""

from collections.abc import Mapping, Sequence

from cfexp.training.history import Epoch


class Listener:
    """Hears of a job's epochs, or of its repeats, and does nothing."""

    def on_epoch(self, epoch: Epoch) -> None:
        """Called after each epoch of a single training; may raise `Pruned`."""

    def on_repeat(self, found: Sequence[Mapping[str, float]], n: int) -> None:
        """Called after each fold or seed; may raise `Pruned`.

        Args:
            found: The metrics of those that are trained.
            n: How many there will be.
        """
