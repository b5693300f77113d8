"""The checked options of the command line."""

from pathlib import Path

from cfexp.config.schema import Mode, OptionFields
from cfexp.runtime.files import file_problems
from cfexp.runtime.formats import format_problems
from cfexp.spec import Spec

# Modes that write a table, and whom one of them may write for.
WRITING = (Mode.predict, Mode.recommend, Mode.similar)
AUDIENCES = ("user", "users", "ratings")


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
        if mode in WRITING and self.output is not None:
            problems += file_problems(Path(self.output), "output")
            problems += format_problems(Path(self.output), "output")
        if mode is Mode.recommend:
            problems += self._audience_problems()
        if mode is Mode.similar and self.movie is None:
            problems.append("mode=similar needs movie=, a movieId or a title")
        return problems

    def _audience_problems(self) -> list[str]:
        """Returns what is wrong with whom to recommend movies to."""
        given = [n for n in AUDIENCES if getattr(self, n) is not None]
        if len(given) != 1:
            got = " and ".join(f"{name}=" for name in given) or "none"
            return [
                "mode=recommend needs one of user=, a userId; users=, a file of them or"
                f" all; and ratings=, a file of a new user's ratings. Got: {got}"
            ]
        if self.explain and self.users is not None:
            return ["explain=true is for user= or ratings=, not for users="]
        return []
