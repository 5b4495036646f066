"""Makes large contents small enough to be read: tests on what they test, tasks in their folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from orchestrator.drawing.contents import Box, Contents, Line, gravest

#: So many tasks are each drawn; of more, tests are counted in the box of what they test.
SMALL = 60
#: So many boxes are drawn; above that, those of one folder are one box.
LARGE = 300
#: So many lines are drawn.
LINES = 3000
TESTS = frozenset({"test", "unit_test"})
HOOKS = frozenset({"operation"})


def folded(found: Contents) -> Contents:
    """Fold what is too large to be read, and leave out lines that follow from others."""
    if len(found.boxes) > SMALL:
        found = _without_tests(found)
    if len(found.boxes) > LARGE:
        found = _by_folder(found)
    return _plain(found)


def _without_tests(found: Contents) -> Contents:
    """Count tests in the box of what they test; hooks hang on everything and are left out."""
    kinds = {box.key: box.kind for box in found.boxes}
    hosts = _hosts(found, kinds)
    tests: dict[str, list[Box]] = {}
    for box in found.boxes:
        if box.key in hosts:
            tests.setdefault(hosts[box.key], []).append(box)
    gone = hosts.keys() | {box.key for box in found.boxes if box.kind in HOOKS}
    boxes = tuple(_with_tests(b, tests.get(b.key, [])) for b in found.boxes if b.key not in gone)
    lines = tuple(e for e in found.lines if not {e.upstream, e.downstream} & gone)
    hooks = len(gone) - len(hosts)
    notes = [_counted(len(hosts), "test", "shown in the box of what they test")] if hosts else []
    notes += [_counted(hooks, "hook", "not shown")] if hooks else []
    return Contents(found.title, boxes, lines, (*found.notes, *notes))


def _hosts(found: Contents, kinds: Mapping[str, str]) -> dict[str, str]:
    """Of each test, the last of what it tests."""
    place = {box.key: number for number, box in enumerate(found.boxes)}
    hosts: dict[str, str] = {}
    for line in found.lines:
        up, down = line.upstream, line.downstream
        if kinds[down] not in TESTS or kinds[up] in TESTS | HOOKS:
            continue
        if down not in hosts or place[up] > place[hosts[down]]:
            hosts[down] = up
    return hosts


def _with_tests(box: Box, tests: list[Box]) -> Box:
    if not tests:
        return box
    words = _counted(len(tests), "test", _states(tests)).rstrip(": ")
    aside = ", ".join(filter(None, (box.aside, _plural(len(tests), "test"))))
    # What ran is one thing, what its tests say another; the box is grave where either is.
    state = box.state and gravest([box.state, *(test.state for test in tests)])
    return replace(box, words=(*box.words, words), aside=aside, state=state)


def _by_folder(found: Contents) -> Contents:
    """One box for each folder; as many folders become their parent as it takes."""
    home = {box.key: box.folder or f"({box.kind})" for box in found.boxes}
    depth = max(folder.count("/") for folder in home.values()) + 1
    while len(set(home.values())) > LARGE and depth > 1:
        depth -= 1
        home = {key: "/".join(folder.split("/")[:depth]) for key, folder in home.items()}
    members: dict[str, list[Box]] = {}
    for box in found.boxes:
        members.setdefault(home[box.key], []).append(box)
    drawn = sorted(members, key=lambda folder: (-len(members[folder]), folder))[:LARGE]
    boxes = tuple(_folder(folder, boxes) for folder, boxes in members.items() if folder in drawn)
    note = _counted(len(found.boxes), "task", "drawn by folder")
    missing = len(members) - len(boxes)
    more = [_counted(missing, "folder", "not shown")] if missing else []
    return Contents(
        found.title, boxes, _between(found.lines, home, set(drawn)), (*found.notes, note, *more)
    )


def _folder(folder: str, boxes: list[Box]) -> Box:
    if len(boxes) == 1:
        return replace(boxes[0], key=folder)
    kinds = Counter(box.kind for box in boxes).most_common()
    held = ", ".join(_plural(number, kind) for kind, number in kinds)
    return Box(
        folder, folder, "folder", tuple(filter(None, (folder, held, _states(boxes)))), folder,
        gravest(box.state for box in boxes), aside=_plural(len(boxes), "task"),
    )  # fmt: skip


def _between(lines: Iterable[Line], home: Mapping[str, str], drawn: set[str]) -> tuple[Line, ...]:
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        ends = home[line.upstream], home[line.downstream]
        if ends[0] != ends[1] and drawn.issuperset(ends):
            found.setdefault(ends, []).append(line)
    return tuple(_bundle(*ends, held) for ends, held in found.items())


def _bundle(upstream: str, downstream: str, lines: list[Line]) -> Line:
    words = (f"{upstream} → {downstream}", _plural(len(lines), "edge"), *lines[0].words)
    return Line(upstream, downstream, words, all(line.order for line in lines))


def _plain(found: Contents) -> Contents:
    """Leave out order that follows from the lines that stay, and lines beyond the most."""
    graph = found.graph()
    if graph.cycle() is None:
        before: dict[str, set[str]] = {}
        implied: set[tuple[str, str]] = set()
        for key in graph.order():
            ups = graph.upstream(key)
            earlier = set().union(*(before[up] for up in ups))
            implied |= {(up, key) for up in ups if up in earlier}
            before[key] = earlier.union(ups)
        kept = tuple(
            e for e in found.lines if not (e.order and (e.upstream, e.downstream) in implied)
        )
    else:
        kept = found.lines
    notes = list(found.notes)
    if len(kept) > LINES:
        notes.append(_counted(len(kept) - LINES, "line", "not shown"))
    return replace(found, lines=kept[:LINES], notes=tuple(notes))


def _states(boxes: Iterable[Box]) -> str:
    counts = Counter(box.state for box in boxes if box.state is not None)
    return ", ".join(f"{number:,} {state}" for state, number in counts.most_common())


def _counted(number: int, word: str, said: str) -> str:
    return f"{_plural(number, word)}: {said}"


def _plural(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")
