"""The XLA program that trains on a chunk of rows."""

from collections.abc import Callable

import keras
import tensorflow as tf

from cfexp.training.rowwise import Rowwise

Rows = dict[str, tf.Tensor]
Loop = tuple[tf.Tensor, tf.Tensor]  # step and sum of losses


class Program:
    """An XLA program that trains a model on a chunk of rows.

    Args:
        model: A model with inputs ``user``, ``item`` and optionally ``genres``.
        optimizer: The optimizer of its trainable variables, built.
        batch_size: Rows in a batch.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        batch_size: int,
    ):
        self.variables = [*model.variables, *optimizer.variables]
        variables = model.trainable_variables

        def train_step(
            step: tf.Tensor, total: tf.Tensor, rows: Rows, genres: tf.Tensor
        ) -> Loop:
            batch = {
                name: tf.slice(column, [step * batch_size], [batch_size])
                for name, column in rows.items()
            }
            with tf.GradientTape() as tape:
                loss = batch_loss(model, batch, genres)
            gradients = tape.gradient(loss, variables)
            if not isinstance(optimizer, Rowwise):
                # XLA has no sparse tensors: gradients of rows become whole tables.
                gradients = [tf.convert_to_tensor(g) for g in gradients]
            optimizer.apply(gradients, variables)
            return step + 1, total + loss

        # An explicit loop: AutoGraph would take a second to convert one.
        @tf.function(jit_compile=True, autograph=False)
        def run_chunk(rows: Rows, genres: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
            _, total = tf.while_loop(
                lambda step, total: step < steps,
                lambda step, total: train_step(step, total, rows, genres),
                (tf.constant(0), tf.constant(0.0)),
            )
            return total

        self.run_chunk: Callable[[Rows, tf.Tensor, tf.Tensor], tf.Tensor] = run_chunk


def batch_loss(model: keras.Model, rows: Rows, genre_table: tf.Tensor) -> tf.Tensor:
    """Returns the mean squared error of a batch, plus the model's penalties."""
    inputs = {"user": rows["user"], "item": rows["item"]}
    if "genres" in model.input:
        inputs["genres"] = tf.gather(genre_table, rows["genre_row"])
    predicted = tf.squeeze(model(inputs, training=True), -1)
    error = tf.square(predicted - rows["rating"])
    return tf.reduce_mean(error) + tf.add_n([0.0, *model.losses])
