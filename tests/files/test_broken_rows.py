"""CSV as it comes: broken rows in all the usual ways are kept aside, counted and told."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import FlowError
from orchestrator.model.signals import FAIL
from tasks.files import Csv, LoadFiles
from tasks.files.failures import BadFileError
from tasks.files.records import LONGEST, Cutter

Write = Callable[[str, str | bytes], Path]
Query = Callable[[str], list[Any]]
HEADER = b"id,name,amount\n"
SOUND = [(1, "one", 1.5), (2, "two", 2.5)]


def loaded(warehouse: Any, **options: Any) -> Any:
    return LoadFiles("in.csv", "orders", **options).run(warehouse=warehouse)


def rejects(path: str) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"3,x\n", "it has 2 columns, not 3"),
        (b"3\n", "it has 1 column, not 3"),
        (b"3,x,1,2\n", "it has 4 columns, not 3"),
        (b"three,x,1\n", "id: 'three' is no integer"),
        (b"3.5,x,1\n", "id: '3.5' is no integer"),
        (b"99999999999999999999,x,1\n", "id: '99999999999999999999' is no integer"),
        (b'3,x,"1,5"\n', "amount: '1,5' is no number"),
        (b"3,caf\xe9,1\n", "name: it is not in the encoding of the file"),
        (b'3,"x,1\n', "a quote is not closed, or stands in the middle of a value"),
        (b'3,"x"y,1\n', "a quote is not closed, or stands in the middle of a value"),
        (b"3,x\ry,1\n", "it has 2 columns, not 3"),
        (b" \n", "it has 1 column, not 3"),
    ],
)
def test_a_broken_row(row: bytes, reason: str, write: Write, query: Query, warehouse: Any) -> None:
    write("in.csv", HEADER + b"1,one,1.5\n" + row + b"2,two,2.5\n")
    types = {"id": "bigint", "name": "text", "amount": "double"}
    result = loaded(warehouse, format=Csv(types=types), max_broken=1)
    assert query("select * from orders") == SOUND
    assert (result.rows, result.failures, result.status) == (2, 1, "warn")
    assert [(line, why) for _, line, why, _ in rejects(result.value["rejects"])] == [("3", reason)]


def test_by_default_one_broken_row_fails_and_nothing_is_loaded(
    write: Write, query: Query, warehouse: Any
) -> None:
    query("create table orders (id bigint, name text, amount double)")
    write("in.csv", HEADER + b"1,one,1.5\nx,two,2.5\n3,three\n")
    with pytest.raises(FAIL) as raised:
        loaded(warehouse)
    failure = raised.value
    assert failure.message == (
        "2 rows cannot be read (none may be): nothing was loaded; "
        "the first: in.csv:3: id: 'x' is no integer"
    )
    assert "in.csv:4: it has 2 columns, not 3   '3,three'" in failure.detail["error"]
    assert failure.detail["rejects"] in failure.detail["error"]
    assert failure.failures == 2
    assert [row[3] for row in rejects(failure.detail["rejects"])] == ["x,two,2.5", "3,three"]
    assert query("select count(*) from orders") == [(0,)]


def test_the_limit_holds_over_all_files(write: Write, query: Query, warehouse: Any) -> None:
    for name in "abc":
        write(f"in/{name}.csv", HEADER + b"1,one,1.5\n" + b"2,x\n")
    load = LoadFiles("in/*.csv", "orders", max_broken=2)
    with pytest.raises(FAIL, match="3 rows cannot be read"):
        load.run(warehouse=warehouse)
    result = load.copy(max_broken=3).run(warehouse=warehouse)
    assert result.detail["by_file"] == [
        {"file": f"in/{name}.csv", "rows": 1, "broken": 1} for name in "abc"
    ]
    assert query("select count(*) from orders") == [(3,)]


def test_any_number_may_be_broken(write: Write, query: Query, warehouse: Any) -> None:
    rows = [b"%d,n,1\n" % n if n % 3 else b"x\n" for n in range(3000)]
    write("in.csv", HEADER + b"".join(rows))
    result = loaded(warehouse, max_broken=None, rejects="kept/broken.csv")
    assert result.value["broken"] == 1000
    assert result.rows == 2000
    kept = rejects("kept/broken.csv")
    assert [int(row[1]) for row in kept] == [n + 2 for n in range(0, 3000, 3)]
    assert "1,000 broken rows kept aside in" in result.message


def test_reading_stops_when_far_too_many_are_broken(write: Write, warehouse: Any) -> None:
    write("in.csv", HEADER + b"x\n" * 5000)
    with pytest.raises(FAIL, match="at least 100 rows cannot be read"):
        loaded(warehouse)


def test_lines_are_counted_through_quoted_ends_of_lines(write: Write, warehouse: Any) -> None:
    write("in.csv", HEADER + b'1,"a\nb\nc",1\n\n2,x\n"3","y\r\nz",q\n')
    result = loaded(warehouse, format=Csv(types={"amount": "double"}), max_broken=9)
    assert [row[1] for row in rejects(result.value["rejects"])] == ["6", "7"]


def test_an_unclosed_quote_costs_its_line_only(write: Write, query: Query, warehouse: Any) -> None:
    rows = [b'%d,"n, %d",1\n' % (n, n) for n in range(200_000)]
    rows[150_000] = b'150000,"n,1\n'
    write("in.csv", HEADER + b"".join(rows))
    result = loaded(warehouse, max_broken=1)
    assert [row[:2] for row in rejects(result.value["rejects"])] == [["in.csv", "150002"]]
    assert query("select count(*), sum(id) from orders") == [
        (199_999, sum(range(200_000)) - 150_000)
    ]


def test_an_unclosed_quote_with_no_other_behind_it(
    write: Write, query: Query, warehouse: Any
) -> None:
    tail = b"".join(b"%d,some text that is longer,1\n" % n for n in range(2 * LONGEST // 28))
    write("in.csv", HEADER + b'0,"never closed,1\n' + tail)
    result = loaded(warehouse, max_broken=1)
    assert result.rows == tail.count(b"\n")


def test_types_come_from_the_table(write: Write, query: Query, warehouse: Any) -> None:
    query("create table orders (id varchar, name varchar, amount decimal(9, 2))")
    write("in.csv", b"AMOUNT,id,name\n1.50,007,x\n1.505,8,y\n")
    result = loaded(warehouse, max_broken=1)
    assert [tuple(map(str, row)) for row in query("from orders")] == [("007", "x", "1.50")]
    assert rejects(result.value["rejects"])[0][2:] == [
        "AMOUNT: it has more digits than decimal(9,2)",
        "1.505,8,y",
    ]


def test_codes_are_no_numbers(write: Write, query: Query, warehouse: Any) -> None:
    write("in.csv", "zip,n,day,at\n01234,0,2026-03-01,2026-03-01 12:00:00\n5,10,,\n")
    loaded(warehouse)
    types = query("select column_type from (describe orders)")
    assert types == [("VARCHAR",), ("BIGINT",), ("DATE",), ("TIMESTAMP",)]


def test_no_value_and_an_empty_text_differ(write: Write, query: Query, warehouse: Any) -> None:
    write("in.csv", 'a,b,c\n1,"",NA\n2,,NULL\n')
    loaded(warehouse)
    assert query("from orders") == [(1, "", "NA"), (2, None, "NULL")]
    loaded(warehouse, mode="replace", format=Csv(null_values=["", "NULL"]))
    assert query("select c from orders") == [("NA",), (None,)]


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ("id;name;amount\n1;one;1,5\n2;two;2,5\n", Csv(delimiter=";", decimal_point=",")),
        ("1,one,1.5\n2,two,2.5", Csv(header=False, columns=["id", "name", "amount"])),
        ("made by\nsome tool\nid,name,amount\n1,one,1.5\n2,two,2.5\n", Csv(skip_lines=2)),
        ("id,name,amount\r1,one,1.5\r2,two,2.5\r", Csv()),
        ("\ufeffid,name,amount\r\n1,one,1.5\r\n\r\n2,two,2.5\r\n", Csv()),
        ("id|name|amount\n1|one|1.5\n2|two|2.5\n", Csv(delimiter="|", quote=None)),
        ("'id','name','amount'\n'1','one','1.5'\n2,'two',2.5\n", Csv(quote="'")),
        ("id,name,amount\n1,o\\ne,1.5\n2,two,2.5\n", Csv(escape="\\")),
        ("id, name ,amount\n1,one,1.5\n2,two,2.5\n", Csv()),
    ],
)
def test_dialects(content: str, form: Csv, write: Write, query: Query, warehouse: Any) -> None:
    write("in.csv", content)
    loaded(warehouse, format=form)
    assert query("select id, name, amount from orders") == SOUND


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8-sig"])
def test_encodings(encoding: str, write: Write, query: Query, warehouse: Any) -> None:
    write("in.csv", "id,name\n1,Käse\n2,Brötchen\n".encode(encoding))
    loaded(warehouse, format=Csv(encoding=encoding))
    assert query("select name from orders") == [("Käse",), ("Brötchen",)]


def test_a_byte_that_its_encoding_does_not_have(write: Write, warehouse: Any) -> None:
    write("in.csv", b"id,name\n1,K\x81se\n2,Br\xf6tchen\n")
    result = loaded(warehouse, format=Csv(encoding="cp1252"), max_broken=1)
    assert result.rows == 1
    assert rejects(result.value["rejects"])[0][1] == "2"


def test_dates_of_a_format_of_their_own(write: Write, query: Query, warehouse: Any) -> None:
    write("in.csv", "day\n31.12.2026\n2026-12-31\n")
    form = Csv(types={"day": "date"}, timestamp_formats=["%d.%m.%Y"])
    assert loaded(warehouse, format=form, max_broken=1).value["broken"] == 1
    assert query("select day::text from orders") == [("2026-12-31",)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "in.csv has no header"),
        (b"\n1,2\n", "in.csv has no header"),
        (b"a,b,a\n1,2,3\n", "column 'a' is there twice"),
        (b"a,,c\n1,2,3\n", "a column has no name"),
        (b"a;b;c\n1;2;3\n", "Csv(delimiter=';')"),
        (b"\xff\xfea\x00,\x00b\x00\n\x00", 'say encoding="utf-16"'),
        (b"k\xe4se,b\n1,2\n", 'Csv(encoding="latin-1")'),
    ],
)
def test_a_header_that_cannot_be_read(
    content: bytes, said: str, write: Write, warehouse: Any
) -> None:
    write("in.csv", content)
    with pytest.raises(BadFileError) as raised:
        loaded(warehouse)
    assert said in str(raised.value)


def test_a_header_without_rows_makes_an_empty_table(
    write: Write, query: Query, warehouse: Any
) -> None:
    write("in.csv", "a,b\n")
    assert loaded(warehouse).rows == 0
    assert query("select column_type from (describe orders)") == [("VARCHAR",)] * 2


@pytest.mark.parametrize(
    "made",
    [
        lambda: Csv(delimiter="||"),
        lambda: Csv(encoding="utf-9"),
        lambda: Csv(types={"a": "strnig"}),
        lambda: LoadFiles("in.csv", "orders", format=Csv(types={"no": "text"})),
    ],
)
def test_options_that_make_no_sense(made: Any, write: Write, warehouse: Any) -> None:
    write("in.csv", "a\n1\n")
    with pytest.raises(FlowError):
        made().run(warehouse=warehouse)


VALUES = st.text(alphabet='ab,"\n; é', max_size=6)


@given(
    rows=st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
    step=st.integers(1, 9),
)
def test_records_are_cut_as_the_csv_module_reads_them(
    rows: list[list[str]], end: str, step: int
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows(rows)
    data = text.getvalue().encode()
    cutter = Cutter(Csv())
    pieces = []
    for start in range(0, len(data), step):
        pieces += cutter.cut(data[start : start + step], last=start + step >= len(data))
    assert not any(piece.reason for piece in pieces)
    assert b"".join(piece.data for piece in pieces) == data
    records = [record for piece in pieces for record in cutter.records(piece)]
    read = [next(csv.reader(io.StringIO(r.data.decode(), newline=""))) for r in records]
    assert read == rows
    lines = [1 + data[: data.index(records[0].data)].count(b"\n")]
    lines += [lines[0] + sum(r.data.count(b"\n") for r in records[:n]) for n in range(1, len(rows))]
    assert [record.line for record in records] == lines


@given(st.binary(max_size=60).map(lambda b: b.replace(b"\0", b'"')), st.integers(1, 9))
def test_no_byte_is_lost_or_read_twice(data: bytes, step: int) -> None:
    cutter = Cutter(Csv())
    pieces = []
    for start in range(0, len(data), step):
        pieces += cutter.cut(data[start : start + step], last=start + step >= len(data))
    whole = b"".join(piece.data for piece in pieces)
    assert whole in (data, data + b"\n")
