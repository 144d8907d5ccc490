"""The CloudFormation template: its scripts are put in from their files, and it is held against what AWS will say.

    python -m segwidgets.lifecycle.template [--check]

writes ``lifecycle/template.yaml`` of this checkout anew with today's scripts. ``--check`` only says whether it would.
cfn-lint checks a template's form; what it lets pass and AWS does not is looked for here.
"""

from __future__ import annotations

import argparse
import base64
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from segwidgets.jobs import instances
from segwidgets.lifecycle import files, looks, scripts
from segwidgets.lifecycle.errors import LifecycleError
from segwidgets.storage import write_atomic

#: Bytes of a template that CloudFormation takes with a call; a larger one needs a bucket.
MOST_BYTES = 51_200
#: The parameters that stand for the bundle in the scripts, in the order of `scripts.parts`.
URI, SHA256 = "BundleUri", "BundleSha256"

_ACCOUNT = re.compile(r"(?<![0-9a-f])\d{12}(?![0-9a-f])")
_SECRET = re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{16}|-----BEGIN|aws_secret_access_key", re.IGNORECASE)


def rendered(template: str) -> str:
    """A template with today's scripts between its marks; everything else stays.

    Raises:
        LifecycleError: a script or a mark is missing.
    """
    for name in scripts.HOOKS.values():
        template = _put(template, name)
    return template


def _put(template: str, name: str) -> str:
    begins, ends = f"# {name} begins\n", f"# {name} ends\n"
    if template.count(begins) != 1 or template.count(ends) != 1:
        raise LifecycleError(f"the template must have the lines {begins.strip()!r} and {ends.strip()!r}, once each.")
    head, _, rest = template.partition(begins)
    indent = head[head.rindex("\n") + 1 :]
    tail = rest.partition(ends)[2]
    before, between, after = (part.decode() for part in scripts.parts(name))
    lines = [
        *_block(before, "- - ", indent),
        f"{indent}  - !Ref {URI}\n",
        f"{indent}  - {_quoted(between)}\n",
        f"{indent}  - !Ref {SHA256}\n",
        *_block(after, "  - ", indent),
    ]
    return f"{head}{begins}{''.join(lines)}{indent}{ends}{tail}"


def _block(text: str, item: str, indent: str) -> Iterator[str]:
    """A text as one item of a list, line by line as it is: bash's ${…} means nothing to Fn::Join."""
    if not text.endswith("\n"):
        yield f"{indent}{item}|-\n"
    else:
        yield f"{indent}{item}|\n"
    for line in text.removesuffix("\n").split("\n"):
        yield f"{indent}    {line}\n" if line else "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


# -- what AWS will say -------------------------------------------------------------------------------------------------


def problems(template: Mapping[str, Any], text: str) -> list[str]:
    """What AWS would refuse, or what would not work there, although the template's form is right.

    Args:
        template: as read, with its intrinsic functions by their long names (``{"Fn::Join": …}``, ``{"Ref": …}``).
        text: its file's.
    """
    return [*_of_text(text), *_of_scripts(template), *_of_instance(template)]


def _of_text(text: str) -> Iterator[str]:
    size = len(text.encode())
    if size > MOST_BYTES:
        yield f"It has {size:,} bytes, and CloudFormation takes {MOST_BYTES:,}."
    for found in _ACCOUNT.finditer(text):
        yield f"It holds {found[0]}, which looks like an account's number."
    if _SECRET.search(text):
        yield "It holds what looks like a secret."


def _of_scripts(template: Mapping[str, Any]) -> Iterator[str]:
    parameters = template["Parameters"]
    longest = {URI: int(parameters[URI].get("MaxLength", scripts.MOST_BYTES)), SHA256: 64}
    found = False
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::SageMaker::NotebookInstanceLifecycleConfig":
            continue
        for hook, file in scripts.HOOKS.items():
            for entry in resource["Properties"].get(hook, ()):
                found = True
                script = joined(entry["Content"], {name: "x" * most for name, most in longest.items()})
                yield from (f"{name}.{hook} ({file}): {wrong}" for wrong in scripts.wrongs(script))
    if not found:
        yield "It has no lifecycle configuration with scripts."


def joined(content: Any, values: Mapping[str, str]) -> bytes:
    """The script that a template's ``Content`` becomes when its parameters have these values."""
    if isinstance(content, str):
        return base64.b64decode(content)
    between, parts = content["Fn::Base64"]["Fn::Join"]
    return str(between).join(values[part["Ref"]] if isinstance(part, Mapping) else str(part) for part in parts).encode()


def _of_instance(template: Mapping[str, Any]) -> Iterator[str]:
    parameters = template["Parameters"]
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::SageMaker::NotebookInstance":
            continue
        given = resource["Properties"]
        if given.get("PlatformIdentifier") != instances.PLATFORM:
            yield f"{name} must have PlatformIdentifier {instances.PLATFORM}: AWS starts no older one."
        types, words = _values(parameters, given.get("InstanceType"))
        for at, one in enumerate(types):
            judged = instances.judge(one, "notebook")
            warned = "warning" in words.lower() and one in words
            if judged.state == "refused" and (at == 0 or not warned):
                yield f"{name}.InstanceType: {judged.text} {judged.way_out}"
        for size in _values(parameters, given.get("VolumeSizeInGB"))[0][:1]:
            if int(size) < looks.LEAST_VOLUME:
                yield f"{name} has a volume of {size} GB: the RAPIDS kernel needs {looks.LEAST_VOLUME}."


def _values(parameters: Mapping[str, Any], value: Any) -> tuple[list[str], str]:
    """What a property may become, the default first, and its parameter's description."""
    if not isinstance(value, Mapping):
        return [str(value)] if value is not None else [], ""
    parameter = parameters[value["Ref"]]
    default = str(parameter.get("Default", ""))
    return [default, *(str(one) for one in parameter.get("AllowedValues", ()))], str(parameter.get("Description", ""))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the template of this checkout anew, or look whether that would change it. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m segwidgets.lifecycle.template", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when it is not up to date")
    options = parser.parse_args(argv)
    path = files.path(files.TEMPLATE)
    try:
        before = files.text(files.TEMPLATE).decode()
        after = rendered(before)
    except LifecycleError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if before == after:
        sys.stderr.write(f"{path} is up to date\n")
        return 0
    if options.check:
        sys.stderr.write(f"{path} is not up to date: run {parser.prog}\n")
        return 1
    write_atomic(path, after)
    sys.stderr.write(f"{path} was written anew\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
