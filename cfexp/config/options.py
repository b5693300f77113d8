"""The checked options of the command line."""

from pathlib import Path

from cfexp.config.schema import Mode, OptionFields
from cfexp.runtime.files import file_problems
from cfexp.runtime.formats import format_problems
from cfexp.spec import Spec


class Options(Spec, OptionFields):
    """The mode and its options, see `OptionFields`."""

    def problems(self) -> list[str]:
        mode, problems = self.mode, []
        if mode is Mode.train and self.run_id is not None:
            problems.append(
                f"run_id={self.run_id} names a trained model, but mode=train trains a"
                " new one; add mode=evaluate, predict, recommend or finetune"
            )
        if mode is not Mode.train and self.run_id is None:
            problems.append(
                f"mode={mode.name} needs run_id=: a run id, latest, best,"
                " models:/name/version or a run's folder"
            )
        if mode is Mode.predict and self.pairs is None:
            problems.append("mode=predict needs pairs=, a CSV of userId and movieId")
        if mode in (Mode.predict, Mode.recommend) and self.output is not None:
            problems += file_problems(Path(self.output), "output")
            problems += format_problems(Path(self.output), "output")
        if mode is Mode.recommend and self.user is None:
            problems.append("mode=recommend needs user=, a userId of the dataset")
        return problems
