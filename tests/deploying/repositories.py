"""Real git repositories that hold a project, for tests of what git and deployments say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TOML = """name = "shop"
[environments.dev]
target = "dev"
[environments.prod]
target = "prod"
labels = ["warehouse"]
executor = "inline"
parameters = {day = "sunday"}
"""
NIGHTLY = """
from orchestrator import CronSchedule, Flow, Parameter, task
from helpers.words import word

@task
def say(day):
    return word(day)

@task
def count():
    return 1

with Flow("nightly", schedule=CronSchedule("30 2 * * *", timezone="Europe/Berlin")) as nightly:
    say(Parameter("day", default="monday"))
    count()
"""
WEEKLY = """
from orchestrator import Flow, task

@task
def tidy():
    return 1

with Flow("weekly") as weekly:
    tidy()
"""
FILES = {
    "orchestrator.toml": TOML,
    "flows/nightly.py": NIGHTLY,
    "flows/weekly.py": WEEKLY,
    "helpers/words.py": "def word(day):\n    return day.upper()\n",
}


class Repo:
    """A repository with a project in it.

    Args:
        top: The repository.
        inside: Folder of the project in it.
    """

    def __init__(self, top: Path, inside: str = ".") -> None:
        self.top, self.root = top, top / inside
        top.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        """Run git and return what it says."""
        who = ("-c", "user.name=ada", "-c", "user.email=ada@example.com")
        clean = {n: v for n, v in os.environ.items() if not n.startswith("GIT_")}
        done = subprocess.run(
            ["git", *who, *words], cwd=self.top, capture_output=True, text=True, env=clean
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def put(self, files: dict[str, str]) -> None:
        """Write files below the project's folder, by path."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, message: str = "more") -> str:
        """Commit everything and return the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


def shop(top: Path, inside: str = ".", files: dict[str, str] | None = None) -> Repo:
    """A repository with the shop's project, committed and tagged ``v1``."""
    made = Repo(top, inside)
    made.put(files or FILES)
    made.commit("first")
    made.git("tag", "v1")
    return made
