"""``segwidgets image build`` and ``segwidgets image push``: the container of SageMaker jobs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from segwidgets import __version__
from segwidgets.cli.output import out


def add(commands: Any) -> None:
    """The commands and their arguments."""
    image = commands.add_parser("image", help="build and push the container of SageMaker jobs")
    steps = image.add_subparsers(dest="step", required=True, metavar="build|push")

    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--repository", default="segwidgets", metavar="NAME", help="its repository (segwidgets)")
    named.add_argument("--tag", default=__version__, help=f"its tag ({__version__})")
    named.add_argument("--dry-run", action="store_true", help="only print the commands")

    build = steps.add_parser("build", parents=[named], help="build it on this machine")
    build.add_argument("--base", metavar="IMAGE", help="build on this image: python:3.12-slim has no GPU part")
    build.add_argument(
        "--wheel", metavar="FILE", type=Path, help="a wheel of segwidgets; made from the checkout if left out"
    )
    build.set_defaults(do=_build)

    push = steps.add_parser("push", parents=[named], help="push it to the account's registry, and print its digest")
    push.add_argument("--region", help="the registry's region; that of the environment by default")
    push.add_argument("--immutable", action="store_true", help="tags of a repository that is made cannot be moved")
    push.set_defaults(do=_push)


def _tell(text: str) -> None:
    sys.stderr.write(f"+ {text}\n")
    sys.stderr.flush()


def _build(options: argparse.Namespace) -> int:
    from segwidgets.jobs.image import Image, build

    image = Image(options.repository, options.tag)
    say = out if options.dry_run else _tell
    name = build(image, base=options.base, wheel=options.wheel, dry_run=options.dry_run, say=say)
    if not options.dry_run:
        out(name)
    return 0


def _push(options: argparse.Namespace) -> int:
    from segwidgets.aws import Cloud
    from segwidgets.jobs.image import Image, push

    image = Image(options.repository, options.tag)
    say = out if options.dry_run else _tell
    address, digest = push(Cloud(options.region), image, immutable=options.immutable, dry_run=options.dry_run, say=say)
    if not options.dry_run:
        out(f"{address}\n{digest}")
    return 0
