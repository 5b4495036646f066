"""Options that take several values in a row, in every place the flow's name may stand."""

from __future__ import annotations

import click
import pytest

from orchestrator.cli import options
from orchestrator.cli.spreading import SpreadingCommand


@click.command(cls=SpreadingCommand, spread=options.SPREAD)
@options.flow_argument
@options.parameters
@options.selection
@click.option("--quiet", "-q", is_flag=True)
def command(**given: object) -> dict[str, object]:
    return given


@pytest.mark.parametrize(
    ("line", "flow", "select", "exclude"),
    [
        ("", ".", (), ()),
        (". --select a b+ +c", ".", ("a", "b+", "+c"), ()),
        ("--select a b .", ".", ("a", "b"), ()),
        ("--select a b", ".", ("a", "b"), ()),
        ("--select . ", ".", (".",), ()),
        ("nightly -s a b --exclude c d -q", "nightly", ("a", "b"), ("c", "d")),
        ("-s a -q nightly", "nightly", ("a",), ()),
        ("-s a b -p x=1 nightly", "nightly", ("a", "b"), ()),
        ("-p x=1 -s a -s b nightly", ".", ("a", "b", "nightly"), ()),
        ("--select=a,b nightly", "nightly", ("a,b",), ()),
        ("--select=a nightly --exclude tag:x @y", "nightly", ("a",), ("tag:x", "@y")),
        ("-m a b", ".", ("a", "b"), ()),
        ("-s a -- nightly", "nightly", ("a",), ()),
    ],
)
def test_values(line: str, flow: str, select: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    given = command.main(line.split(), standalone_mode=False)
    assert (given["flow"], given["select"], given["exclude"]) == (flow, select, exclude)


@pytest.mark.parametrize(
    "line", ["--select", "--select --quiet", "a b", "-p day", "-p =1", "--selct a"]
)
def test_misuse(line: str) -> None:
    with pytest.raises(click.UsageError):
        command.main(line.split(), standalone_mode=False)


def test_a_value_may_hold_an_equals_sign() -> None:
    given = command.main(["-p", "filter=a=b", "-p", "empty="], standalone_mode=False)
    assert given["parameters"] == {"filter": "a=b", "empty": ""}
