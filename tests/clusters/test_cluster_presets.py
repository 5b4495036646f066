"""Presets as ``orchestrator.toml`` has them: read, refused with the nearest word, made an executor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator import secrets
from orchestrator.errors import ConfigurationError, InfrastructureError
from orchestrator.executors.preset import executor_of, is_elsewhere
from orchestrator.kinds import LENGTH
from orchestrator.presets import PRESETS, Preset, cluster_named
from orchestrator.settings import Settings, load_settings


def settings_of(folder: Path, text: str, **flags: object) -> Settings:
    (folder / "orchestrator.toml").write_text(text)
    return load_settings(folder, flags, environ={})


def preset(**table: Any) -> Preset:
    return PRESETS({"big": table})["big"]


def test_a_table_is_read_as_it_stands(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        """
        executor = "cluster:big"
        [clusters.big]
        class = "fargate"
        arguments = {image = "us/etl:1", vpc = "env:VPC"}
        adapt = {minimum = 1, maximum = 10}
        reuse = true
        idle_timeout = "20 minutes"
        [clusters.there]
        address = "tcp://10.0.0.1:8786"
        check_versions = false
        """,
    )
    assert settings.clusters["big"] == Preset(
        "big",
        "fargate",
        arguments={"image": "us/etl:1", "vpc": "env:VPC"},
        adapt={"minimum": 1, "maximum": 10},
        reuse=True,
        idle_timeout="1200 seconds",
    )
    assert settings.clusters["there"].check_versions == "off"
    assert settings.origin("clusters.big.adapt").startswith("orchestrator.toml:")
    assert cluster_named(settings.executor) == "big"
    assert cluster_named("threads") is None


@pytest.mark.parametrize(
    ("table", "said", "line"),
    [
        ('clas = "local"', "did you mean 'class'", 2),
        ('class = "fargat"', "did you mean 'fargate'", 2),
        ('class = "local"\nadress = "x"', "did you mean 'address'", 3),
        ("", "needs a class or an address", 1),
        ('class = "local"\naddress = "tcp://a:1"', "one of the two", 1),
        ('address = "tcp://a:1"\nreuse = true', "reuse belongs to a class", 1),
        ('class = "local"\nadapt = {minimum = 3, maximum = 2}', "no less than minimum", 3),
        ('class = "local"\nadapt = {minimum = 1}', "minimum = 1, maximum = 10", 3),
        ('class = "local"\nadapt = {max = 3}', "did you mean 'maximum'", 3),
        ('class = "local"\nadapt = {maximum = true}', "whole numbers", 3),
        ('class = "local"\nidle_timeout = "a while"', "20 minutes", 3),
        ('class = "local"\nidle_timeout = "20"', "20 minutes", 3),
        ('class = "local"\ncheck_versions = "maybe"', "error, warn, off", 3),
        ('class = "local"\nreuse = "perhaps"', "true or false", 3),
        ('class = "local"\narguments = "x"', "expected a table", 3),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, table: str, said: str, line: int) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        settings_of(tmp_path, f"[clusters.big]\n{table}\n")
    assert "[clusters.big]" in str(caught.value)
    assert caught.value.where == f"orchestrator.toml:{line}"


def test_an_executor_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="threads, inline, dask, cluster:NAME"):
        settings_of(tmp_path, 'executor = "big"\n')


def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, '[clusters.big]\nclass = "local"\n')
    with pytest.raises(ConfigurationError, match="did you mean 'big'"):
        settings.cluster("bog")
    with pytest.raises(ConfigurationError, match=r"add \[clusters.big\]"):
        settings_of(tmp_path, "").cluster("big")


@pytest.mark.parametrize(
    ("name", "install"),
    [
        ("coiled", "pip install coiled"),
        ("fargate", r"pip install 'dask-cloudprovider\[aws\]'"),
        ("kubernetes", "pip install dask-kubernetes"),
        ("dask_cloudprovider.aws.FargateCluster", r"pip install 'dask-cloudprovider\[aws\]'"),
        ("no_such_clusters.Big", "pip install no-such-clusters"),
    ],
)
def test_a_class_that_is_not_installed_says_what_installs_it(name: str, install: str) -> None:
    with pytest.raises(ConfigurationError, match=install) as caught:
        executor_of(preset(**{"class": name}))
    assert caught.value.where == "[clusters.big]"


def test_secrets_are_filled_in_only_where_the_executor_is_made() -> None:
    found = preset(**{"class": "local", "arguments": {"security": {"key": "secret:CLUSTER_KEY"}}})
    assert found.arguments["security"]["key"] == "secret:CLUSTER_KEY"
    provider = secrets.EnvironmentSecrets({"ORCHESTRATOR_SECRET_CLUSTER_KEY": "s3same-door"})
    with secrets.provided_by(provider):
        made = executor_of(found)
    assert made.cluster_kwargs["security"]["key"] == "s3same-door"
    assert "s3same-door" not in repr(found)
    with (
        secrets.provided_by(secrets.EnvironmentSecrets({})),
        pytest.raises(ConfigurationError, match="CLUSTER_KEY"),
    ):
        executor_of(found)


def test_the_executor_of_a_preset() -> None:
    made = executor_of(preset(**{"class": "local", "reuse": True}), threads=3)
    assert (made.name, made.cluster_name, made.shutdown_on_close) == ("cluster big", "big", False)
    assert made.cluster_kwargs == {"threads_per_worker": 3}
    assert made.check_versions == "error"
    there = executor_of(preset(address="tcp://127.0.0.1:1", check_versions="warn"))
    assert (there.address, there.check_versions) == ("tcp://127.0.0.1:1", "warn")


@pytest.mark.parametrize("address", ["nowhere", "http://127.0.0.1:1", "tcp://127.0.0.1:1"])
def test_where_nobody_answers_the_table_is_named(address: str) -> None:
    executor = executor_of(Preset("far", address=address))
    executor.client_kwargs["timeout"] = 0.1
    with pytest.raises(InfrastructureError, match="no Dask scheduler answers") as caught:
        executor.start().__enter__()
    assert caught.value.where == "[clusters.far]"
    assert "correct the address" in str(caught.value.fix)


def test_the_idle_timeout_is_said_where_the_class_takes_it() -> None:
    local = executor_of(preset(**{"class": "local", "idle_timeout": "20 minutes"}))
    assert local.cluster_kwargs == {"scheduler_kwargs": {"idle_timeout": "1200 seconds"}}
    own = {"scheduler_options": {"idle_timeout": "1 hour", "port": 0}}
    ssh = executor_of(preset(**{"class": "ssh", "idle_timeout": "20 minutes", "arguments": own}))
    assert ssh.cluster_kwargs == own
    with pytest.raises(ConfigurationError, match="does not take"):
        executor_of(preset(**{"class": "distributed.SpecCluster", "idle_timeout": "20 minutes"}))


def test_which_clusters_have_none_of_our_files() -> None:
    elsewhere = {
        name: is_elsewhere(preset(**{"class": name}))
        for name in ("local", "ssh", "fargate", "coiled", "kubernetes", "some.Cluster")
    }
    assert elsewhere == {
        "local": False, "ssh": False, "fargate": True, "coiled": True, "kubernetes": True,
        "some.Cluster": False,
    }  # fmt: skip
    assert is_elsewhere(preset(**{"class": "dask_cloudprovider.aws.FargateCluster"}))
    assert not is_elsewhere(preset(address="tcp://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("2h", 7200), ("90m", 5400), ("1h 30m", 5400), ("PT2H", 7200), ("P1DT2H", 93_600),
        ("20 minutes", 1200), ("1.5 hours", 5400), ("2 DAYS 3 h", 183_600), (30, 30),
        ("", None), ("P", None), ("2", None), ("2h30", None), ("1 m 2 h", None), ("0 s", None),
        (0, None), (True, None),
    ],
)  # fmt: skip
def test_lengths_of_time_are_written_alike_in_all_files(
    said: object, seconds: float | None
) -> None:
    if seconds is not None:
        assert LENGTH(said) == seconds
        idle = PRESETS({"big": {"class": "local", "idle_timeout": said}})["big"].idle_timeout
        assert idle == f"{seconds} seconds"
        return
    with pytest.raises(ValueError, match='as in "2h", "20 minutes" or "1h 30m"'):
        LENGTH(said)


@pytest.mark.parametrize("name", ["LocalCluster", "SSHCluster"])
def test_dasks_own_classes_are_known_by_their_names(name: str) -> None:
    assert PRESETS({"big": {"class": name}})["big"].cluster_class == f"distributed.{name}"
