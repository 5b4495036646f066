"""What is built is what is needed: a wheel, installed in a fresh environment, runs a user's project."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = "orchestrator/service/starting/templates"
PROJECT = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\n",
    "profiles.yml": "shop:\n  target: dev\n  outputs:\n"
    "    dev: {type: duckdb, path: shop.duckdb, threads: 2}\n",
    "models/one.sql": "select 1 as n",
    "models/two.sql": "select n + 1 as n from {{ ref('one') }}",
    # A file of the user's own, by the name of our library.
    "tasks.py": "mine = True\n",
}


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=240
    )


def pip(*words: object, cwd: Path) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    done = run(sys.executable, "-m", "pip", *words[:-1], *quiet, words[-1], cwd=cwd)
    assert done.returncode == 0, done.stderr


def templates() -> set[str]:
    """The templates' files as a wheel names them: with their history, without what writes it."""
    folder = ROOT / "templates"
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    names = {path.relative_to(folder).as_posix() for path in files} - {"release.py"}
    return {f"{TEMPLATES}/{name}" for name in names}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout; without hatchling here, pip fetches it from the index."""
    folder = tmp_path_factory.mktemp("wheel")
    here = ("--no-build-isolation",) if importlib.util.find_spec("hatchling") else ()
    pip("wheel", "--no-deps", *here, "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages' folder of a fresh environment with the wheel, before anything else is seen."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    where = ("--python", python)
    done = run(
        sys.executable, "-m", "pip", *where, "install", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--no-index", wheel, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))


@pytest.fixture(scope="module")
def bin_folder(site: Path) -> Path:
    """The environment's programs; it sees what the project depends on, and not the checkout."""
    # Folders named in a .pth file come last, and .pth files in them do not count.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return site.parents[2] / "bin"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A user's dbt project with a ``tasks.py`` of its own beside it."""
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_wheel_holds_all_files_of_the_packages_and_nothing_else(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = {
        str(path.relative_to(ROOT))
        for top in ("orchestrator", "tasks")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there | templates()
    assert "orchestrator/store/migrations/script.py.mako" in packed


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name.startswith("analytics_orchestrator-")
    (licence,) = [name for name in names if name.endswith("LICENSE")]
    assert "Apache License" in zipfile.ZipFile(wheel).read(licence).decode()


def test_nothing_but_the_two_packages_is_installed(site: Path) -> None:
    found = {path.name for path in site.iterdir() if path.suffix not in (".dist-info", ".pth")}
    assert found == {"orchestrator", "tasks"}


def test_the_installed_packages_are_used(bin_folder: Path, site: Path, tmp_path: Path) -> None:
    code = "import orchestrator, tasks; print(orchestrator.__file__, tasks.__file__)"
    done = run(bin_folder / "python", "-c", code, cwd=tmp_path)
    assert all(Path(file).is_relative_to(site) for file in done.stdout.split()), done


def test_entry_points_resolve(bin_folder: Path, site: Path, tmp_path: Path) -> None:
    code = """
import importlib.metadata, inspect
for group in ("orchestrator.flows", "orchestrator.warehouses"):
    (point,) = importlib.metadata.entry_points(group=group)
    print(inspect.getfile(point.load()))
"""
    done = run(bin_folder / "python", "-c", code, cwd=tmp_path)
    files = done.stdout.split()
    assert len(files) == 2, done.stderr
    assert all(Path(file).is_relative_to(site) for file in files)


def test_the_store_opens_and_is_migrated(bin_folder: Path, tmp_path: Path) -> None:
    code = """
from orchestrator.store.opening import open_store
from orchestrator.store.records import FlowRun
with open_store("runs/store.db") as store:
    store.create_run(FlowRun("a1", "nightly"))
    print(store.run("latest").flow)
"""
    (tmp_path / "runs").mkdir()
    done = run(bin_folder / "python", "-c", code, cwd=tmp_path)
    assert done.stdout == "nightly\n", done.stderr


@pytest.mark.parametrize("words", ["--help", "--version", "runs --help", "run --help"])
def test_the_command_answers(bin_folder: Path, user: Path, words: str) -> None:
    done = run(bin_folder / "orchestrator", *words.split(), cwd=user)
    assert done.returncode == 0, done.stderr
    assert "orchestrator" in done.stdout


@pytest.mark.slow
def test_a_dbt_project_runs_beside_a_tasks_file_of_the_users(bin_folder: Path, user: Path) -> None:
    done = run(bin_folder / "orchestrator", "run", ".", cwd=user)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "model two" in done.stdout
    assert (user / "target" / "run_results.json").is_file()
    shown = run(bin_folder / "orchestrator", "runs", "list", cwd=user)
    assert "shop" in shown.stdout


@pytest.mark.slow
def test_a_project_begins_with_the_installed_templates(
    bin_folder: Path, site: Path, tmp_path: Path
) -> None:
    assert {f"{TEMPLATES}/copier.yml", f"{TEMPLATES}/history.bundle"} <= templates()
    code = "from orchestrator.service.starting import packaged; print(packaged.folder())"
    found = run(bin_folder / "python", "-c", code, cwd=tmp_path).stdout.strip()
    assert Path(found) == site / TEMPLATES
    done = run(bin_folder / "orchestrator", "init", "demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "demo").rglob("__pycache__")) == [], "what pip has compiled there"
    done = run(bin_folder / "orchestrator", "run", "nightly", cwd=tmp_path / "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sql busy_hours" in done.stdout
    again = run(bin_folder / "orchestrator", "init", "--update", cwd=tmp_path / "demo")
    assert "nothing to do" in again.stdout, again.stderr


def test_a_tasks_file_that_hides_the_library_is_named(bin_folder: Path, user: Path) -> None:
    (user / "flows").mkdir()
    (user / "flows" / "greet.py").write_text(
        "from orchestrator import Flow\nfrom tasks import ShellTask\n"
        "with Flow('greet') as flow:\n    ShellTask('echo hello')()\n"
    )
    done = run(bin_folder / "orchestrator", "run", "greet", cwd=user)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "tasks.py" in done.stderr
    assert "Traceback" not in done.stderr

    os.rename(user / "tasks.py", user / "our_tasks.py")
    done = run(bin_folder / "orchestrator", "run", "greet", cwd=user)
    assert done.returncode == 0, done.stdout + done.stderr
