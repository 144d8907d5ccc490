"""``segwidgets run | promote | leaderboard | jobs | job``: what the panel does, without a notebook.

Exit status: 0, 1 when a job that was waited for did not complete, 2 when what was asked for cannot be done, 130 after
Ctrl-C. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets import __version__
from segwidgets.compute.backend import NAMES
from segwidgets.recipe import METHODS

if TYPE_CHECKING:
    from segwidgets.data import Table
    from segwidgets.jobs import Job
    from segwidgets.recipe import Recipe
    from segwidgets.result import Progress, Result

#: The sample tables by the word they are asked for with.
_SAMPLES = {"trips": "shopping_trips", "households": "households", "blobs": "blobs"}


def _out(text: str) -> None:
    sys.stdout.write(text + "\n")


# -- what comes in -----------------------------------------------------------------------------------------------------


def _table(options: argparse.Namespace) -> Table:
    from segwidgets.data import read, samples

    reading = {name: getattr(options, name) for name in ("id", "rows", "columns", "values")}
    given = {name: value for name, value in reading.items() if value is not None}
    # A file of that name is meant when there is one.
    if options.source in _SAMPLES:  # also beside a result of that name, which `run trips --out trips` leaves
        if given:
            raise ValueError(f"--{next(iter(given))} says how to read a file, and {options.source!r} is a sample.")
        table: Table = getattr(samples, _SAMPLES[options.source])()
        return table
    return read(options.source, **given)


def _setting(text: str) -> tuple[str, Any]:
    """``name=value``, the value as JSON where it is JSON, else as text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not name=value, such as eps=0.4")
    try:
        return name.strip(), json.loads(value)
    except json.JSONDecodeError:
        return name.strip(), value.strip()


def _recipe(options: argparse.Namespace) -> Recipe:
    from segwidgets.recipe import Recipe

    recipe = Recipe.from_json(options.recipe.read_text()) if options.recipe else Recipe()
    if options.method is not None:
        recipe = recipe.replace(embedding=dataclasses.replace(recipe.embedding, method=options.method))
    return recipe.replace(**dict(options.set))


@contextlib.contextmanager
def _bar(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr over the whole run, named by its stage."""
    from tqdm import tqdm

    form = "{desc:<26} {percentage:3.0f}%|{bar}| {elapsed}"
    with tqdm(total=1.0, bar_format=form, file=sys.stderr, desc="Reading the rows", disable=quiet) as bar:

        def show(now: Progress) -> None:
            bar.set_description_str(now.message, refresh=False)
            bar.update(max(0.0, now.overall - bar.n))

        yield show
        bar.set_description_str("Done", refresh=False)
        bar.update(max(0.0, 1.0 - bar.n))


# -- the commands ------------------------------------------------------------------------------------------------------


def _check_out(out: Path, *, overwrite: bool) -> None:
    """Refuse a directory whose content would be lost, before any work."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ValueError(f"--out {out} is not a directory: name one that does not exist yet.")
    held = sorted(path.name for path in out.iterdir())
    if not held:
        return
    known = {"embedding.npy", "labels.csv", "scores.json", "recipe.json", "manifest.json"}
    strange = [name for name in held if name not in known]
    if strange or "manifest.json" not in held:
        raise ValueError(
            f"--out {out} holds files that are not a result ({(strange or held)[0]}): name another directory."
        )
    if not overwrite:
        raise ValueError(f"--out {out} holds a result already: name another directory, or add --overwrite.")


def _run(options: argparse.Namespace) -> int:
    _check_out(options.out, overwrite=options.overwrite)
    recipe = _recipe(options)
    with _bar(quiet=options.quiet) as show:
        table = _table(options)
        from segwidgets.session import Session

        result = Session(table, backend=options.backend).run(recipe, progress=show)
        result.save(options.out)
    if options.json:
        _out(json.dumps(_summary(result, options.out), indent=2))
    else:
        _out(_words(result))
        _out(f"embedding.npy, labels.csv, scores.json, recipe.json and manifest.json are in {options.out}")
    return 0


def _summary(result: Result, out: Path) -> dict[str, Any]:
    return {
        "out": str(out),
        "rows": len(result.labels),
        "scores": result.scores.to_dict(),
        "label_digest": result.label_digest,
        "recipe_digest": result.recipe.digest,
        "timings": result.timings,
        "cached": list(result.cached),
        "notes": list(result.notes),
        "search": result.search,
        "devices": result.devices,
    }


def _words(result: Result) -> str:
    scores, recipe = result.scores, result.recipe
    silhouette = f"{scores.silhouette.value:.2f}" if scores.silhouette is not None else "not defined"
    found = (
        f"{len(result.labels):,} customers, {scores.clusters} segments, coverage {scores.coverage:.1%}, "
        f"largest {scores.largest:.1%}, silhouette {silhouette}"
    )
    settings = (
        f"n_neighbors {recipe.embedding.n_neighbors}, min_dist {recipe.embedding.min_dist:g}, metric "
        f"{recipe.embedding.metric}, eps {recipe.clustering.eps:.4g}, min_samples {recipe.clustering.min_samples}"
    )
    return "\n".join([found, settings, *(f"note: {note}" for note in result.notes)])


def _promote(options: argparse.Namespace) -> int:
    _check_names(options)  # before minutes of work
    recipe = _recipe(options)
    with _bar(quiet=options.quiet) as show:
        table = _table(options)
        from segwidgets.jobs import promote
        from segwidgets.session import Session

        result = Session(table, backend=options.backend).run(recipe, progress=show)
    settings = {
        name: getattr(options, name) for name in ("target", "mode", "experiment", "trial", "name", "tracking_uri")
    }
    job = promote(recipe, table, result=result, **settings)
    if options.wait:
        sys.stderr.write(f"{job.name} runs; Ctrl-C leaves it running\n")
        job.wait()
    _show(job, as_json=options.json)
    return 0 if job.status in {"running", "completed"} else 1


def _check_names(options: argparse.Namespace) -> None:
    from segwidgets.jobs.spec import JOB_NAME_LIMIT, check_name

    for what in ("experiment", "trial"):
        if getattr(options, what) is not None:
            check_name(what, getattr(options, what))
    if options.name is not None:
        check_name("name", options.name, JOB_NAME_LIMIT)


def _record(job: Job) -> dict[str, Any]:
    progress = job.progress
    return {
        "name": job.name,
        "experiment": job.experiment,
        "trial": job.trial,
        "status": job.status,
        "verdict": job.verdict,
        "reason": job.reason,
        "stage": progress.stage,
        "progress": progress.overall,
        "created": job.created,
        "path": str(job.path),
    }


def _show(job: Job, *, as_json: bool) -> None:
    record = _record(job)
    if as_json:
        _out(json.dumps(record, indent=2))
        return
    names = ("name", "status", "verdict", "experiment", "trial", "path")
    _out("\n".join(f"{name:<11}{record[name]}" for name in names if record[name]))


def _job(options: argparse.Namespace) -> int:
    from segwidgets.jobs import Job

    job = Job.load(options.name)
    if options.stop:
        job.stop()
    if options.log:
        _out(job.log().rstrip("\n"))
    else:
        _show(job, as_json=options.json)
    return 0


def _jobs(options: argparse.Namespace) -> int:
    from segwidgets.jobs import jobs

    records = [_record(job) for job in jobs()[: options.limit]]
    if options.json:
        _out(json.dumps(records, indent=2))
    elif not records:
        _out("No job has been promoted yet: segwidgets promote SOURCE")
    else:
        names = ("name", "experiment", "trial", "status", "verdict")
        _out(_aligned(list(names), [[str(record[name] or "") for name in names] for record in records]))
    return 0


def _leaderboard(options: argparse.Namespace) -> int:
    from segwidgets.tracking import leaderboard

    frame = leaderboard(options.experiment, tracking_uri=options.tracking_uri, limit=options.limit)
    if options.json:
        _out(json.dumps([_plain(row) for row in frame.to_dict("records")], indent=2))
        return 0
    if frame.empty:
        _out("Nothing has run yet: segwidgets promote SOURCE")
        return 0
    shown = frame.drop(columns=["recipe"])
    rows = [[_cell(name, value) for name, value in row.items()] for row in map(_plain, shown.to_dict("records"))]
    _out(_aligned([str(name) for name in shown.columns], rows))
    return 0


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """A row of the leaderboard in what JSON has: None for what there is not, ISO times."""
    import pandas as pd

    plain: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, pd.Timestamp):
            plain[str(name)] = value.isoformat()
        elif value is pd.NA or (isinstance(value, float) and math.isnan(value)):
            plain[str(name)] = None
        else:
            plain[str(name)] = value
    return plain


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name == "started":
        return str(value)[:19].replace("T", " ")
    if name == "coverage":
        return f"{value:.1%}"
    if isinstance(value, float):
        return f"{value:.1f}" if name == "duration" else f"{value:.3g}"
    return str(value) if len(str(value)) <= 60 else f"{value[:57]}..."


def _aligned(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[at]) for row in [header, *rows]) for at in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)


# -- the parser --------------------------------------------------------------------------------------------------------


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segwidgets", description="Find segments in customer records, and promote what you found."
    )
    parser.add_argument("--version", action="version", version=f"segwidgets {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    source = argparse.ArgumentParser(add_help=False)
    source.add_argument(
        "source",
        metavar="SOURCE",
        help="a file, an s3:// address, or a sample: " + ", ".join(_SAMPLES) + " (a file of such a name: ./trips)",
    )
    source.add_argument("--id", metavar="COL", help="the column that names the customer")
    source.add_argument("--rows", metavar="COL", help="transactions: the column that names the customer")
    source.add_argument("--columns", metavar="COL", help="transactions: the column that becomes the columns")
    source.add_argument("--values", metavar="COL", help="transactions: the column that is summed")
    source.add_argument("--recipe", metavar="FILE", type=Path, help="a recipe as JSON; the defaults without it")
    source.add_argument(
        "--set", metavar="NAME=VALUE", type=_setting, action="append", default=[], help="one setting, such as eps=0.4"
    )
    source.add_argument("--method", choices=METHODS, help="how rows become points; the recipe's, else umap")
    source.add_argument("--backend", choices=NAMES, default="auto", help="what computes: auto takes a GPU that answers")
    source.add_argument("--quiet", action="store_true", help="no progress bar")
    source.add_argument("--json", action="store_true", help="for machines")

    run = commands.add_parser("run", parents=[source], help="read, embed and cluster; write the result to a directory")
    run.add_argument("--out", metavar="DIR", type=Path, required=True, help="where the result is written")
    run.add_argument("--overwrite", action="store_true", help="replace the result that DIR holds")
    run.set_defaults(do=_run)

    promote = commands.add_parser("promote", parents=[source], help="start a tracked job that proves the result")
    promote.add_argument("--experiment", metavar="NAME", help="the tracker's experiment (segwidgets)")
    promote.add_argument("--trial", metavar="NAME", help="a group of runs within the experiment")
    promote.add_argument("--name", metavar="NAME", help="the job's name; made from the time without it")
    promote.add_argument("--target", choices=("local",), default="local", help="where the job runs")
    promote.add_argument(
        "--mode",
        choices=("embedding", "refit"),
        default="embedding",
        help="give the job the embedding (its labels must come out exactly), or have it compute everything",
    )
    promote.add_argument("--wait", action="store_true", help="wait for its end; exit 1 unless it completed")
    promote.add_argument("--tracking-uri", metavar="URI", help="MLflow's address")
    promote.set_defaults(do=_promote)

    board = commands.add_parser("leaderboard", help="list the runs, newest first")
    board.add_argument("--experiment", metavar="NAME", help="of this experiment only")
    board.add_argument("--tracking-uri", metavar="URI", help="MLflow's address")
    board.set_defaults(do=_leaderboard)
    listing = commands.add_parser("jobs", help="list the local jobs, newest first")
    listing.set_defaults(do=_jobs)
    for command in (board, listing):
        command.add_argument("--limit", metavar="N", type=_positive, default=1_000, help="at most this many")
        command.add_argument("--json", action="store_true", help="for machines")

    job = commands.add_parser("job", help="show a job, its log, or stop it")
    job.add_argument("name", metavar="NAME")
    job.add_argument("--stop", action="store_true", help="stop it")
    shown = job.add_mutually_exclusive_group()
    shown.add_argument("--log", action="store_true", help="what it has printed")
    shown.add_argument("--json", action="store_true", help="for machines")
    job.set_defaults(do=_job)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; ``argv`` without the program's name, that of the process by default. Returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        return int(options.do(options))
    except KeyboardInterrupt:
        sys.stderr.write("segwidgets: interrupted\n")
        return 130
    except BrokenPipeError:  # `segwidgets leaderboard | head`
        sys.stderr.close()
        return 0
    except Exception as error:
        if not _is_for_the_user(error):
            raise
        text = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
        sys.stderr.write(f"segwidgets: {' '.join(text.split())}\n")
        return 2


def _is_for_the_user(error: Exception) -> bool:
    """Whether the message says it all; anything else is a fault of ours and shows where it happened.

    A ValueError of ours comes out of one of our checks; one that numpy raises deep down does not.
    """
    if isinstance(error, OSError | ImportError) or type(error).__module__.startswith("segwidgets."):
        return True
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    raised_in = place.tb_frame.f_globals.get("__name__", "") if place is not None else ""
    return isinstance(error, ValueError) and raised_in.startswith("segwidgets.")


if __name__ == "__main__":
    sys.exit(main())
