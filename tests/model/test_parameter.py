"""Parameters: parsing from text, defaults, and what is said when a value does not fit."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from orchestrator.errors import ParameterError
from orchestrator.model.parameter import JSON, DateTimeParameter, Parameter, bind_parameters


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (int, "7", 7),
        (float, "0.5", 0.5),
        (bool, "yes", True),
        (bool, "0", False),
        (str, "7", "7"),
        (date, "2013-01-31", date(2013, 1, 31)),
        (datetime, "2013-01-31T06:00:00", datetime(2013, 1, 31, 6)),
        (list, "[1, 2]", [1, 2]),
        (dict, '{"a": 1}', {"a": 1}),
    ],
)
def test_text_is_read_as_the_type(type_: type, text: str, value: Any) -> None:
    assert Parameter("p", type=type_).parse(text) == value


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        (int, "7.5"),
        (int, True),
        (bool, "perhaps"),
        (date, "31.01.2013"),
        (list, '{"a": 1}'),
        (list, "["),
        (int, [1]),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sample(type_: type, given: Any) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameter("p", type=type_).parse(given)
    assert "'p'" in caught.value.what
    assert "such as p=" in (caught.value.fix or "")


def test_a_description_is_one_line() -> None:
    assert Parameter("p", description="Which day,\n    of all.").description == "Which day, of all."
    assert DateTimeParameter("since", description="From when on.").description == "From when on."
    assert Parameter("p").description == ""


def test_the_type_follows_from_the_default() -> None:
    assert Parameter("p", default=3).parse("4") == 4
    assert Parameter("p", default=None).parse("4") == "4"
    assert Parameter("p", default=0.5).parse(2) == 2.0


def test_binding_completes_and_checks() -> None:
    parameters = [Parameter("day", type=date), Parameter("n", default=3)]
    assert bind_parameters(parameters, {"day": "2013-01-01"}, flow="f") == {
        "day": date(2013, 1, 1),
        "n": 3,
    }
    with pytest.raises(ParameterError, match="needs parameter 'day'"):
        bind_parameters(parameters, {}, flow="f")
    with pytest.raises(ParameterError, match="has no parameter 'dya'"):
        bind_parameters(parameters, {"dya": "x"}, flow="f")


def test_choices_and_rules_refuse_what_does_not_fit() -> None:
    def even(value: int) -> None:
        if value % 2:
            raise ValueError("it is odd")

    size = Parameter("size", default="s", choices=["s", "m"])
    assert size.parse("m") == "m"
    with pytest.raises(ParameterError, match="does not take 'xl'") as caught:
        size.parse("xl")
    assert caught.value.fix == "one of 's', 'm'"
    with pytest.raises(ParameterError, match="'n' does not take '3': it is odd"):
        Parameter("n", type=int, validate=even).parse("3")
    with pytest.raises(ParameterError, match="'n' does not take 3"):
        Parameter("n", type=int, validate=lambda value: value > 3).parse(3)


def test_a_default_that_does_not_fit_is_refused_where_it_is_said() -> None:
    with pytest.raises(ParameterError, match="'size' does not take 'xl'"):
        Parameter("size", default="xl", choices=["s", "m"])
    with pytest.raises(ParameterError, match="'n' takes int"):
        Parameter("n", default="many", type=int)
    assert Parameter("day", default="2013-01-31", type=date).default == date(2013, 1, 31)


def test_any_json_and_instants() -> None:
    options = Parameter("options", type=JSON)
    assert [options.parse(text) for text in ("[1]", '"a"', "null", "1.5")] == [[1], "a", None, 1.5]
    assert options.parse({"a": 1}) == {"a": 1}
    with pytest.raises(ParameterError):
        options.parse("{")
    since = DateTimeParameter("since")
    assert since.required
    assert since.parse("2013-01-31T06:00:00+01:00").utcoffset() == timedelta(hours=1)
    assert not DateTimeParameter("until", required=False).required


def test_an_instant_is_no_day() -> None:
    with pytest.raises(ParameterError, match="takes date"):
        Parameter("day", type=date).parse(datetime(2013, 1, 31, 6))
