"""``mode=finetune``: trains a trained model further."""

from cfexp.models.source import Source
from cfexp.runs.task import Task
from cfexp.runs.train import train
from cfexp.runtime import tensorflow
from cfexp.training.fit import check_tunable


def finetune(task: Task) -> float | None:
    """Trains a trained model further; returns the objective, where it has one.

    Raises:
        CfexpError: The model cannot be found or trained, or it knows the test rows.
    """
    options = task.options
    tensorflow.start()  # which loading a model would do without the program cache
    predictor, name = task.trained_model()
    experiment = task.experiment_over(predictor.origin.config)
    # The trained model's weights are changed only once.
    training = experiment.training.replace(refit=False)
    experiment = experiment.replace(training=training)
    check_tunable(experiment.model)
    source = Source(predictor, name, options.known_rows, options.same_ids)
    outcome = train(task.job(experiment, source=name), source=source)
    return outcome.metrics.get(options.objective)
