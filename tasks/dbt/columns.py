"""What dbt knows of the columns of its nodes: compiled SQL, contracts, seeds' headers, YAML."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from orchestrator.lineage.dbt.edges import file_of
from orchestrator.lineage.dbt.file import Manifest, Node
from orchestrator.lineage.dbt.relations import relation
from orchestrator.model.code import Code, Extent, Output
from orchestrator.model.dataset import Dataset, Namespace
from orchestrator.model.evidence import Evidence, Source
from tasks.dbt.compiled import Compiled, compiled
from tasks.dbt.lines import line_map, lines_of_names, shift_of
from tasks.dbt.options import DbtOptions

_WRITERS = frozenset({"model", "seed", "snapshot"})
#: Columns that dbt adds to every snapshot.
_META = ("dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to")


def node_codes(
    manifest: Manifest,
    keys: Iterable[str],
    options: DbtOptions,
    *,
    folder: str,
    namespace: Namespace,
    state_dir: Path | None,
    as_given: bool,
) -> dict[str, Code]:
    """Return the code of the nodes that write, by unique id.

    Args:
        manifest: The manifest.
        keys: Unique ids; those of nodes that write nothing are left out.
        options: How dbt would build them.
        folder: Folder of the dbt project, below which files are named.
        namespace: Dialect and defaults of names in compiled SQL.
        state_dir: Where compiled SQL is kept.
        as_given: Take the manifest's compiled SQL, and let dbt compile nothing.
    """
    nodes = {
        key: node
        for key in keys
        if (node := manifest.nodes.get(key)) and node["resource_type"] in _WRITERS
    }
    in_sql = [key for key, node in nodes.items() if _is_sql(node)]
    texts = compiled(manifest, in_sql, options, state_dir, as_given=as_given)
    teller = _Teller(manifest, Path(options.project_dir), folder, namespace)
    return {key: teller.code(node, texts.get(key)) for key, node in nodes.items()}


def _is_sql(node: Node) -> bool:
    return node["resource_type"] != "seed" and node.get("language", "sql") == "sql"


class _Teller:
    """Says what is known of one node after the other."""

    def __init__(
        self, manifest: Manifest, project: Path, folder: str, namespace: Namespace
    ) -> None:
        self._manifest, self._folder, self._namespace = manifest, folder, namespace
        self._project = project
        self._nodes: dict[str, Node] = dict(manifest.everything())
        self._files: dict[str, str | None] = {}
        self._names: dict[str, dict[str, int]] = {}

    def code(self, node: Node, made: Compiled | None) -> Code:
        """What is known of a node."""
        target = relation(node, self._manifest.dialect)
        read = list(self._read(node))
        text = made.text if made is not None else ""
        lines: tuple[int, ...] = ()
        if text:
            lines = self._lines(node, text)
        return Code(
            text,
            self._namespace,
            file_of(node, self._folder),
            lines,
            target,
            tuple(self._outputs(node, target, made)) if target is not None else (),
            tuple(dict.fromkeys(dataset for dataset, _ in read)),
            {dataset: columns for dataset, columns in read if columns},
            made.problem if made is not None else None,
        )

    def _read(self, node: Node) -> Iterator[tuple[Dataset, tuple[str, ...]]]:
        """What a node refers to, through ephemeral models, with the columns YAML gives it."""
        waiting, seen = list((node.get("depends_on") or {}).get("nodes") or ()), set()
        while waiting:
            key = waiting.pop(0)
            parent = self._nodes.get(key)
            if parent is None or key in seen:
                continue
            seen.add(key)
            if (parent.get("config") or {}).get("materialized") == "ephemeral":
                waiting += (parent.get("depends_on") or {}).get("nodes") or ()
                continue
            dataset = relation(parent, self._manifest.dialect)
            if dataset is not None:
                yield dataset, tuple(parent.get("columns") or ())

    def _outputs(self, node: Node, target: Dataset, made: Compiled | None) -> Iterator[Output]:
        kind = node["resource_type"]
        if kind == "seed":
            yield from self._header(node, target)
            return
        if kind == "snapshot" and made is not None and made.text:
            place = self._evidence(node, "dbt adds it to a snapshot")
            yield Output(target, dict.fromkeys(_meta(node), ()), Extent.MORE, place)
        names = tuple(node.get("columns") or ())
        if names:
            # Of a node in SQL the SQL says what goes into them.
            sources = () if made is not None and made.text else None
            enforced = ((node.get("config") or {}).get("contract") or {}).get("enforced")
            text = "its contract" if enforced else "its description"
            extent = Extent.ALL if enforced and kind == "model" else Extent.SOME
            yield Output(target, dict.fromkeys(names, sources), extent, self._yaml(node, text))

    def _header(self, node: Node, target: Dataset) -> Iterator[Output]:
        """The columns of a seed: the first line of its file."""
        path = Path(node.get("root_path") or self._project, node["original_file_path"])
        delimiter = str((node.get("config") or {}).get("delimiter") or ",")
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                names = next(csv.reader(file, delimiter=delimiter), [])
        except (OSError, UnicodeDecodeError, csv.Error, TypeError):
            return
        if names:
            columns = {name.strip(): () for name in names}
            yield Output(target, columns, Extent.ALL, self._evidence(node, "its header", 1))

    def _yaml(self, node: Node, text: str) -> Evidence:
        """The place in a YAML file that describes a node."""
        path = str(node.get("patch_path") or "").split("://", 1)[-1]
        file = f"{self._folder}/{path}" if self._folder and path else path
        if not path:
            return self._evidence(node, text)
        line = self._named_at(path).get(str(node["name"]))
        return Evidence(Source.MANIFEST, text, file, line, node["unique_id"])

    def _named_at(self, path: str) -> dict[str, int]:
        """The lines that give names in a YAML file."""
        if path not in self._names:
            self._names[path] = lines_of_names(self._file(path) or "")
        return self._names[path]

    def _evidence(self, node: Node, text: str, line: int | None = None) -> Evidence:
        file = file_of(node, self._folder)
        return Evidence(Source.MANIFEST, text, file, line, node["unique_id"])

    def _file(self, path: str) -> str | None:
        """The text of a file of the project; None for one of a package, or that is gone since."""
        if path not in self._files:
            try:
                self._files[path] = (self._project / path).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                self._files[path] = None
        return self._files[path]

    def _lines(self, node: Node, text: str) -> tuple[int, ...]:
        raw = str(node.get("raw_code") or "")
        file = self._file(str(node["original_file_path"]))
        if file is None:
            return tuple(line_map(raw, text))
        shift = shift_of(file, raw)
        if shift is None:  # a snapshot that YAML defines has no code of its own
            line = self._named_at(str(node["original_file_path"])).get(str(node["name"]), 1)
            return (line,) * (text.count("\n") + 1)
        return tuple(line + shift for line in line_map(raw, text))


def _meta(node: Node) -> Iterable[str]:
    config = node.get("config") or {}
    named: Mapping[str, str | None] = config.get("snapshot_meta_column_names") or {}
    names = [*_META, *(["dbt_is_deleted"] if config.get("hard_deletes") == "new_record" else [])]
    return [named.get(name) or name for name in names]
