"""Read the signatures of cuML and cuDF that segwidgets calls out of their wheels, into signatures.json.

    python tests/gpu/inspect_wheel.py

It needs no GPU and installs nothing: the wheels come by pip into a temporary directory, and the signatures are read
from the sources that they carry. The contract tests hold every call to what stands in the JSON. Not part of CI: run it
when a new release is to be supported, and look at what changed.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

#: The oldest release that pyproject.toml allows, and the newest that this was run for.
RELEASES = ("26.2.*", "26.10.*")
TARGET = Path(__file__).with_name("signatures.json")

#: What is called, by its public name: the methods, and the classes that may define them, nearest first.
WANTED: dict[str, dict[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]]] = {
    "cuml-cu12": {
        "cuml.manifold.UMAP": (
            ("__init__", "fit", "fit_transform", "transform"),
            (("cuml/manifold/umap/umap.pyx", "UMAP"),),
        ),
        "cuml.neighbors.NearestNeighbors": (
            ("__init__", "fit", "kneighbors"),
            (
                ("cuml/neighbors/nearest_neighbors.pyx", "NearestNeighbors"),
                ("cuml/neighbors/nearest_neighbors.pyx", "NeighborsBase"),
            ),
        ),
        "cuml.cluster.DBSCAN": (("__init__", "fit"), (("cuml/cluster/dbscan.pyx", "DBSCAN"),)),
        "cuml.cluster.HDBSCAN": (("__init__", "fit"), (("cuml/cluster/hdbscan/hdbscan.pyx", "HDBSCAN"),)),
        "cuml.decomposition.PCA": (
            ("__init__", "fit", "fit_transform"),
            (("cuml/decomposition/pca.pyx", "PCA"),),
        ),
        "cuml.internals.GraphBasedDimRedCallback": (
            ("get_numba_matrix", "on_preprocess_end", "on_epoch_end", "on_train_end"),
            (
                ("cuml/internals/internals.pyx", "GraphBasedDimRedCallback"),
                ("cuml/internals/internals.pyx", "PyCallback"),
            ),
        ),
    },
    "cudf-cu12": {
        "cudf.Series": (
            ("astype", "fillna", "to_cupy", "factorize", "to_pandas"),
            (
                ("cudf/core/series.py", "Series"),
                ("cudf/core/single_column_frame.py", "SingleColumnFrame"),
                ("cudf/core/indexed_frame.py", "IndexedFrame"),
                ("cudf/core/frame.py", "Frame"),
            ),
        ),
        "cudf.Index": (
            ("to_pandas", "to_arrow"),
            (
                ("cudf/core/index.py", "Index"),
                ("cudf/core/single_column_frame.py", "SingleColumnFrame"),
                ("cudf/core/frame.py", "Frame"),
            ),
        ),
    },
}


def main() -> None:
    """Download, read, write."""
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for package, classes in WANTED.items():
            told[package] = {}
            for release in RELEASES:
                wheel = _download(f"{package}=={release}", Path(folder))
                with zipfile.ZipFile(wheel) as archive:
                    signatures = {name: _signatures(archive, *wanted) for name, wanted in classes.items()}
                told[package][wheel.name.split("-")[1]] = signatures
    TARGET.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{TARGET}: " + "; ".join(f"{p} {', '.join(versions)}" for p, versions in told.items()) + "\n")


def _download(requirement: str, folder: Path) -> Path:
    before = set(folder.iterdir())
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]
    subprocess.run([*pip, str(folder), requirement], check=True)
    (wheel,) = set(folder.iterdir()) - before
    return wheel


def _signatures(
    archive: zipfile.ZipFile, methods: tuple[str, ...], classes: tuple[tuple[str, str], ...]
) -> dict[str, list[dict[str, str]]]:
    bodies = [_body(archive.read(path).decode("utf-8"), name) for path, name in classes]
    found: dict[str, list[dict[str, str]]] = {}
    for method in methods:
        for body in bodies:
            head = _head(body, method)
            if head:
                found[method] = _parameters(head)
                break
        else:
            raise SystemExit(f"{method} is in none of {classes}: the wheel is built otherwise now, see WANTED.")
    return found


def _body(source: str, name: str) -> str:
    """The text of a class, Cython's or Python's, without its first line; "" where that release has no such class."""
    begin = re.search(rf"^(?:cdef )?class {name}\b[^:]*:\n", source, re.MULTILINE)
    if begin is None:
        return ""
    end = re.search(r"^(?:cdef |cpdef |class |def |@|[A-Za-z_])", source[begin.end() :], re.MULTILINE)
    return source[begin.end() : begin.end() + end.start()] if end else source[begin.end() :]


def _head(body: str, method: str) -> str:
    """The parameters of the last definition of a method, with their brackets: those before it are overloads."""
    starts = [found.end() - 1 for found in re.finditer(rf"^    (?:cp)?def {method}\(", body, re.MULTILINE)]
    if not starts:
        return ""
    depth = 0
    for place in range(starts[-1], len(body)):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(body[place], 0)
        if not depth:
            return body[starts[-1] : place + 1]
    return ""


def _parameters(head: str) -> list[dict[str, str]]:
    plain = re.sub(r"(?<=[(,\n])(\s*)(?:const )?[A-Za-z_][\w.]* (?=[A-Za-z_]\w*\s*[,)=])", r"\1", head)  # C types go
    definition = ast.parse(f"def method{plain}: pass").body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise SystemExit(f"not read: {head}")
    a = definition.args
    ordered = [*((p, "POSITIONAL_ONLY") for p in a.posonlyargs), *((p, "POSITIONAL_OR_KEYWORD") for p in a.args)]
    defaults: list[ast.expr | None] = [*[None] * (len(ordered) - len(a.defaults)), *a.defaults]
    parameters = [_parameter(p.arg, kind, default) for (p, kind), default in zip(ordered, defaults, strict=True)]
    if a.vararg:
        parameters.append(_parameter(a.vararg.arg, "VAR_POSITIONAL", None))
    parameters += [_parameter(p.arg, "KEYWORD_ONLY", d) for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    if a.kwarg:
        parameters.append(_parameter(a.kwarg.arg, "VAR_KEYWORD", None))
    return parameters


def _parameter(name: str, kind: str, default: ast.expr | None) -> dict[str, str]:
    told = {"name": name, "kind": kind}
    return told if default is None else {**told, "default": ast.unparse(default)}


if __name__ == "__main__":
    main()
