"""Presets as ``orchestrator.toml`` has them: read, refused with the nearest word, made an executor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator import secrets
from orchestrator.errors import ConfigurationError
from orchestrator.executors.preset import executor_of, is_elsewhere
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
        idle_timeout="20 minutes",
    )
    assert settings.clusters["there"].check_versions == "off"
    assert settings.origin("clusters.big.adapt").startswith("orchestrator.toml:")
    assert cluster_named(settings.executor) == "big"
    assert cluster_named("threads") is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('clas = "local"', "did you mean 'class'"),
        ('class = "fargat"', "did you mean 'fargate'"),
        ('class = "local"\nadress = "x"', "did you mean 'address'"),
        ("", "needs a class or an address"),
        ('class = "local"\naddress = "tcp://a:1"', "one of the two"),
        ('address = "tcp://a:1"\nreuse = true', "reuse belongs to a class"),
        ('class = "local"\nadapt = {minimum = 3, maximum = 2}', "no less than minimum"),
        ('class = "local"\nadapt = {minimum = 1}', "minimum = 1, maximum = 10"),
        ('class = "local"\nadapt = {maximum = true}', "whole numbers"),
        ('class = "local"\nidle_timeout = "a while"', "20 minutes"),
        ('class = "local"\nidle_timeout = 20', "20 minutes"),
        ('class = "local"\ncheck_versions = "maybe"', "error, warn, off"),
        ('class = "local"\nreuse = "perhaps"', "true or false"),
        ('class = "local"\narguments = "x"', "expected a table"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        settings_of(tmp_path, f"[clusters.big]\n{table}\n")
    assert "[clusters.big]" in str(caught.value)
    assert caught.value.where == "orchestrator.toml:1"


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


def test_the_idle_timeout_is_said_where_the_class_takes_it() -> None:
    local = executor_of(preset(**{"class": "local", "idle_timeout": "20 minutes"}))
    assert local.cluster_kwargs == {"scheduler_kwargs": {"idle_timeout": "20 minutes"}}
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
