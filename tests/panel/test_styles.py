"""All widgets share one page: no style sheet may dress another widget's elements."""

from __future__ import annotations

import collections
import re
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "segwidgets" / "frontend" / "src"
#: What the settings, the table and the history share on purpose (controls/look.css).
COMMON = {"sw-control"}


def leading(sheet: Path) -> set[str]:
    """The classes that rules of a sheet begin with: whatever bears one is dressed by it."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    selectors = re.sub(r"\{[^{}]*\}", "\n", text)
    return {name for line in re.split(r"[,\n{]", selectors) if (name := line.strip().split(" ")[0].split(":")[0][1:])}


def test_no_two_widgets_begin_a_rule_with_the_same_class() -> None:
    owners: dict[str, list[str]] = collections.defaultdict(list)
    sheets = list(SOURCES.glob("*/style.css"))
    assert {"cloud", "heatmap", "kdist", "leaderboard", "segmenttable"} <= {sheet.parent.name for sheet in sheets}
    for sheet in sheets:
        for name in leading(sheet):
            if name.startswith("sw-"):
                owners[name.split(".")[0].split("[")[0]].append(sheet.parent.name)
    shared = {name: places for name, places in owners.items() if len(set(places)) > 1 and name not in COMMON}
    assert shared == {}
