"""The table of limits in the settings: what may stand in it, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.settings import load_settings


def limits(folder: Path, text: str) -> dict[str, int]:
    (folder / "orchestrator.toml").write_text(text, encoding="utf-8")
    return dict(load_settings(folder, environ={"ORCHESTRATOR_LIMITS": "x"}).limits)


def test_limits_are_read(tmp_path: Path) -> None:
    text = '[limits]\n"tag:heavy" = 2\n"warehouse:prod" = 4\n"flow:nightly run" = 0\n'
    assert limits(tmp_path, text) == {"tag:heavy": 2, "warehouse:prod": 4, "flow:nightly run": 0}
    assert limits(tmp_path, "") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[limits]\nheavy = 2\n", "expected tag:NAME or warehouse:NAME or flow:NAME, got 'heavy'"),
        ('[limits]\n"task:x" = 2\n', "got 'task:x'"),
        ('[limits]\n"tag:" = 2\n', "got 'tag:'"),
        ('[limits]\n"tag:x" = -1\n', "expected a whole number of at least 0, got -1"),
        ('[limits]\n"tag:x" = true\n', "got True"),
        ("limits = 3\n", 'expected a table, as in {"tag:heavy" = 2}, got 3'),
    ],
)
def test_what_is_no_limit(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        limits(tmp_path, text)
    assert said in wrong.value.what
    assert wrong.value.where == f"orchestrator.toml:{1 if 'limits =' in text else 2}"
