"""Walks through the tasks of a flow in their order and draws the graph of its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from orchestrator.lineage.tracing.graph import STAR, ColumnGraph, ColumnStep, How
from orchestrator.lineage.tracing.known import Catalog, Columns, KnownColumns, merged
from orchestrator.lineage.tracing.lasting import Produced, Reading, Unread
from orchestrator.lineage.tracing.reading import ColumnReader
from orchestrator.model.code import Code, Extent, Output
from orchestrator.model.dataset import Dataset
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts

#: What reads columns and hands none on.
_PASSED_BY = frozenset({"test", "unit_test", "operation", "function", "exposure", "saved_query"})
_PHRASE = 100


def trace(
    flow: str,
    tasks: Iterable[tuple[TaskFacts, Code | None]],
    reader: ColumnReader,
    catalog: Callable[[], Catalog] = dict,
    notes: Sequence[str] = (),
) -> ColumnGraph:
    """Draw the columns of a flow.

    Args:
        flow: The flow's name.
        tasks: Its tasks, each after all it waits for, with the code they run.
        reader: Reads what code does to columns.
        catalog: Asks the warehouses for the columns they have.
        notes: A list that ``catalog`` may add to: what could not be asked.

    Example:
        >>> from orchestrator.lineage import analyze_sql
        >>> from orchestrator.lineage.tracing.cache import ContentCache
        >>> code = Code("create table daily as select day from orders", file="sql/daily.sql")
        >>> reader = ColumnReader(analyze_sql, ContentCache(None, version="1"))
        >>> graph = trace("nightly", [(TaskFacts("daily", "daily", "sql"), code)], reader)
        >>> [str(s.evidence) for s in graph.steps((Dataset(None, None, "daily"), "day"), up=True)]
        ['sql/daily.sql:1 create table daily as select day from orders']
    """
    tracer = _Tracer(reader, KnownColumns(catalog))
    for task, code in tasks:
        if task.resource_type not in _PASSED_BY:
            tracer.task(task, code or Code())
    columns = tracer.columns()  # which may ask the catalog
    return ColumnGraph(flow, tracer.steps, columns, (*notes, *tracer.notes))


class _Tracer:
    def __init__(self, reader: ColumnReader, known: KnownColumns) -> None:
        self.reader, self.known = reader, known
        self.steps: list[ColumnStep] = []
        self.notes: list[str] = []
        self._why: dict[Dataset, str | None] = {}
        self._said: dict[Dataset, tuple[str, ...]] = {}

    def task(self, task: TaskFacts, code: Code) -> None:
        """Add what one task does."""
        for dataset, names in code.known.items():
            self._said[dataset] = merged(self._said.get(dataset, ()), names)
        reading = self.reader.read(code, self._columns_of) if code.text else Reading()
        produced: dict[Dataset, list[Produced]] = {}
        for column in reading.produced:
            produced.setdefault(column.target, []).append(column)
        outputs: dict[Dataset, list[Output]] = {}
        for output in code.outputs:
            outputs.setdefault(output.dataset, []).append(output)
        writes = (access.dataset for access in task.writes)
        lost = [dataset for unread in reading.unread for dataset in unread.targets]
        targets = dict.fromkeys((*produced, *outputs, *writes, *lost))
        written = _Written(task, code, reading, dict.fromkeys(_reads(task, code)))
        for unread in reading.unread:
            if not unread.targets:
                self.notes.append(f"{code.file or task.name}: {written.reason(unread)}")
        for target in targets:
            self._target(written, target, produced.get(target, []), outputs.get(target, []))
        if not targets:
            self.steps += written.whole(None, "")

    def _target(
        self,
        written: _Written,
        target: Dataset,
        produced: list[Produced],
        outputs: list[Output],
    ) -> None:
        columns, exact = written.columns(target, produced, outputs)
        for column in produced:
            self.steps += written.produced(column)
        names = {p.column.casefold() for p in produced}
        for output in outputs:
            self.steps += written.said(output, names, columns)
        if not columns.names and STAR not in names:
            reason = self._reason(written)
            columns = Columns(unknown=reason)
            self.steps += written.whole(target, reason)
        else:
            self.steps += written.unread(target)
        self._why[target] = columns.unknown
        self.known.write(target, columns, anew=exact)

    def _reason(self, written: _Written) -> str:
        code, task = written.code, written.task
        if code.unknown or task.lineage_unknown:
            return code.unknown or task.lineage_unknown or ""
        if code.text:
            for unread in written.reading.unread:
                return written.reason(unread)
            return "no statement says its columns"
        return f"{task.resource_type} {task.name} does not say which columns it writes"

    def _columns_of(self, dataset: Dataset) -> tuple[str, ...]:
        columns = self.known.of(dataset, self._said.get(dataset, ()))
        return (*columns.names, STAR) if columns.is_open and columns.names else columns.names

    def columns(self) -> dict[Dataset, Columns]:
        """What is known, in the end, of every dataset that is touched."""
        seen: dict[Dataset, dict[str, None]] = {dataset: {} for dataset in self._why}
        for step in self.steps:
            for end in (step.source, step.target):
                if end is not None:
                    seen.setdefault(end[0], {})[end[1]] = None
        found = {}
        for dataset, names in seen.items():
            columns = self.known.of(dataset, self._said.get(dataset, ()))
            if columns.is_open:
                columns = columns.with_names(names)
                columns = Columns(columns.names, True, self._why.get(dataset))
            found[dataset] = columns
        return found


class _Written:
    """What one task does to columns, as steps.

    Args:
        task: The task.
        code: Its code.
        reading: What the code does.
        reads: Datasets it reads, where no SQL says which columns.
    """

    def __init__(
        self, task: TaskFacts, code: Code, reading: Reading, reads: Iterable[Dataset]
    ) -> None:
        self.task, self.code, self.reading, self.reads = task, code, reading, list(reads)
        self._lines = code.text.splitlines()

    def columns(
        self, target: Dataset, produced: list[Produced], outputs: list[Output]
    ) -> tuple[Columns, bool]:
        """The columns of what it writes, and whether what was written before counts no more."""
        names = merged((p.column for p in produced), ())
        stars = [p for p in produced if p.column == STAR]
        anew = target in self.reading.made
        lost = next(self._lost(target), None)
        is_open = bool(stars) or not anew or lost is not None
        for output in outputs:
            if output.extent is Extent.ALL:
                return Columns(tuple(output.columns), is_open=False), True
            if output.extent is Extent.MORE or is_open:
                names = merged(names, output.columns)
        why = _of_stars(stars) or (None if lost is None else self.reason(lost))
        return Columns(names, is_open, why), anew

    def produced(self, column: Produced) -> Iterator[ColumnStep]:
        """The steps into a column that the SQL writes."""
        target, place = (column.target, column.column), self._place(column.line)
        steps = [
            *(ColumnStep(self.task, s, target, How.VALUE, place) for s in column.sources),
            *(ColumnStep(self.task, (d, STAR), target, How.ROWS, place) for d in column.counted),
            *(
                ColumnStep(self.task, None, target, How.UNRESOLVED, place, name)
                for name in column.unresolved
            ),
        ]
        yield from steps or [ColumnStep(self.task, None, target, How.VALUE, place)]

    def unread(self, target: Dataset) -> Iterator[ColumnStep]:
        """The steps into a dataset whose columns cannot all be followed."""
        for unread in self._lost(target):
            place, end = self._place(unread.line), (target, STAR)
            yield ColumnStep(self.task, None, end, How.UNKNOWN, place, self.reason(unread))

    def reason(self, unread: Unread) -> str:
        """Why the columns of a statement are not known."""
        return f"line {self.code.line(unread.line)} {unread.message}"

    def _lost(self, target: Dataset) -> Iterator[Unread]:
        return (unread for unread in self.reading.unread if target in unread.targets)

    def said(self, output: Output, by_sql: set[str], columns: Columns) -> Iterator[ColumnStep]:
        """The steps into columns that are said, and that no SQL names."""
        for name, sources in output.columns.items():
            passes = STAR in by_sql and output.extent is not Extent.MORE
            if name.casefold() in by_sql or passes or name not in columns:
                continue
            target = (output.dataset, name)
            if sources is None:
                ends = [((dataset, STAR), How.ANY) for dataset in self.reads]
            else:
                ends = [(source, How.VALUE) for source in sources]
            for source, how in ends:
                yield ColumnStep(self.task, source, target, how, output.evidence)
            if not ends:
                yield ColumnStep(self.task, None, target, How.VALUE, output.evidence)

    def whole(self, target: Dataset | None, reason: str) -> Iterator[ColumnStep]:
        """The steps of a task of which no column is known."""
        end = None if target is None else (target, STAR)
        for dataset in self.reads:
            place = self._read_at(dataset)
            yield ColumnStep(self.task, (dataset, STAR), end, How.UNKNOWN, place, reason)
        if not self.reads and end is not None:
            yield ColumnStep(self.task, None, end, How.UNKNOWN, self._write_at(end[0]), reason)

    def _read_at(self, dataset: Dataset) -> Evidence:
        for access in self.task.reads:
            if access.dataset == dataset:
                return access.evidence
        return Evidence(Source.MANIFEST, f"reads {dataset}", self.task.path)

    def _write_at(self, dataset: Dataset) -> Evidence:
        for access in self.task.writes:
            if access.dataset == dataset:
                return access.evidence
        return Evidence(Source.ENGINE, f"writes {dataset}", self.task.path)

    def _place(self, line: int) -> Evidence:
        text = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        text = " ".join(text.split()).rstrip(",")
        if len(text) > _PHRASE:
            text = text[: _PHRASE - 1].rstrip() + "…"
        return Evidence(Source.SQL, text, self.code.file, self.code.line(line))


def _reads(task: TaskFacts, code: Code) -> Iterator[Dataset]:
    yield from (access.dataset for access in task.reads)
    yield from code.reads


def _of_stars(stars: list[Produced]) -> str | None:
    """Why not all columns are known: the tables whose star is taken."""
    tables = dict.fromkeys(str(d) for star in stars for d, name in star.sources if name == STAR)
    if not tables:
        return None
    return f"it takes * of {' and '.join(tables)}, whose columns are not known"
