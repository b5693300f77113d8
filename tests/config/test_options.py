"""Every option and experiment composes, and the documentation names it."""

import re
from collections.abc import Callable

import pytest
import yaml
from helpers import ROOT, script
from omegaconf import DictConfig, OmegaConf

from cfexp.config.build import build
from cfexp.config.command_table import COMMANDS
from cfexp.config.compose import is_sweep
from cfexp.config.schema import GROUPS
from cfexp.errors import ConfigError
from cfexp.evaluation import names

reference = script("reference")
OPTIONS = [
    f"{group}={path.stem}"
    for group in GROUPS
    for path in sorted((ROOT / "conf" / group).glob("*.yaml"))
]


CONF = ROOT / "conf"


EXPERIMENTS = [
    str(path.relative_to(CONF / "experiment").with_suffix(""))
    for path in sorted(CONF.glob("experiment/**/*.yaml"))
]


NEEDED = {
    "dataset=csv": ["dataset.ratings=r.csv"],
    "split=given": ["split.test=t.csv"],
    "tracking=server": ["tracking.uri=http://localhost:5000"],
}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes(
    composed: Callable[..., DictConfig], option: str
) -> None:
    request = build(composed(option, *NEEDED.get(option, [])))
    assert {*request.experiment.settings(), "tracking"} >= set(GROUPS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_composes(
    composed: Callable[..., DictConfig], name: str
) -> None:
    build(composed(f"experiment={name}"))


@pytest.mark.parametrize("name", [p.stem for p in sorted(CONF.glob("search/*.yaml"))])
def test_every_search_composes(composed: Callable[..., DictConfig], name: str) -> None:
    """With any experiment: it sweeps, over options of its own model."""
    fitting = [o for o in EXPERIMENTS if o.endswith(f"/{name}")]
    for experiment in [*fitting, "quick"]:
        found = build(composed(f"experiment={experiment}", f"search={name}")).experiment
        assert (found.model.name, found.training.refit) == (name, False)
    ranges = OmegaConf.load(CONF / f"search/{name}.yaml").hydra.sweeper.params
    for key, values in ranges.items():
        for value in str(values).split(","):
            build(composed(f"search={name}", f"{key}={value}"))
    assert is_sweep([f"search={name}"])


def test_all_problems_are_listed_at_once(composed: Callable[..., DictConfig]) -> None:
    with pytest.raises(
        ConfigError, match=r"(?=.*seed)(?=.*model\.l2).*training\.epochs"
    ):
        build(composed("seed=-1", "model.l2=-1", "training.epochs=0"))


@pytest.mark.parametrize("page", reference.PAGES)
def test_reference_is_up_to_date(page: str) -> None:
    """It has each option's default, values and meaning, or cannot be made at all."""
    made = reference.PAGES[page]()
    assert (ROOT / page).read_text() == made, "run scripts/reference"


def test_reference_has_every_option_and_command() -> None:
    options = (ROOT / "docs/options.md").read_text()
    files = [ROOT / "conf" / "config.yaml"]
    files += [f for group in GROUPS for f in (ROOT / "conf" / group).glob("*")]
    keys = {key for file in files for key in yaml.safe_load(file.read_text())}
    hidden = {"_target_", "name", "defaults", "hydra", *GROUPS}
    listed = set(re.findall(r"^\| `(?:[\w.]+\.)?(\w+)` \|", options, re.M))
    assert keys - hidden - listed == set()
    choices = set(re.findall(r"^- `([\w-]+)`: \w", options, re.M))
    assert {f.stem for f in files[1:]} - choices == set()
    commands = (ROOT / "docs/commands.md").read_text()
    assert [
        name for name in COMMANDS if f"\nusage: cfexp {name} " not in commands
    ] == []


def test_reference_says_what_a_value_may_be() -> None:
    rows = [
        "`cv` | `null` | whole number ≥ 2 or `null`",
        "`dataset.n_factors` | `3` | whole number ≥ 1, ≤ 64",
        "`model.layers` | `[64,32]` | list of whole numbers ≥ 1, ≤ 65,536",
        "`model.kernel_l2` | `0.00003` | number ≥ 0",
        "`optimizer.clipnorm` | `null` | number > 0 or `null`",
        "`evaluation.relevant_from` | `null` | number or `mean` or `null`",
        "`training.stream_from` | `10_000_000` | whole number ≥ 1 or `null`",
    ]
    options = (ROOT / "docs/options.md").read_text()
    assert [row for row in rows if f"\n| {row} | " not in options] == []


def test_metrics_are_documented() -> None:
    page = (ROOT / "docs/metrics.md").read_text()
    prefixes = [v for v in vars(names).values() if isinstance(v, str) and v[-1:] == "/"]
    assert len(prefixes) == 10
    for metric in (*names.HEADLINE, *prefixes):
        assert f"`{metric}`" in page, metric
