"""The routes under ``<base URL>/segwidgets/api/``: JSON in and out, for who is logged in and authorised only.

An answer that is no is ``{"message": plain words, "reason": a word for machines}``. Looking does not count as activity:
a page left open in a browser does not keep an idle notebook instance awake.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async, url_path_join
from tornado import web

from segwidgets import __version__
from segwidgets.lab.refused import RefusedError, shown

if TYPE_CHECKING:
    from segwidgets.lab.questions import Questions

#: Of this interface; the front end refuses one that it does not know.
API = 1
#: Where the questions stand among the settings of the web application.
QUESTIONS = "segwidgets_questions"
_MAX_LINES = 5_000
#: Bytes of a report at most; one is meant to stay under 5 MB.
_REPORT_BYTES = 64_000_000
#: SageMaker's rule for the name of a job, which local jobs follow too.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
_NAME_LIMIT = 120
#: A report runs scripts of its own. They are given no origin, so that Jupyter's cookies are not theirs, and no network.
_REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads allow-modals; default-src 'none'; script-src 'unsafe-inline' blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; worker-src blob:"
)


def _answering(method: Callable[..., Awaitable[None]]) -> Callable[..., Any]:
    """Refuse who is not logged in or not authorised, and say in JSON what cannot be done."""

    @web.authenticated
    @authorized
    @functools.wraps(method)
    async def answer(self: _Handler, *arguments: str) -> None:
        try:
            await method(self, *arguments)
        except RefusedError as error:
            self.tell({"message": error.message, "reason": error.reason}, error.status)

    return cast("Callable[..., Any]", answer)


class _Handler(APIHandler):
    """What the routes share."""

    auth_resource = "segwidgets"
    _track_activity = False

    def tell(self, value: Mapping[str, Any], status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(value, allow_nan=False))

    @property
    def questions(self) -> Questions:
        if QUESTIONS not in self.settings:
            from segwidgets.lab.questions import Questions

            root = Path(str(self.settings.get("server_root_dir", ""))).expanduser()
            self.settings[QUESTIONS] = Questions(root if root.is_dir() else Path.home(), self._specs)
        return cast("Questions", self.settings[QUESTIONS])

    async def _specs(self) -> dict[str, Mapping[str, Any]]:
        from segwidgets.lab.kernelpython import KERNELS

        found: dict[str, Mapping[str, Any]] = {}
        for name in KERNELS:
            try:
                spec = await ensure_async(self.kernel_spec_manager.get_kernel_spec(name))
            except (KeyError, OSError, ValueError):  # there is none of this name, or its file is broken
                continue
            found[name] = {"argv": spec.argv, "env": spec.env}
        return found

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A number in the query."""
        text = self.get_query_argument(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise RefusedError(
                400, "argument", f"{name}={text[:50]!r} is not allowed: it must be a whole number from {low} to {high}."
            )
        return int(text)


def _checked(name: object) -> str:
    """A run's name; RefusedError where it can be none, so that no path and no option gets through."""
    if isinstance(name, str) and len(name) <= _NAME_LIMIT and _NAME.fullmatch(name):
        return name
    raise RefusedError(
        400,
        "name",
        f"{str(name)[:80]!r} is not the name of a run: it has 1 to {_NAME_LIMIT} letters (a to z), digits and hyphens.",
    )


class _Hello(_Handler):
    @_answering
    async def get(self) -> None:
        from segwidgets.lab.kernelpython import mismatch

        kernel: dict[str, Any] = {"python": None, "version": None, "problem": ""}
        try:
            python = await self.questions.python()
            kernel["python"] = python.path
            kernel["version"] = await self.questions.version(python)
            kernel["problem"] = mismatch(python.path, kernel["version"])
        except RefusedError as error:
            kernel["problem"] = error.message
        self.tell({"api": API, "version": __version__, "kernel": kernel})


class _Kernel(_Handler):
    @_answering
    async def get(self) -> None:
        from segwidgets import kernelstatus

        status = await asyncio.to_thread(kernelstatus.read)
        self.tell({**status.to_dict(), "line": status.line()})


class _KernelLog(_Handler):
    @_answering
    async def get(self) -> None:
        from segwidgets import kernelstatus

        lines = self.whole("lines", 200, 1, _MAX_LINES)
        tail = await asyncio.to_thread(kernelstatus.tail, lines=lines)
        self.tell({"path": str(kernelstatus.kernel_dir() / "restore.log"), "lines": tail})


class _Retry(_Handler):
    _track_activity = True

    @_answering
    async def post(self) -> None:
        from segwidgets.lab.retrying import retry

        await retry()
        self.tell({}, 202)


class _Runs(_Handler):
    @_answering
    async def get(self) -> None:
        from segwidgets.lab import rows
        from segwidgets.lab.questions import RUNS

        limit, offset = self.whole("limit", 200, 1, RUNS), self.whole("offset", 0, 0, 10**9 - 1)
        experiment = self.get_query_argument("experiment", "")
        found, at, problems = await self.questions.runs()
        chosen = [row for row in found if not experiment or row["experiment"] == experiment]
        page = await asyncio.to_thread(rows.with_reports, chosen[offset : offset + limit])
        self.tell({"runs": page, "total": len(chosen), "as_of": at, "problem": " ".join(problems)})


class _Recipe(_Handler):
    @_answering
    async def get(self, name: str) -> None:
        self.tell(await self.questions.recipe(_checked(name)))


class _Log(_Handler):
    @_answering
    async def get(self, name: str) -> None:
        lines = self.whole("lines", 200, 1, _MAX_LINES)
        self.tell({"lines": await self.questions.log(_checked(name), lines)})


class _Report(_Handler):
    @_answering
    async def get(self, name: str) -> None:
        file = await self.questions.report(_checked(name))
        if file.stat().st_size > _REPORT_BYTES:
            raise RefusedError(
                413, "flood", f"The report is larger than {_REPORT_BYTES // 10**6} MB. Download it: {file}"
            )
        text = await asyncio.to_thread(file.read_bytes)
        self.set_header("Cache-Control", "no-store")
        # Jupyter's own for pages (who may frame it), and ours besides: what either forbids is forbidden.
        self.set_header("Content-Security-Policy", super(APIHandler, self).content_security_policy)
        self.add_header("Content-Security-Policy", _REPORT_POLICY)
        self.finish(text, set_content_type="text/html; charset=utf-8")


class _Stop(_Handler):
    _track_activity = True

    @_answering
    async def post(self, name: str) -> None:
        await self.questions.stop(_checked(name))
        self.tell({}, 202)


class _Notebook(_Handler):
    _track_activity = True

    @_answering
    async def post(self) -> None:
        from jupyter_server.services.contents.fileio import FileManagerMixin

        from segwidgets import kernelstatus
        from segwidgets.lab import notebook
        from segwidgets.recipe import Recipe, RecipeError

        asked = self._asked()
        # It writes where Jupyter's contents may be closed to this user.
        if not await ensure_async(self.authorizer.is_authorized(self, self.current_user, "write", "contents")):
            raise RefusedError(403, "forbidden", "You are not allowed to write files on this server.")
        contents: Any = self.contents_manager
        root = Path(contents.root_dir) if isinstance(contents, FileManagerMixin) else None
        folder = notebook.folder(asked.get("path", ""), root)
        if folder and (
            not await ensure_async(contents.dir_exists(folder))
            or (not contents.allow_hidden and await ensure_async(contents.is_hidden(folder)))
        ):
            raise RefusedError(404, "path", f"There is no folder {folder!r}. Choose one that the file browser shows.")
        wanted, compare, recipe = asked.get("kernel"), asked.get("compare"), asked.get("recipe")
        if wanted not in {None, notebook.RAPIDS, notebook.CPU}:
            raise RefusedError(
                400,
                "kernel",
                f"kernel={str(wanted)[:80]!r} is not allowed: it must be {notebook.RAPIDS}, {notebook.CPU} or null.",
            )
        if compare is not None:
            if not isinstance(compare, list) or len(compare) != 2:
                raise RefusedError(400, "compare", "compare must be the names of two runs, or null.")
            compare = [_checked(name) for name in compare]
        try:
            settings = None if recipe is None else Recipe.from_dict(recipe)
        except RecipeError as error:
            raise RefusedError(400, "recipe", shown(f"The recipe cannot be used: {error}")) from None
        status = await asyncio.to_thread(kernelstatus.read)
        specs = await ensure_async(self.kernel_spec_manager.get_all_specs())
        default = str(self.kernel_manager.default_kernel_name)
        chosen, note = notebook.kernel(wanted, status, specs.keys(), default)
        spec = specs.get(chosen, {}).get("spec", {})
        text = notebook.content(spec, chosen, settings, compare, note)
        path = await notebook.put(contents, folder, root, text)
        self.tell({"path": path, "kernel": chosen, "note": note}, 201)

    def _asked(self) -> dict[str, Any]:
        try:
            asked = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError):
            asked = None
        allowed = ("path", "kernel", "recipe", "compare")
        if not isinstance(asked, dict) or not set(asked) <= set(allowed):
            raise RefusedError(400, "body", f"The body must be a JSON object with nothing but {', '.join(allowed)}.")
        return asked


class _Nothing(_Handler):
    @_answering
    async def get(self) -> None:
        raise RefusedError(404, "unknown", "There is no such address here. Reload the page: it may be an older one.")

    post = put = patch = delete = get


_ROUTES: tuple[tuple[str, type[_Handler]], ...] = (
    (r"hello", _Hello),
    (r"kernel", _Kernel),
    (r"kernel/log", _KernelLog),
    (r"kernel/retry", _Retry),
    (r"runs", _Runs),
    (r"runs/([^/]+)/recipe", _Recipe),
    (r"runs/([^/]+)/log", _Log),
    (r"runs/([^/]+)/report", _Report),
    (r"runs/([^/]+)/stop", _Stop),
    (r"notebook", _Notebook),
    (r".*", _Nothing),
)


def add(app: web.Application) -> None:
    """Add the routes to a server, under its base URL, whatever that is."""
    # A base URL may hold characters that mean something in a pattern: a user's name does.
    base = re.escape(url_path_join(app.settings["base_url"], "segwidgets", "api")) + "/"
    app.add_handlers(".*$", [(base + pattern, handler) for pattern, handler in _ROUTES])
