"""A new notebook: where it is put, which kernel runs it, and that what stands in it runs."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from segwidgets.jobs import Job
from segwidgets.kernelstatus import read
from segwidgets.lab.notebook import content, kernel
from segwidgets.recipe import ColumnGroup, Features, Recipe

from .conftest import Ask

NOT_READY = "The RAPIDS kernel is not ready yet, so this notebook runs on the CPU kernel."


def _sources(notebook: dict[str, Any]) -> str:
    return "\n\n".join(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code")


def _read(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


async def test_a_notebook_is_made_where_it_was_asked_for(ask: Ask, jp_root_dir: Path) -> None:
    (jp_root_dir / "work").mkdir()
    answer = await ask("notebook", {"path": "work", "kernel": None, "recipe": None, "compare": None})
    assert answer.status == 201
    assert answer.json == {"path": "work/Segmentation.ipynb", "kernel": "python3", "note": ""}
    notebook = _read(jp_root_dir / "work" / "Segmentation.ipynb")
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "sw.Panel(table)" in _sources(notebook)


async def test_jupyter_itself_opens_it(ask: Ask, jp_fetch: Any) -> None:
    path = (await ask("notebook", {})).json["path"]
    model = json.loads((await jp_fetch("api", "contents", path)).body)
    assert (model["type"], model.get("message")) == ("notebook", None)


async def test_nothing_is_overwritten(ask: Ask, jp_root_dir: Path) -> None:
    (jp_root_dir / "Segmentation.ipynb").write_text("mine")
    (jp_root_dir / "Segmentation1.ipynb").symlink_to(jp_root_dir / "nowhere")
    answers = await asyncio.gather(*(ask("notebook", {"path": ""}) for _ in range(4)))
    paths = [answer.json.get("path") for answer in answers]
    assert (jp_root_dir / "Segmentation.ipynb").read_text() == "mine"
    assert not (jp_root_dir / "nowhere").exists()
    made = [path for path in paths if path]
    assert len(set(made)) == len(made)
    for path in made:
        _read(jp_root_dir / path)


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../..",
        "work/../..",
        "work/../../x",
        "/",
        "/etc",
        "/srv",
        "work\\..\\..",
        "a\0b",
        ".",
        "./work",
        7,
        None,
        ["work"],
    ],
)
async def test_a_folder_outside_of_the_root_is_refused(path: Any, ask: Ask, jp_root_dir: Path, tmp_path: Path) -> None:
    (jp_root_dir / "work").mkdir()
    before = sorted(tmp_path.rglob("*.ipynb"))
    answer = await ask("notebook", {"path": path})
    assert (answer.status, answer.json["reason"]) == (400, "path")
    assert sorted(tmp_path.rglob("*.ipynb")) == before


async def test_a_link_that_leads_out_is_refused(ask: Ask, jp_root_dir: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (jp_root_dir / "link").symlink_to(outside)
    (jp_root_dir / "inside").mkdir()
    (jp_root_dir / "near").symlink_to(jp_root_dir / "inside")
    assert (await ask("notebook", {"path": "link"})).status == 400
    assert not list(outside.iterdir())
    assert (await ask("notebook", {"path": "near"})).status == 201


@pytest.mark.parametrize("path", ["nowhere", ".hidden", "%2e%2e", "..%2f..", "file.txt"])
async def test_a_folder_that_the_file_browser_does_not_show_is_not_found(
    path: str, ask: Ask, jp_root_dir: Path
) -> None:
    (jp_root_dir / ".hidden").mkdir()
    (jp_root_dir / "file.txt").touch()
    answer = await ask("notebook", {"path": path})
    assert (answer.status, answer.json["reason"]) == (404, "path")


async def test_a_folder_of_that_name_is_passed_by(ask: Ask, jp_root_dir: Path) -> None:
    (jp_root_dir / "Segmentation.ipynb").mkdir()
    assert (await ask("notebook", {})).json["path"] == "Segmentation1.ipynb"


@pytest.mark.parametrize(
    ("body", "reason", "said"),
    [
        ({"kernel": "R"}, "kernel", "'R'"),
        ({"recipe": {"clustering": {"epz": 1}}}, "recipe", "Did you mean 'eps'?"),
        ({"recipe": []}, "recipe", "a recipe is an object"),
        ({"compare": ["a"]}, "compare", "two runs"),
        ({"compare": ["a", "--log"]}, "name", "'--log'"),
        ({"compare": "ab"}, "compare", "two runs"),
        ({"panel": 1}, "body", "path, kernel, recipe, compare"),
    ],
)
async def test_what_cannot_be_made_is_refused(
    body: dict[str, Any], reason: str, said: str, ask: Ask, jp_root_dir: Path
) -> None:
    answer = await ask("notebook", body)
    assert (answer.status, answer.json["reason"]) == (400, reason)
    assert said in answer.json["message"]
    assert not list(jp_root_dir.iterdir())


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "[" * 100_000, "\ud83d"])
async def test_a_body_that_is_no_object_is_refused_or_empty(body: str, jp_fetch: Any) -> None:
    raw = body.encode("utf-8", "surrogatepass")
    answer = await jp_fetch("segwidgets", "api", "notebook", method="POST", body=raw, raise_error=False)
    assert answer.code == (400 if raw else 201)


class TestKernels:
    @pytest.fixture
    def register(self, jp_kernel_dir: Path) -> Callable[..., None]:
        def register(*names: str) -> None:
            for name in names:
                place = jp_kernel_dir / name
                place.mkdir()
                spec = {"argv": ["/nowhere/python"], "display_name": f"The {name}", "language": "python"}
                (place / "kernel.json").write_text(json.dumps(spec))

        return register

    async def test_the_rapids_kernel_when_it_is_ready(
        self, ask: Ask, register: Callable[..., None], write_status: Callable[..., None], jp_root_dir: Path
    ) -> None:
        register("rapids", "segwidgets-cpu")
        write_status(
            kernels={"rapids": {"name": "rapids", "env": "/x"}, "cpu": {"name": "segwidgets-cpu", "env": "/y"}}
        )
        answer = (await ask("notebook", {"kernel": None})).json
        assert (answer["kernel"], answer["note"]) == ("rapids", "")
        notebook = _read(jp_root_dir / answer["path"])
        assert notebook["metadata"]["kernelspec"]["display_name"] == "The rapids"

    @pytest.mark.parametrize("wanted", ["rapids", None])
    async def test_the_cpu_kernel_until_then_and_the_notebook_says_so(
        self,
        wanted: str | None,
        ask: Ask,
        register: Callable[..., None],
        write_status: Callable[..., None],
        jp_root_dir: Path,
    ) -> None:
        # The kernelspec of an earlier restore is still there; what it names is not.
        register("rapids", "segwidgets-cpu")
        write_status(
            state="restoring", phase="downloading", finished=None,
            kernels={"rapids": None, "cpu": {"name": "segwidgets-cpu", "env": "/y"}},
        )  # fmt: skip
        answer = (await ask("notebook", {"kernel": wanted})).json
        assert (answer["kernel"], answer["note"]) == ("segwidgets-cpu", NOT_READY)
        assert NOT_READY in _read(jp_root_dir / answer["path"])["cells"][0]["source"]

    async def test_the_cpu_kernel_when_it_is_wanted(
        self, ask: Ask, register: Callable[..., None], write_status: Callable[..., None]
    ) -> None:
        register("rapids", "segwidgets-cpu")
        write_status(
            kernels={"rapids": {"name": "rapids", "env": "/x"}, "cpu": {"name": "segwidgets-cpu", "env": "/y"}}
        )
        answer = (await ask("notebook", {"kernel": "segwidgets-cpu"})).json
        assert (answer["kernel"], answer["note"]) == ("segwidgets-cpu", "")

    def test_where_nothing_was_restored_the_servers_own_kernel_runs_it(self) -> None:
        status = read(Path("/nowhere"))
        assert kernel(None, status, ["python3"], "python3") == ("python3", "")
        chosen, note = kernel("rapids", status, ["python3"], "python3")
        assert chosen == "python3"
        assert "The RAPIDS kernel is not there" in note


def _run(notebook: dict[str, Any], tmp_path: Path) -> str:
    """Run the notebook's code in a process of its own, each cell's last line shown as a notebook shows it."""
    file = tmp_path / "cells.json"
    file.write_text(json.dumps([cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]))
    shown = (
        "import ast, json, sys\n"
        "space = {}\n"
        "for cell in json.load(open(sys.argv[1])):\n"
        "    tree = ast.parse(cell)\n"
        "    last = ast.Expression(tree.body.pop().value)\n"
        "    exec(compile(tree, 'cell', 'exec'), space)\n"
        "    print(repr(eval(compile(last, 'cell', 'eval'), space))[:2000])\n"
        "    if 'panel' in space: space['panel'].wait(300)\n"
        "print('recipe', space['panel'].recipe.to_json(indent=None))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", shown, str(file)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_notebook_with_a_recipe_and_two_runs_runs(promoted: list[Job], tmp_path: Path) -> None:
    recipe = Recipe().replace(eps=0.5, n_neighbors=12, n_epochs=50)
    names = [job.name for job in promoted]
    notebook = content({"display_name": "Python"}, "python3", recipe, names, "")
    nbformat.validate(nbformat.from_dict(notebook))
    said = _run(notebook, tmp_path)
    kept = Recipe.from_json(said.rsplit("recipe ", 1)[1])
    assert (kept.clustering.eps, kept.embedding.n_neighbors) == (0.5, 12)
    assert all(name in said for name in names)


def test_a_recipe_is_data_and_never_code() -> None:
    evil = '"""\')\nimport os; os.abort()\n# {values} \\'
    recipe = Recipe(features=Features(plan=(ColumnGroup("count", (evil, "ordinary"), ("log1p",), reason=evil),)))
    cell = content({}, "python3", recipe, None, "")["cells"][-1]["source"]
    literal = cell[cell.index("(") + 1 : cell.rindex(")\npanel = ")]
    assert Recipe.from_dict(ast.literal_eval(literal.strip())) == recipe
    names = {node.id for node in ast.walk(ast.parse(cell)) if isinstance(node, ast.Name)}
    assert names == {"sw", "recipe", "panel", "table"}
