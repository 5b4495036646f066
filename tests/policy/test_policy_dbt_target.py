"""Which target dbt would use, read from its files without dbt."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.service.policy.dbt_target import target_name

PROFILES = "shop:\n  target: {}\n  outputs: {{}}\n"


@pytest.mark.parametrize(
    ("profiles", "said", "environment", "name"),
    [
        (PROFILES.format("dev"), None, None, "dev"),
        (PROFILES.format("dev"), "prod", None, "prod"),
        (PROFILES.format("dev"), None, "ci", "ci"),
        (PROFILES.format("dev"), "prod", "ci", "prod"),
        ("shop:\n  outputs: {}\n", None, None, "default"),
        (PROFILES.format("\"{{ env_var('T') }}\""), None, None, None),
        ("other:\n  target: dev\n", None, None, None),
        ("- no mapping", None, None, None),
        ("{ broken", None, None, None),
    ],
)
def test_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    profiles: str, said: str | None, environment: str | None, name: str | None,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    if environment:
        monkeypatch.setenv("DBT_TARGET", environment)
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(profiles)
    assert target_name(tmp_path, said, None) == name


def test_a_folder_of_profiles(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "profiles.yml").write_text(PROFILES.format("night"))
    assert target_name(tmp_path, None, "conf") == "night"
