"""Where the shell lines of each page are run: what lies there, and what was done before a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs import pages
from tests.docs.pages import Block
from tests.tutorial import shop

#: What a line stands for, where it cannot be run as it is.
SLACK = "https://hooks.slack.com/services/…"
#: Commits all that lies there, as what others have, too.
_COMMIT = (
    "git init --quiet && git add --all && git commit --quiet --message all"
    " && git update-ref refs/remotes/origin/main HEAD"
)
#: A run that goes on until somebody stops it.
_A_RUN = (
    "orchestrator run slow >slow.log 2>&1 & "
    "until orchestrator runs show latest 2>/dev/null | grep -q '^runs .*wait'; do sleep 1; done"
)
_SLOW = """
import time

from orchestrator import Flow, task


@task
def wait():
    time.sleep(600)


with Flow("slow") as flow:
    wait()
"""
_ASKS = """
from orchestrator import Flow, signals, task
from orchestrator.triggers import manual_only


@task(trigger=manual_only)
def publish(): ...


@task
def think(published):
    from orchestrator import context

    if context.get("task_run_count") == 1:
        raise signals.PAUSE("think of it")


@task
def load():
    raise ValueError("away")


with Flow("asks") as flow:
    think(publish())
    load()
"""
_REFRESH = """
from orchestrator import Flow, Parameter, task


@task
def build(customer):
    return customer


with Flow("refresh") as flow:
    build(Parameter("customer"))
"""
_DAYS = """
from orchestrator import Flow, Parameter, task


@task
def load(day, days):
    return day, days


with Flow("nightly") as flow:
    load(Parameter("day", default="2026-01-02"), Parameter("days", default=1))
"""
_HOURLY = """
from orchestrator import Flow
from tasks import DbtBuild

with Flow("nightly") as flow:
    DbtBuild()()

with Flow("hourly") as hourly:
    DbtBuild(select="orders")()
"""
_DBT = {
    "dbt_project.yml": "name: shop\nprofile: shop\n",
    "profiles.yml": "shop:\n  target: dev\n  outputs:\n"
    "    dev: {type: duckdb, path: shop.duckdb, threads: 2}\n"
    "    prod: {type: duckdb, path: shop.duckdb, threads: 4}\n",
    "models/orders.sql": "select 1 as id",
    "models/daily.sql": "select count(*) as orders from {{ ref('orders') }}",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page's lines run.

    Args:
        files: What lies there, besides the files that the page shows.
        before: What a reader did before a line, in words of a shell.
        shop: Whether the page goes on from the shop that moving from cron ends with.
        shown: Whether the files that the page shows lie there, too.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    shop: bool = False
    shown: bool = True

    def write(self, folder: Path, page: Path) -> None:
        """Put everything there."""
        start = {**shop.DBT, **shop.files_of(pages.DOCS / "from-cron-dbt.md")} if self.shop else {}
        shown = files_of(page) if self.shown else {}
        shop.write(folder, {**start, **self.files, **shown})


def files_of(page: Path) -> dict[str, str]:
    """The files that a page shows; ``before.py`` is what it was elsewhere."""
    return {name: text for name, text in shop.files_of(page).items() if name != "before.py"}


def _demo() -> dict[str, str]:
    """The demo project, as git has it."""
    folder = pages.ROOT / "dbt_project"
    kept = ("*.toml", "*.yml", "*.sql", "*.py", "seeds/*.csv")
    found = [path for kind in kept for path in folder.rglob(kind) if "target" not in path.parts]
    return {f"flights/{path.relative_to(folder)}": path.read_text() for path in found}


#: How a page's place is made. Pages of how-to guides go on from the shop.
PLACES: dict[str, Callable[[], Place]] = {
    "README.md": lambda: Place(
        {**_demo(), **{f"theirs/{name}": text for name, text in _DBT.items()}},
        {
            "orchestrator why airport_hours int_flight_conditions": "cd flights",
            "orchestrator init demo --defaults && cd demo": "cd ..",
            "orchestrator run .": "cd ../theirs",
        },
    ),
    "index.md": lambda: Place(_DBT),
    "api.md": lambda: Place(
        {"orchestrator.toml": "", "flows/refresh.py": _REFRESH},
        {
            "orchestrator serve --host 0.0.0.0": "export TOKEN=$(orchestrator tokens create eva "
            "--role run --format json | python -c 'import json, sys; print(json.load(sys.stdin)[\"token\"])')"
        },
    ),
    "deployments.md": lambda: Place(
        {"flows/nightly.py": _DAYS},
        {
            "orchestrator deploy --from-git v1.2 --to prod": f"{_COMMIT} && git tag v1.2",
            "orchestrator deployments rollback nightly": "orchestrator deploy --to prod --label b",
        },
    ),
    "dbt.md": lambda: Place(
        {**_DBT, "flows/nightly.py": _HOURLY, "orchestrator.toml": ""},
        {
            'orchestrator run nightly --select "+changed:origin/main+" --summary summary.md': _COMMIT
            + " && echo '-- new' >> models/daily.sql"
        },
        shown=False,
    ),
    "editors.md": Place,
    "cookbook/generous_riders.md": Place,
    "guard-rails.md": lambda: Place(
        {
            **_DBT,
            "flows/nightly.py": _HOURLY,
            "orchestrator.toml": '[environments.prod]\ntarget = "prod"\n',
            "policy.toml": 'published.schemas = ["marts"]\n',
        },
        shown=False,
    ),
    "from-cron-dbt.md": lambda: Place(shop=True),
    "lineage.md": Place,
    "limits.md": lambda: Place(
        {"flows/slow.py": _SLOW, "flows/asks.py": _ASKS},
        {
            "orchestrator runs cancel latest": _A_RUN,
            "orchestrator runs approve latest publish": "orchestrator run asks >asks.log 2>&1 & until "
            "orchestrator runs show latest 2>/dev/null | grep -q '^paused .*publish'; do sleep 1; done",
            "orchestrator runs resume latest": "until orchestrator runs show latest 2>/dev/null "
            "| grep -q '^paused .*think'; do sleep 1; done",
        },
    ),
    "schedules.md": Place,
    "service.md": lambda: Place({"orchestrator.toml": ""}),
    "templates.md": lambda: Place(
        {"template/copier.yml": "_envops: {}\n", "template/note.txt": "ours\n"},
        {
            'orchestrator run nightly --select "@changed:origin/main" --indirect-selection buildable '
            "--summary summary.md": f"{_COMMIT}; echo '-- new' >> models/marts/best_sellers.sql",
            "orchestrator init --update": "git commit --quiet --all --message change",
            "orchestrator init demo --template ./template": "cd ..",
            "python templates/release.py": f"cp -r '{pages.ROOT}/templates' '{pages.ROOT}/pyproject.toml' .",
        },
    ),
    "testing.md": Place,
    "how-to/go-back.md": lambda: Place(
        before={
            "orchestrator deployments rollback nightly": "orchestrator deploy --in-place --label a"
            " && orchestrator deploy --in-place --label b && orchestrator deploy --in-place --label c"
        },
        shop=True,
    ),
    "how-to/retry-from-a-failure.md": lambda: Place(
        before={
            "orchestrator runs list": "sed -i s/amount/amont/ dbt/models/daily.sql"
            " && ! orchestrator run nightly && sed -i s/amont/amount/ dbt/models/daily.sql"
        },
        shop=True,
    ),
    "how-to/stop-and-limit.md": lambda: Place(
        {"flows/slow.py": _SLOW}, {"orchestrator runs cancel latest": _A_RUN}, shop=True
    ),
    "how-to/test-before-merging.md": lambda: Place(
        before={
            "orchestrator run nightly --select +changed:origin/main+ --summary summary.md": _COMMIT
            + " && echo '-- new' >> sql/weekly_report.sql"
        },
        shop=True,
    ),
}  # fmt: skip


def place_of(page: Path) -> Place | None:
    """Where the lines of a page run; None where nobody has said so."""
    name = str(page.relative_to(pages.ROOT)).removeprefix("docs/")
    if name in PLACES:
        return PLACES[name]()
    return Place(shop=True) if name.startswith("how-to/") else None


#: Lines that no test runs, each with the reason.
NOT_RUN = {
    "make nightly": "makes the environment from an index; .ci/run goes by make, too",
    "make serve": "makes the environment from an index, and builds the page with Node",
    "make test": "this is it",
    "pip install '/path/to/this/checkout[test]'": "the tutorial's test installs the wheel",
    "pip install /path/to/this/checkout": "the tutorial's test and tests/packaging install the wheel",
    "pip install 'analytics-orchestrator[snowflake]'": "from an index",
    "pip install 'analytics-orchestrator[demo]' 'dask[dataframe]'": "from an index",
    "python generous_riders.py": "test_cookbook runs it, with somebody in the place of Slack",
    "python taxi_tips.py": "test_cookbook runs it, where there is dask.dataframe",
    "orchestrator run nightly --target prod --select load_orders": "needs an account of Snowflake",
    "orchestrator init demo --template gh:team/template": "needs a network",
    "orchestrator init demo --template git+ssh://git@git.example.com/team/template.git": "the same",
}


def is_shell(block: Block) -> bool:
    """Whether a block is lines for a shell, or what a terminal showed after one."""
    typed = block.text.startswith("$ ") if block.language in ("text", "console") else False
    return typed or (block.language in ("sh", "shell", "bash", "") and not pages.is_file(block))
