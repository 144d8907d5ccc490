"""Where everything lies in a training container, and in a local job's folder, which is laid out the same.

The contract is SageMaker's: channels and configuration come in under ``input/``, what the job makes goes out under
``model/`` and ``output/data/``, and ``output/failure`` says why it failed.
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from segwidgets.tracking.ledger import Ledger

#: Bytes set aside at the start, so that a full disk leaves room for the reason.
_RESERVE = 16_384


@dataclasses.dataclass(frozen=True)
class Layout:
    """The directories under ``base``."""

    base: Path

    @classmethod
    def from_environment(cls) -> Layout:
        """Under ``$SAGEMAKER_BASE_DIR``, else ``/opt/ml``."""
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml"))

    @property
    def ledger(self) -> Ledger:
        """The job's own records."""
        return Ledger(self.base)

    @property
    def config(self) -> Path:
        """``hyperparameters.json``, ``inputdataconfig.json`` and ``resourceconfig.json``."""
        return self.base / "input" / "config"

    def channel(self, name: str) -> Path:
        """An input channel: ``recipe``, ``table``, ``embedding`` or ``expected``."""
        return self.base / "input" / "data" / name

    @property
    def model(self) -> Path:
        """What SageMaker packs as the model."""
        return self.base / "model"

    @property
    def output_data(self) -> Path:
        """What SageMaker packs as the output."""
        return self.base / "output" / "data"

    @property
    def result(self) -> Path:
        """The finished run's files, in a directory of their own: ``output/data`` may be a mount, never renamed."""
        return self.output_data / "result"

    @property
    def verdict(self) -> Path:
        """How the finished run compares with what was promoted."""
        return self.output_data / "verdict.json"

    def prepare(self) -> None:
        """Make the directories that the job writes to, and set room aside for the reason of a failure."""
        self.model.mkdir(parents=True, exist_ok=True)
        self.output_data.mkdir(parents=True, exist_ok=True)
        # Random bytes, because a file system may store zeros as a hole.
        (self.output_data.parent / ".reserve").write_bytes(os.urandom(_RESERVE))

    def release(self) -> None:
        """Give the room back."""
        (self.output_data.parent / ".reserve").unlink(missing_ok=True)
