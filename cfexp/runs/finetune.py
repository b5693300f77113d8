"""``mode=finetune``: continues the training of a trained model on other data."""

from dataclasses import replace

from cfexp.models.source import Source
from cfexp.runs.conclusion import conclude_outcome
from cfexp.runs.task import Task
from cfexp.runs.train import train
from cfexp.runtime import tensorflow
from cfexp.tracking.tags import SOURCE
from cfexp.training.fit import check_tunable


def finetune(task: Task) -> float | None:
    """Fine-tunes a trained model; returns the sweep's objective, if it has one.

    Raises:
        CfexpError: The model cannot be found or fine-tuned, or it knows the test rows.
    """
    options = task.options
    tensorflow.start()  # before a model is loaded, which would skip the program cache
    predictor, name = task.trained_model()
    experiment = task.experiment_over(predictor.origin.config)
    # No refit: the trained model's weights can be changed only once.
    training = experiment.training.replace(refit=False)
    experiment = experiment.replace(training=training)
    check_tunable(experiment.model)
    source = Source(predictor, name, options.known_rows, options.same_ids)
    job = replace(
        task.job(experiment, {SOURCE: name}),
        name=task.name_of("finetune", experiment.model.name, name),
    )
    outcome = train(job, source=source)
    conclude_outcome(job.name, outcome)
    return outcome.metrics.get(options.objective)
