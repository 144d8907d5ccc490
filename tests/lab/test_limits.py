"""What a kernel's environment may do wrong: hang, print garbage or without end, vanish. The server stays well."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segwidgets.lab import asking, routes
from segwidgets.lab.questions import Questions
from segwidgets.lab.refused import RefusedError, shown
from segwidgets.lab.shared import LaterError, Shared

from .conftest import Ask

ROW = {"name": "a", "status": "completed", "experiment": "x", "started": "2026-11-26T10:00:00+00:00"}


@pytest.fixture
def hasty(jp_serverapp: Any, jp_root_dir: Path) -> Callable[..., None]:
    """Gives the server other limits than those it has for real."""

    def limits(**settings: Any) -> None:
        async def specs() -> dict[str, Any]:
            return {}

        jp_serverapp.web_app.settings[routes.QUESTIONS] = Questions(jp_root_dir, specs, **settings)

    return limits


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


async def test_a_hung_command_is_killed_with_all_that_it_started(
    ask: Ask, hasty: Callable[..., None], pretend: Callable[[str], Path], tmp_path: Path
) -> None:
    # Deaf to the polite signal, with a child that is deaf too.
    pretend(f"trap '' TERM; sleep 600 & echo $! >'{tmp_path}/child'; echo $$ >'{tmp_path}/parent'; wait; sleep 600")
    hasty(seconds=1.0, patience=60.0)
    answer = await ask("runs/a/log")
    assert (answer.status, answer.json["reason"]) == (504, "hung")
    assert "“segwidgets job” had not answered after 1 s and was stopped" in answer.json["message"]
    for name in ("child", "parent"):
        assert not _alive(int((tmp_path / name).read_text()))


async def test_a_slow_list_keeps_nobody_waiting(
    ask: Ask, hasty: Callable[..., None], pretend: Callable[[str], Path]
) -> None:
    # The jobs ask AWS and take long; what is tracked is there.
    pretend(f"case \"$*\" in *jobs*) sleep 3; echo '[]';; *) echo '{json.dumps([ROW])}';; esac")
    hasty(patience=1.5, seconds=60.0)
    begun = time.monotonic()
    said = (await ask("runs")).json
    assert time.monotonic() - begun < 3
    assert [row["name"] for row in said["runs"]] == ["a"]
    assert "Still reading the jobs" in said["problem"]
    deadline = time.monotonic() + 60
    while (said := (await ask("runs")).json)["problem"] and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    assert said["problem"] == ""


async def test_before_anything_was_read_the_answer_says_so(
    ask: Ask, hasty: Callable[..., None], pretend: Callable[[str], Path]
) -> None:
    pretend("sleep 2; echo '[]'")
    hasty(patience=0.2, seconds=60.0)
    answer = await ask("runs")
    assert answer.status == 200
    assert (answer.json["runs"], answer.json["as_of"]) == ([], None)
    assert "Still reading the tracked runs" in answer.json["problem"]
    later = await ask("runs/a/recipe")
    assert (later.status, later.json["reason"]) == (503, "later")


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "nonsense",
        "{}",
        "[1]",
        '[{"name": "a"}]',
        "[NaN]",
        '[{"name": "a", "status": NaN}]',
        "[" * 100_000,
        "\\0377",
    ],
)
async def test_garbage_is_told_from_an_answer(
    printed: str, ask: Ask, pretend: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "printed").write_text(printed)
    pretend(f"cat '{tmp_path}/printed'")
    answer = await ask("runs")
    assert (answer.status, answer.json["reason"]) == (502, "garbage")
    assert "Bring both to one version" in answer.json["message"]


async def test_a_command_that_prints_without_end_is_stopped(
    ask: Ask, hasty: Callable[..., None], pretend: Callable[[str], Path]
) -> None:
    pretend("exec yes")
    hasty(limit=1_000_000, patience=60.0)
    answer = await ask("runs/a/recipe")
    assert (answer.status, answer.json["reason"]) == (502, "flood")
    assert "printed more than 1 MB" in answer.json["message"]


async def test_of_a_long_log_the_end_is_kept(ask: Ask, pretend: Callable[[str], Path]) -> None:
    pretend(f"exec '{sys.executable}' -c 'for n in range(300_000): print(\"line\", n)'")
    answer = await ask("runs/a/log", lines="2")
    assert answer.json["lines"] == ["line 299998", "line 299999"]


async def test_the_list_says_where_it_ends(ask: Ask, pretend: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "printed").write_text(json.dumps([{**ROW, "name": f"run-{number}"} for number in range(5_001)]))
    pretend(f"case \"$*\" in *jobs*) echo '[]';; *) cat '{tmp_path}/printed';; esac")
    said = (await ask("runs", offset="4999", limit="5000")).json
    assert (said["total"], len(said["runs"])) == (5_000, 1)
    assert said["problem"] == "Only the newest 5,000 runs are listed."


async def test_a_flood_on_stderr_hurts_nobody(ask: Ask, pretend: Callable[[str], Path]) -> None:
    pretend("head -c 5000000 /dev/zero >&2; echo '[]'")
    assert (await ask("runs")).json["runs"] == []


async def test_a_crash_is_told_by_its_last_line(ask: Ask, pretend: Callable[[str], Path]) -> None:
    pretend("echo 'Traceback' >&2; echo 'OSError: no numpy at https://ana:s3cret@host/' >&2; exit 1")
    answer = await ask("runs/a/recipe")
    assert (answer.status, answer.json["reason"]) == (502, "kernel-broken")
    assert "exit 1" in answer.json["message"]
    assert "OSError: no numpy" in answer.json["message"]
    assert "s3cret" not in answer.text


async def test_what_the_kernels_environment_lacks_is_told_with_the_way_out(
    ask: Ask, pretend: Callable[[str], Path]
) -> None:
    pretend("echo \"segwidgets: No module named 'numpy'\" >&2; exit 2")
    answer = await ask("runs/a/recipe")
    assert answer.json["message"].endswith(
        "No module named 'numpy' Install what it needs in that environment: pip install segwidgets"
    )


async def test_an_older_command_line_is_told_by_its_version(ask: Ask, pretend: Callable[[str], Path]) -> None:
    pretend(
        'case "$*" in *--version*) echo segwidgets 0.0.1;; '
        "*) echo 'segwidgets: error: unrecognized arguments: --recipe' >&2; exit 2;; esac"
    )
    answer = await ask("runs/a/recipe")
    assert answer.status == 502


async def test_a_python_that_cannot_be_run_is_told(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_bytes(b"\x7fELF nothing")
    program.chmod(0o755)
    monkeypatch.setenv("SEGWIDGETS_PYTHON", str(program))
    answer = await ask("runs")
    assert (answer.status, answer.json["reason"]) == (503, "kernel-missing")
    assert str(program) in answer.json["message"]


async def test_ten_tabs_cost_one_command(ask: Ask, pretend: Callable[[str], Path]) -> None:
    calls = pretend(f"sleep 0.5; echo '{json.dumps([ROW])}'")
    answers = await asyncio.gather(*(ask("runs") for _ in range(10)))
    assert {answer.json["total"] for answer in answers} == {1}
    assert sorted(line.split()[2] for line in calls.read_text().splitlines()) == ["jobs", "leaderboard"]


async def test_a_fresh_answer_costs_nothing(ask: Ask, pretend: Callable[[str], Path]) -> None:
    calls = pretend("echo '[]'")
    for _ in range(5):
        assert (await ask("runs")).status == 200
    assert len(calls.read_text().splitlines()) == 2


async def test_answers_are_kept_for_many_runs_at_once(pretend: Callable[[str], Path], tmp_path: Path) -> None:
    async def specs() -> dict[str, Any]:
        return {}

    calls = pretend("echo x")
    questions = Questions(tmp_path, specs, patience=60.0)
    for name in [f"job-{number}" for number in range(40)]:
        await questions.log(name, 1)
    before = len(calls.read_text().splitlines())
    await questions.log("job-39", 1)
    assert (before, len(calls.read_text().splitlines())) == (40, 40)


async def test_a_stop_is_an_order_and_given_each_time(ask: Ask, pretend: Callable[[str], Path]) -> None:
    calls = pretend('echo \'{"status": "stopped"}\'')
    for _ in range(2):
        assert (await ask("runs/a/stop", post=True)).status == 202
    assert len(calls.read_text().splitlines()) == 2


async def test_commands_wait_for_a_place(
    ask: Ask, hasty: Callable[..., None], pretend: Callable[[str], Path], tmp_path: Path
) -> None:
    place = tmp_path / "running"
    place.mkdir()
    pretend(f"touch '{place}/'$$; ls '{place}' | wc -l >>'{tmp_path}/seen'; sleep 0.3; rm '{place}/'$$; echo x")
    hasty(patience=60.0)
    answers = await asyncio.gather(*(ask(f"runs/job-{number}/log") for number in range(8)))
    assert {answer.status for answer in answers} == {200}
    assert max(map(int, (tmp_path / "seen").read_text().split())) <= 3


async def test_more_questions_than_can_wait_are_refused(pretend: Callable[[str], Path], tmp_path: Path) -> None:
    async def specs() -> dict[str, Any]:
        return {}

    pretend("sleep 0.1; echo x")
    questions = Questions(tmp_path, specs, patience=60.0)
    asked = (questions.log(f"job-{number}", 1) for number in range(60))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if answer != ["x"]]
    assert 0 < len(refused) < 60
    assert {answer.reason for answer in refused if isinstance(answer, RefusedError)} == {"busy"}


async def test_a_stop_waits_for_no_list(
    ask: Ask, hasty: Callable[..., None], pretend: Callable[[str], Path], tmp_path: Path
) -> None:
    held = f"while [ ! -e '{tmp_path}/go' ]; do sleep 0.05; done; echo x"
    pretend(f'case "$*" in *--stop*) echo \'{{"status": "stopped"}}\';; *) {held};; esac')
    hasty(patience=60.0)
    logs = [asyncio.ensure_future(ask(f"runs/job-{number}/log")) for number in range(5)]
    await asyncio.sleep(0.5)
    assert (await ask("runs/a/stop", post=True)).status == 202
    assert not any(log.done() for log in logs)
    (tmp_path / "go").touch()
    assert {answer.status for answer in await asyncio.gather(*logs)} == {200}


async def test_a_stop_that_takes_long_is_accepted_and_goes_on(
    ask: Ask, hasty: Callable[..., None], pretend: Callable[[str], Path], tmp_path: Path
) -> None:
    pretend(f"sleep 1; touch '{tmp_path}/stopped'; echo '{{\"status\": \"stopped\"}}'")
    hasty(patience=0.2)
    assert (await ask("runs/a/stop", post=True)).status == 202
    deadline = time.monotonic() + 60
    while not (tmp_path / "stopped").exists() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    assert (tmp_path / "stopped").exists()


async def test_a_stop_that_is_not_allowed_is_a_conflict(ask: Ask, pretend: Callable[[str], Path]) -> None:
    pretend("echo 'segwidgets: AWS refused StopTrainingJob: ask for the permission.' >&2; exit 2")
    answer = await ask("runs/a/stop", post=True)
    assert answer.status == 409
    assert answer.json["message"] == "AWS refused StopTrainingJob: ask for the permission."


async def test_commands_are_given_no_secret_of_the_server_and_import_nothing_from_its_root(
    ask: Ask, pretend: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"):
        monkeypatch.setenv(name, "s3cret")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    pretend(f"env >'{tmp_path}/environment'; echo '[]'")
    await ask("runs")
    said = (tmp_path / "environment").read_text()
    assert "s3cret" not in said
    assert "AWS_PROFILE=mine" in said
    assert "PYTHONSAFEPATH=1" in said


async def test_an_old_answer_is_given_while_a_new_one_is_made(
    ask: Ask, pretend: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "printed").write_text(json.dumps([ROW]))
    pretend(f"cat '{tmp_path}/printed'")
    assert (await ask("runs")).json["total"] == 1
    (tmp_path / "printed").write_text(json.dumps([ROW, {**ROW, "name": "b"}]))
    deadline = time.monotonic() + 60
    while (said := (await ask("runs")).json)["total"] == 1 and time.monotonic() < deadline:
        assert said["problem"] == ""
        await asyncio.sleep(0.3)
    assert said["total"] == 2


async def test_when_the_new_answer_fails_the_old_one_is_told_with_the_reason(
    ask: Ask, pretend: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "printed").write_text(json.dumps([ROW]))
    pretend(f"cat '{tmp_path}/printed' || exit 1")
    await ask("runs")
    (tmp_path / "printed").unlink()
    deadline = time.monotonic() + 60
    while not (said := (await ask("runs")).json)["problem"] and time.monotonic() < deadline:
        await asyncio.sleep(0.3)
    assert said["total"] == 1
    assert "failed (exit 1)" in said["problem"]
    assert said["as_of"] < time.time() - 1


async def test_nothing_runs_when_nobody_asks(ask: Ask, pretend: Callable[[str], Path]) -> None:
    calls = pretend("echo '[]'")
    await ask("runs")
    before = calls.read_text()
    await asyncio.sleep(4)  # longer than the answer is fresh
    assert calls.read_text() == before


async def test_a_process_that_left_the_group_with_the_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    words = ["sh", "-c", f"setsid sleep 20 & echo $! >'{tmp_path}/pid'"]
    begun = time.monotonic()
    with pytest.raises(asking.HungError):
        await asking.run(words, cwd=tmp_path, env=dict(os.environ), timeout=1, limit=100)
    assert time.monotonic() - begun < 15


async def test_who_waits_is_told_of_the_time_out_and_the_work_goes_on() -> None:
    done: list[int] = []

    async def work() -> int:
        await asyncio.sleep(0.3)
        done.append(1)
        return 7

    shared = Shared(work, fresh=60)
    with pytest.raises(LaterError):
        await shared.get(0.01)
    assert (await shared.get(10)).value == 7
    assert done == [1]


async def test_what_happened_meanwhile_makes_an_answer_outdated() -> None:
    asked: list[int] = []

    async def work() -> int:
        asked.append(1)
        await asyncio.sleep(0.1)
        return len(asked)

    shared = Shared(work, fresh=60)
    waiting = asyncio.ensure_future(shared.get(10))
    await asyncio.sleep(0.02)
    shared.expire(now=True)  # a job is stopped while the list is being read
    await waiting
    await shared.get(10)
    await asyncio.sleep(0.3)
    assert (await shared.get(10)).value == 2


async def test_an_error_is_shared_too_and_not_tried_again_at_once() -> None:
    tried: list[int] = []

    async def work() -> int:
        tried.append(1)
        raise RefusedError(502, "garbage", "no")

    shared = Shared(work, fresh=60)
    for _ in range(3):
        with pytest.raises(RefusedError):
            await shared.get(10)
    assert tried == [1]


def test_a_long_message_is_cut_and_made_one_line() -> None:
    assert shown("a\n  b") == "a b"
    assert len(shown("x" * 5_000)) == 1_000
