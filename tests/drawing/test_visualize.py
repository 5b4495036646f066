"""``flow.visualize()`` and what a notebook shows of a flow: whole, escaped, without the network."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from orchestrator import Flow, task
from orchestrator.drawing.picture import Picture
from orchestrator.errors import NotFoundError, UsageError
from orchestrator.model.state import State, StateType
from orchestrator.service.project import Project
from tasks import DbtBuild
from tests.dbt.project import write_project
from tests.drawing.shop import make_flow

SVG = "{http://www.w3.org/2000/svg}"


MODELS = {
    "models/staged.sql": "select 1 as id",
    "models/daily.sql": "select id from\n{{ ref('staged') }}",
    "models/models.yml": """
        models:
          - name: daily
            columns: [{name: id, data_tests: [unique]}]
        """,
}
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "notebooks.md"


@pytest.fixture
def shop(in_tmp: Path) -> Flow:
    (in_tmp / "orchestrator.toml").write_text('name = "shop"\n')
    return make_flow()


def parsed(picture: Picture) -> ET.Element:
    return ET.fromstring(picture.svg)


def plain(picture: Picture) -> str:
    """Its text, with places as in a project."""
    return picture.svg.replace(f"{ROOT}/", "")


def titles(picture: Picture) -> list[str]:
    return [title.text or "" for title in parsed(picture).iter(f"{SVG}title")]


def test_a_flow_without_tasks_says_so(in_tmp: Path) -> None:
    assert "There is no task in it yet." in Flow("empty").visualize(project=in_tmp).svg


def test_only_a_run_colours_boxes(shop: Flow, in_tmp: Path) -> None:
    frame = re.compile(r'rx="6" fill="(#\w+)"')
    assert set(frame.findall(shop.visualize(project=in_tmp).svg)) == {"#8a8f98"}


def test_a_flow_is_drawn(shop: Flow, in_tmp: Path, snapshot: SnapshotAssertion) -> None:
    assert plain(shop.visualize(project=in_tmp)) == snapshot


def test_a_run_colours_it(shop: Flow, in_tmp: Path, snapshot: SnapshotAssertion) -> None:
    states = {"load": State(StateType.SUCCESS), "daily": State(StateType.FAILED, "no rows")}
    assert plain(shop.visualize(state=states, project=in_tmp)) == snapshot


def test_lines_carry_their_evidence(shop: Flow, in_tmp: Path) -> None:
    found = titles(shop.visualize(project=in_tmp))
    [line] = [words for words in found if words.startswith("load → daily")]
    assert "raw.orders" in line
    assert "tags: night" in "\n".join(found)


def test_what_a_run_returned_colours_it(shop: Flow, in_tmp: Path) -> None:
    state = shop.run(project=in_tmp)
    assert "Success" in "".join(titles(shop.visualize(state=state, project=in_tmp)))
    assert shop.visualize(None, state, project=in_tmp) == shop.visualize(state, project=in_tmp)
    assert shop.visualize(flow_state=state, project=in_tmp).svg.count("Success")


def test_a_run_of_the_store_colours_it(shop: Flow, in_tmp: Path) -> None:
    shop.run(project=in_tmp)
    assert "Success" in "".join(titles(shop.visualize(state="latest", project=in_tmp)))
    other = Flow("newer")
    other.run(project=in_tmp)
    assert "Success" in "".join(titles(shop.visualize(state="latest", project=in_tmp)))
    with pytest.raises(NotFoundError, match="flow 'unrun' has no runs yet"):
        Flow("unrun").visualize(state="latest", project=in_tmp)
    with pytest.raises(NotFoundError):
        shop.visualize(state="ffff", project=in_tmp)
    with Project.find(in_tmp).store() as store:
        [run] = store.runs(flow="shop")
    with pytest.raises(UsageError, match="of flow 'shop', not of 'other'"):
        Flow("other").visualize(state=run.id, project=in_tmp)


def test_a_state_without_tasks_colours_nothing(shop: Flow, in_tmp: Path) -> None:
    with pytest.raises(UsageError, match="holds no states"):
        shop.visualize(state=State(StateType.SUCCESS), project=in_tmp)


def test_nothing_written_by_people_becomes_markup(in_tmp: Path) -> None:
    odd = "<script>alert('x')</script>\x00&\"]]>"

    @task(name=odd, tags=[odd])
    def first() -> None: ...

    with Flow(f"flow {odd}") as flow:
        first()
    picture = flow.visualize(project=in_tmp)
    assert "<script" not in picture.svg
    assert not list(parsed(picture).iter(f"{SVG}script"))
    assert "<script>alert('x')</script>\ufffd&\"]]>" in titles(picture)[0]
    assert "<script" not in picture._repr_html_()
    assert "<script" not in picture.save(in_tmp / "odd.html").read_text()


@pytest.fixture(scope="module")
def dbt_flow(tmp_path_factory: pytest.TempPathFactory) -> tuple[Flow, Path]:
    folder = write_project(tmp_path_factory.mktemp("dbt"), MODELS)
    with Flow("models") as flow:
        DbtBuild(project_dir=folder)()
    return flow, folder


def test_a_dbt_project_is_drawn(dbt_flow: tuple[Flow, Path]) -> None:
    flow, folder = dbt_flow
    drawn = titles(flow.visualize(project=folder))
    plan = flow.plan(project=folder)
    for facts in plan.facts.values():
        [words] = [t for t in drawn if t.startswith(f"{facts.name} ({facts.resource_type})")]
        assert (facts.path or "") in words
    [line] = [title for title in drawn if ".staged → " in title and ".daily" in title]
    assert "models/daily.sql:2 refs staged" in line


def test_a_selection_is_drawn_alone(dbt_flow: tuple[Flow, Path]) -> None:
    flow, folder = dbt_flow
    chosen = titles(flow.visualize(project=folder, include=["staged"]))
    assert sum("(model)" in title for title in chosen) == 1
    assert sum("(test)" in title for title in chosen) == 0


def test_it_needs_no_network(shop: Flow, in_tmp: Path) -> None:
    picture = shop.visualize(project=in_tmp)
    assert re.findall(r"https?://[^\"]*", picture.svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"@import|url\(|<image|href", picture.svg)


def test_an_empty_flow_is_drawn(in_tmp: Path) -> None:
    assert "nothing" in "".join(parsed(Flow("nothing").visualize(project=in_tmp)).itertext())


def test_it_is_saved_as_picture_or_as_page(shop: Flow, in_tmp: Path) -> None:
    picture = shop.visualize(in_tmp / "shop", project=in_tmp)
    assert (in_tmp / "shop.svg").read_text() == picture.svg == picture._repr_svg_()
    page = picture.save(in_tmp / "shop.html").read_text()
    assert page.startswith("<!doctype html>")
    assert picture.svg in page
    with pytest.raises(UsageError, match="not as PDF"):
        picture.save(in_tmp / "shop.pdf")
    with pytest.raises(UsageError, match="cannot be written"):
        picture.save(in_tmp / "nowhere" / "shop.svg")


def test_a_notebook_shows_the_flow(shop: Flow) -> None:
    assert shop._repr_html_() == shop.visualize()._repr_html_()
    assert "<svg" in shop._repr_html_()


def test_a_notebook_shows_why_a_flow_cannot_be_drawn(in_tmp: Path) -> None:
    @task(writes=["raw.<orders>"])
    def one() -> None: ...

    @task(writes=["raw.<orders>"])
    def two() -> None: ...

    with Flow("twice") as flow:
        one()
        two()
    shown = flow._repr_html_()
    assert shown.startswith("<pre>flow twice cannot be drawn: ")
    assert "<orders>" not in shown


def test_the_examples_of_the_page_run(in_tmp: Path) -> None:
    (in_tmp / "orchestrator.toml").write_text('name = "shop"\n')
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    (in_tmp / "notebook.py").write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "notebook.py"], cwd=in_tmp, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("<svg\n")
    assert (in_tmp / "shop.html").is_file()
