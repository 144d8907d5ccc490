"""Where a SageMaker job of the panel runs: its settings, and the checks and the cost before it may be promoted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from segwidgets.panel import html

#: Settings that are text, what each is, and an example.
_TEXTS = {
    "role": ("role", "ARN of the role that the job takes on", "your own role"),
    "bucket": ("bucket", "Where data and results lie", "SageMaker's usual one"),
    "image": ("image", "The container", "segwidgets in your registry"),
    "instance_type": ("instance", "What it runs on", "ml.g4dn.xlarge"),
    "max_run": ("max run, s", "Seconds after which SageMaker stops it", "3600"),
    "kms_key": ("KMS key", "For what is written to S3", "the bucket's own"),
}
_SPOT: dict[str, str | bool] = {"by settings file": "", "yes": True, "no": False}


class Remote:
    """The fields of a SageMaker job. What is left empty is the settings file's, or the account's own.

    Args:
        check: called when the user asks for the checks.
        changed: called when a field changed: what was checked before is no longer what would be started.
        forced: called when the user asks, or no longer asks, for a start although the checks refuse.
    """

    def __init__(self, check: Callable[[], None], changed: Callable[[], None], forced: Callable[[], None]) -> None:
        style = {"description_width": "76px"}
        layout = widgets.Layout(width="300px")
        self.fields: dict[str, widgets.ValueWidget] = {
            name: widgets.Text(description=word, tooltip=told, placeholder=example, style=style, layout=layout)
            for name, (word, told, example) in _TEXTS.items()
        }
        self.fields["spot"] = widgets.Dropdown(
            options=list(_SPOT.items()), description="spot", style=style, layout=layout,
            tooltip="A spot instance is cheaper and may be taken away",
        )  # fmt: skip
        for field in self.fields.values():
            field.observe(lambda _: changed(), "value")
        self.check = widgets.Button(
            description="Check and price",
            icon="check-square-o",
            layout=widgets.Layout(width="auto", align_self="flex-start"),
            tooltip="Look at everything that could make the job fail, and what it may cost; nothing is started",
        )
        self.check.on_click(lambda _: check())
        self.report = widgets.HTML()
        self.force = widgets.Checkbox(
            description="Start it although it is refused", indent=False, layout=widgets.Layout(display="none")
        )
        self.force.observe(lambda _: forced(), "value")
        fields = widgets.HBox(list(self.fields.values()), layout=widgets.Layout(flex_flow="row wrap"))
        self.view = widgets.VBox(
            [widgets.HTML(html.group("SageMaker")), fields, self.check, self.report, self.force],
            layout=widgets.Layout(display="none"),
        )

    def keywords(self) -> dict[str, Any]:
        """The arguments of `promote` that are given.

        Raises:
            ValueError: ``max_run`` is no whole number.
        """
        given: dict[str, Any] = {}
        for name, field in self.fields.items():
            value = field.value.strip() if isinstance(field.value, str) else field.value
            if value in {"", None}:
                continue
            given[name] = _whole(name, value) if name == "max_run" else value
        return given

    def offer_force(self, *, offered: bool) -> None:
        """Show or hide the way past a refusal; it must be asked for anew after each check."""
        self.force.value = False
        self.force.layout.display = "" if offered else "none"

    def show(self, *, shown: bool) -> None:
        """Unfold or fold the fields."""
        self.view.layout.display = "" if shown else "none"


def _whole(name: str, text: str) -> int:
    try:
        return int(text.replace(",", "").replace("_", ""))
    except ValueError:
        raise ValueError(f"{name}={text!r} is not allowed: it must be a whole number of seconds, from 1.") from None
