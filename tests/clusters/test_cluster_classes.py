"""The class of a preset is looked at before anything is opened: at a run, and by doctor."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from orchestrator.cli.main import execute
from orchestrator.errors import ConfigurationError
from orchestrator.presets import PRESETS, Preset
from orchestrator.service.cluster_classes import refuse_unusable
from orchestrator.service.clusters import looked_at
from orchestrator.service.project import Project


class Narrow:
    """A cluster class that takes one argument and no other."""

    def __init__(self, size: int = 1) -> None:
        self.size = size


def preset(text: str, **arguments: object) -> Preset:
    return PRESETS({"big": {"class": text, "arguments": arguments}})["big"]


@pytest.mark.parametrize(
    ("given", "what", "fix"),
    [
        (preset("local", n_worker=2), "LocalCluster takes no argument 'n_worker'", "'n_workers'"),
        (preset("ssh", host=["a"]), "SSHCluster takes no argument 'host'", "'hosts'"),
        (preset("distributed.LocalClster"), "distributed has no LocalClster", "'LocalCluster'"),
        (preset("os.path"), "os.path is no class", "name a class"),
        (preset("nobody_has_this.Cluster"), "cannot be imported", "pip install nobody-has-this"),
        (
            preset("tests.clusters.test_cluster_classes.Narrow", size=2, colour="red"),
            "Narrow takes no argument 'colour'",
            "it takes size",
        ),
    ],
)
def test_what_cannot_make_a_cluster(
    given: Preset, what: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.service.cluster_classes._NEEDED", {})
    with pytest.raises(ConfigurationError) as refused:
        refuse_unusable(given)
    assert what in refused.value.what
    assert refused.value.where == "[clusters.big]"
    assert fix in str(refused.value.fix)


def test_a_package_that_is_imported_late(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    for there in (True, False):
        monkeypatch.setattr(
            "orchestrator.service.cluster_classes.find_spec",
            lambda name, there=there: found("os") if there else None,
        )
        if there:
            assert refuse_unusable(preset("ssh", hosts=["a"])).endswith("SSHCluster")
        else:
            with pytest.raises(ConfigurationError, match="SSHCluster needs asyncssh") as refused:
                refuse_unusable(preset("ssh", hosts=["a"]))
            assert str(refused.value.fix).startswith("pip install asyncssh")


def test_arguments_of_the_workers_pass() -> None:
    given = preset("local", n_workers=2, memory_limit="1 GiB", nthreads=2, preload=["x"])
    assert refuse_unusable(given) == "distributed.deploy.local.LocalCluster"


def test_doctor_looks_at_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "orchestrator.toml").write_text(
        '[clusters.good]\nclass = "local"\n'
        '[clusters.there]\naddress = "tcp://dask.example:8786"\n'
        '[clusters.bad]\nclass = "local"\narguments = {n_worker = 2}\n'
        '[clusters.shut]\nclass = "local"\narguments = {name = "env:NOBODY_SETS_THIS"}\n'
    )
    assert execute(["doctor", "--project-dir", str(tmp_path)]) == 2
    out = capsys.readouterr().out
    assert "ok     cluster good  distributed.deploy.local.LocalCluster, opened when" in out
    assert "ok     cluster there  tcp://dask.example:8786, which is asked when" in out
    assert "WRONG  cluster bad   cluster 'bad': LocalCluster takes no argument 'n_worker'" in out
    assert "did you mean 'n_workers'?" in out
    with pytest.raises(ConfigurationError, match="NOBODY_SETS_THIS"):
        looked_at(Project.find(tmp_path), "shut")
