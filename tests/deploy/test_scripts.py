from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from segwidgets.lifecycle import scripts
from segwidgets.lifecycle.errors import LifecycleError

URI, SHA256 = "s3://team.bucket/a/b=c/segwidgets-kernel-0123456789abcdef.tar.gz", "0f" * 32


@pytest.mark.parametrize("uri", [URI, "/home/ec2-user/SageMaker/a bundle (1).tar.gz"])
def test_both_scripts_get_the_bundle(project: Path, uri: str) -> None:
    for hook, text in scripts.filled(uri, SHA256).items():
        before = (project / "lifecycle" / scripts.HOOKS[hook]).read_text().splitlines()
        changed = [line for line in text.decode().splitlines() if line not in before]
        assert changed == [f"BUNDLE_URI='{uri}'", f"BUNDLE_SHA256='{SHA256}'"]


def test_bash_reads_what_was_filled_in(project: Path) -> None:
    for text in scripts.filled(URI, SHA256).values():
        assert subprocess.run(["bash", "-n"], input=text, check=False).returncode == 0
        lines = [line for line in text.decode().splitlines() if line.startswith("BUNDLE_")]
        told = subprocess.run(
            ["bash", "-c", "\n".join([*lines, 'echo "$BUNDLE_URI $BUNDLE_SHA256"'])],
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.split() == [URI, SHA256]


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "s3://bucket",
        "s3://Bucket/key",
        "https://bucket/key",
        "relative/path",
        "s3://bucket/it's",
        "s3://bucket/a\nb",
        "s3://bucket/$(reboot)",
        "s3://bucket/ä",
        "/a\\b",
    ],
)
def test_an_address_that_bash_or_s3_would_take_otherwise_is_refused(project: Path, uri: str) -> None:
    with pytest.raises(LifecycleError, match="is not allowed: s3://bucket/key, or a full path"):
        scripts.filled(uri, SHA256)


@pytest.mark.parametrize("sha256", ["", "0f", "0F" * 32, "0g" * 32, "0f" * 32 + "\n"])
def test_a_checksum_that_is_none_is_refused(project: Path, sha256: str) -> None:
    with pytest.raises(LifecycleError, match="it is 64 hexadecimal digits"):
        scripts.filled(URI, sha256)


def test_windows_line_ends_are_gone_in_what_is_deployed(project: Path) -> None:
    plain = scripts.filled(URI, SHA256)
    for name in scripts.HOOKS.values():
        file = project / "lifecycle" / name
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert scripts.filled(URI, SHA256) == plain


@pytest.mark.parametrize("lines", ["", "BUNDLE_SHA256=''\nBUNDLE_URI=''\n", "BUNDLE_URI=''\nBUNDLE_SHA256=''\n" * 2])
def test_a_script_without_its_two_lines_is_refused(project: Path, lines: str) -> None:
    file = project / "lifecycle" / "on-start.sh"
    file.write_text(file.read_text().replace("BUNDLE_URI=''\nBUNDLE_SHA256=''\n", lines))
    with pytest.raises(LifecycleError, match="once, one after the other"):
        scripts.filled(URI, SHA256)


def test_a_missing_script_is_named(project: Path) -> None:
    (project / "lifecycle" / "on-create.sh").unlink()
    with pytest.raises(LifecycleError, match=r"on-create\.sh is missing.*bring it back with git"):
        scripts.filled(URI, SHA256)


# -- what SageMaker takes ----------------------------------------------------------------------------------------------

GOOD = b"#!/bin/bash\nexit 0\n"


def test_the_real_scripts_fit_with_a_long_address(project: Path) -> None:
    for text in scripts.filled(f"s3://{'b' * 63}/{'k' * 230}", SHA256).values():
        assert scripts.wrongs(text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + b"#" * (scripts.MOST_BYTES - len(GOOD)) + b"\n", "12,289 bytes, 16,388 characters in base64"),
        (b"\n" + GOOD, "does not begin with #!"),
        (b"\xef\xbb\xbf" + GOOD, "does not begin with #!"),
        (GOOD.replace(b"\n", b"\r\n"), "CR LF"),
        (GOOD + b"\r", "CR LF"),
        (GOOD + b"\0\n", "NUL"),
        (GOOD + b"exit", "last line does not end"),
        (GOOD + b"# \xe4\n", "not UTF-8"),
    ],
)
def test_what_sagemaker_or_the_instance_would_refuse_is_told(text: bytes, words: str) -> None:
    with pytest.raises(LifecycleError) as caught:
        scripts.check("on-start.sh", text)
    assert str(caught.value).startswith("on-start.sh cannot be deployed: ")
    assert words in " ".join(scripts.wrongs(text))


def test_a_script_of_the_largest_size_passes() -> None:
    text = GOOD + b"#" * (scripts.MOST_BYTES - len(GOOD) - 1) + b"\n"
    assert len(base64.b64encode(text)) == scripts.MOST_CHARACTERS
    assert scripts.wrongs(text) == []


# -- what is in AWS ----------------------------------------------------------------------------------------------------


def test_what_aws_has_is_read_back(project: Path) -> None:
    after = scripts.filled(URI, SHA256)
    said = {hook: [{"Content": scripts.encoded(text)}] for hook, text in after.items()}
    assert scripts.decoded(said) == after
    assert scripts.diff(after, after) == ""


@pytest.mark.parametrize("content", [None, [], [{}], [{"Content": ""}]])
def test_a_hook_without_a_script_is_an_empty_one(content: object) -> None:
    assert scripts.decoded({"OnStart": content}) == {"OnCreate": b"", "OnStart": b""}


def test_what_is_not_base64_is_something_else(project: Path) -> None:
    assert scripts.decoded({"OnStart": [{"Content": "a"}]})["OnStart"] == b"a"


def test_ours_are_told_from_others(project: Path) -> None:
    for text in scripts.filled(URI, SHA256).values():
        assert scripts.is_ours(text)
        assert scripts.is_ours(text.replace(b"\n", b"\r\n"))
    assert not scripts.is_ours(b"#!/bin/bash\nconda activate rapids\n")


def test_a_new_configuration_is_all_new_in_the_diff(project: Path) -> None:
    lines = scripts.diff({}, scripts.filled(URI, SHA256)).splitlines()
    assert lines[:2] == ["--- /dev/null", "+++ on-create.sh (to be)"]
    assert f"+BUNDLE_URI='{URI}'" in lines
