"""What an instance type has (processors, memory, GPU, disk), and whether it is any good for its use.

Figures are AWS's, from https://aws.amazon.com/ec2/instance-types/; which names there are is asked of botocore, offline.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import Literal

from segwidgets.data.errors import nearest

Use = Literal["training", "notebook"]
#: What notebook instances run today; Amazon Linux 2 can be neither created nor started again.
PLATFORM = "notebook-al2023-v1"

_NAME = re.compile(r"ml\.(?P<family>[a-z0-9-]+)\.(?P<size>[a-z0-9]+)")


@dataclasses.dataclass(frozen=True)
class GPU:
    """A kind of GPU: ``memory`` is GB of one, ``capability`` NVIDIA's compute capability."""

    name: str
    architecture: str
    capability: tuple[int, int]
    memory: int


@dataclasses.dataclass(frozen=True)
class Instance:
    """What an instance type has. ``memory`` is GiB; ``disk`` is GB of built-in disk, 0 where it takes a volume."""

    name: str
    vcpus: int
    memory: float
    gpu: GPU | None = None
    gpus: int = 0
    disk: int = 0

    @property
    def words(self) -> str:
        """In a few words, for a list."""
        parts = [f"{self.vcpus} vCPUs", f"{self.memory:g} GiB"]
        if self.gpu is not None:
            many = f"{self.gpus} x " if self.gpus > 1 else ""
            parts.append(f"{many}{self.gpu.name} ({self.gpu.architecture}, {self.gpu.memory} GB)")
        return ", ".join(parts)


@dataclasses.dataclass(frozen=True)
class Judgement:
    """Whether a type is good for a use: ``text`` says why, ``way_out`` what to take instead."""

    state: Literal["ok", "warning", "refused", "unknown"]
    text: str
    way_out: str = ""


_K80 = GPU("K80", "Kepler", (3, 7), 12)
_V100 = GPU("V100", "Volta", (7, 0), 16)
_V100_32 = GPU("V100", "Volta", (7, 0), 32)
_T4 = GPU("T4", "Turing", (7, 5), 16)
_A10G = GPU("A10G", "Ampere", (8, 6), 24)
_A100 = GPU("A100", "Ampere", (8, 0), 40)
_A100_80 = GPU("A100", "Ampere", (8, 0), 80)
_L4 = GPU("L4", "Ada", (8, 9), 24)
_L40S = GPU("L40S", "Ada", (8, 9), 48)
_H100 = GPU("H100", "Hopper", (9, 0), 80)

#: By size: vCPUs, GiB of memory, GPUs, GB of built-in disk.
_WITH_GPU: dict[str, tuple[GPU, dict[str, tuple[int, int, int, int]]]] = {
    "p2": (_K80, {"xlarge": (4, 61, 1, 0), "8xlarge": (32, 488, 8, 0), "16xlarge": (64, 732, 16, 0)}),
    "p3": (_V100, {"2xlarge": (8, 61, 1, 0), "8xlarge": (32, 244, 4, 0), "16xlarge": (64, 488, 8, 0)}),
    "p3dn": (_V100_32, {"24xlarge": (96, 768, 8, 1_800)}),
    "p4d": (_A100, {"24xlarge": (96, 1_152, 8, 8_000)}),
    "p4de": (_A100_80, {"24xlarge": (96, 1_152, 8, 8_000)}),
    "p5": (_H100, {"4xlarge": (16, 256, 1, 3_840), "48xlarge": (192, 2_048, 8, 30_720)}),
    "g4dn": (
        _T4,
        {
            "xlarge": (4, 16, 1, 125),
            "2xlarge": (8, 32, 1, 225),
            "4xlarge": (16, 64, 1, 225),
            "8xlarge": (32, 128, 1, 900),
            "12xlarge": (48, 192, 4, 900),
            "16xlarge": (64, 256, 1, 900),
        },
    ),
    "g5": (
        _A10G,
        {
            "xlarge": (4, 16, 1, 250),
            "2xlarge": (8, 32, 1, 450),
            "4xlarge": (16, 64, 1, 600),
            "8xlarge": (32, 128, 1, 900),
            "12xlarge": (48, 192, 4, 3_800),
            "16xlarge": (64, 256, 1, 1_900),
            "24xlarge": (96, 384, 4, 3_800),
            "48xlarge": (192, 768, 8, 7_600),
        },
    ),
    "g6": (
        _L4,
        {
            "xlarge": (4, 16, 1, 250),
            "2xlarge": (8, 32, 1, 450),
            "4xlarge": (16, 64, 1, 600),
            "8xlarge": (32, 128, 1, 900),
            "12xlarge": (48, 192, 4, 3_760),
            "16xlarge": (64, 256, 1, 1_880),
            "24xlarge": (96, 384, 4, 3_760),
            "48xlarge": (192, 768, 8, 7_520),
        },
    ),
    "g6e": (
        _L40S,
        {
            "xlarge": (4, 32, 1, 250),
            "2xlarge": (8, 64, 1, 450),
            "4xlarge": (16, 128, 1, 600),
            "8xlarge": (32, 256, 1, 900),
            "12xlarge": (48, 384, 4, 3_800),
            "16xlarge": (64, 512, 1, 1_900),
            "24xlarge": (96, 768, 4, 3_800),
            "48xlarge": (192, 1_536, 8, 7_600),
        },
    ),
}
#: GiB of memory for each vCPU, of the families without a GPU.
_WITHOUT_GPU = {
    **dict.fromkeys(("m4", "m5", "m6i", "m7i", "m8i", "m7i-flex", "m8i-flex"), 4.0),
    **dict.fromkeys(("c5", "c6i", "c7i", "c8i", "c7i-flex", "c8i-flex"), 2.0),
    **dict.fromkeys(("r5", "r6i", "r7i", "r8i", "r8i-flex"), 8.0),
}
_OTHER_CHIPS = re.compile(r"(?:trn|inf)\d.*")
_REFUSED_ON_NOTEBOOKS = ("p2", "p3", "p3dn", "inf1", "g3", "g3s")
#: RAPIDS of the container runs on GPUs from this capability on.
_LEAST = (7, 0)
_GOOD = "ml.g4dn.xlarge (T4), ml.g5.xlarge (A10G) or ml.g6.xlarge (L4)"


def instance(name: str) -> Instance | None:
    """What the type has; None where its figures are not known here (which says nothing against it)."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    family, size = found["family"], found["size"]
    if family in _WITH_GPU:
        gpu, sizes = _WITH_GPU[family]
        if size not in sizes:
            return None
        vcpus, memory, gpus, disk = sizes[size]
        return Instance(name, vcpus, float(memory), gpu, gpus, disk)
    times = re.fullmatch(r"(\d*)xlarge", size)
    if family in _WITHOUT_GPU and (times or size == "large"):
        vcpus = 4 * int(times[1] or 1) if times else 2
        return Instance(name, vcpus, vcpus * _WITHOUT_GPU[family])
    return None


@functools.cache
def names(use: Use) -> tuple[str, ...]:
    """The types that the installed botocore knows for a use; none where it is not installed. Asks no network."""
    try:
        import botocore.session
    except ImportError:
        return ()
    model = botocore.session.get_session().get_service_model("sagemaker")
    return tuple(model.shape_for("TrainingInstanceType" if use == "training" else "InstanceType").enum)


def judge(name: str, use: Use, *, force: bool = False) -> Judgement:
    """Whether a type is good for training jobs, or for notebook instances of today's platform.

    ``force`` turns a refusal into a warning, for whoever knows better.
    """
    found = _judge(name, use)
    if force and found.state == "refused":
        return Judgement("warning", f"{found.text} It is tried all the same.", found.way_out)
    return found


def _judge(name: str, use: Use) -> Judgement:
    parts = _NAME.fullmatch(name)
    what = f"instance_type={name!r}"
    if parts is None:
        hint = nearest("ml." + name.lower().removeprefix("ml."), names(use))
        return Judgement("refused", f"{what} is no instance type: they are named like 'ml.g4dn.xlarge'.{hint}")
    family = parts["family"]
    if use == "notebook" and family in _REFUSED_ON_NOTEBOOKS:
        return Judgement(
            "refused",
            f"{what} does not run on today's notebook platform: {PLATFORM} has no support for ml.p2, ml.p3, ml.p3dn, "
            "ml.inf1 and ml.g3, although AWS still lists them.",
            f"Take {_GOOD}.",
        )
    known = names(use)
    if known and name not in known:
        return Judgement(
            "refused",
            f"{what} is not known for {use}.{nearest(name, known)}",
            "Where AWS has it since lately, update boto3.",
        )
    return _by_hardware(name, family, what)


def _by_hardware(name: str, family: str, what: str) -> Judgement:
    if _OTHER_CHIPS.fullmatch(family):
        return Judgement(
            "refused",
            f"{what} has AWS's own chips, which nothing here can use: RAPIDS needs a GPU of NVIDIA's.",
            f"Take {_GOOD}, or ml.m6i.xlarge without a GPU.",
        )
    has = instance(name)
    if has is None:
        return Judgement("ok", f"{name}: AWS has it; its memory and GPU are not known here.")
    if has.gpu is not None and has.gpu.capability < _LEAST:
        return Judgement(
            "refused",
            f"{what} has {has.gpu.name} GPUs ({has.gpu.architecture}), which RAPIDS does not run on: it needs Volta or "
            "later.",
            f"Take {_GOOD}.",
        )
    if has.gpu is not None and has.gpu.architecture == "Volta":
        return Judgement(
            "warning",
            f"{name}: {has.words}. The container's CUDA 12 still runs on Volta; CUDA 13 does not, and AWS has ever "
            "fewer of them.",
            f"{_GOOD} are newer.",
        )
    return Judgement("ok", f"{name}: {has.words}.")
