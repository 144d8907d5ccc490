"""Which backend is taken, and what is said where a GPU cannot be."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from segwidgets.compute import backend
from segwidgets.compute.backend import Backend, BackendError, choose, cpu


class Device:
    """A cupy module for one imagined GPU; ``trouble`` is raised where it is first asked."""

    def __init__(self, count: int = 1, capability: tuple[int, int] = (9, 0)) -> None:
        self.count, self.capability = count, capability
        self.asked = 0
        self.on_count: Exception | None = None
        self.on_memory: Exception | None = None

    def module(self) -> Any:
        module = ModuleType("cupy")
        runtime = SimpleNamespace(
            getDeviceCount=self._count,
            getDevice=lambda: 0,
            getDeviceProperties=lambda _: {
                "name": b"NVIDIA H100 80GB HBM3", "major": self.capability[0], "minor": self.capability[1]
            },
        )  # fmt: skip
        module.__dict__.update(cuda=SimpleNamespace(runtime=runtime), zeros=self._zeros)
        return module

    def _count(self) -> int:
        self.asked += 1
        if self.on_count is not None:
            raise self.on_count
        return self.count

    def _zeros(self, size: int, dtype: str) -> Any:
        if self.on_memory is not None:
            raise self.on_memory
        return SimpleNamespace(get=lambda: np.zeros(size, dtype))


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    backend._answer.cache_clear()
    yield
    backend._answer.cache_clear()


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    """One GPU that answers, and cuML installed."""
    device = Device()
    monkeypatch.setitem(sys.modules, "cupy", device.module())
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: name if name == "cuml" else real(name, *rest))
    return device


def test_the_gpu_is_taken_where_one_answers(device: Device) -> None:
    assert choose() == Backend("cuml", "NVIDIA H100 80GB HBM3", "A GPU answers and cuML is installed.")
    assert choose("cuml").name == "cuml"


def test_the_cpu_is_taken_where_it_is_asked_for(device: Device) -> None:
    assert choose("cpu") == cpu()
    assert choose("cpu").name == "cpu"
    assert choose("cpu").device.startswith("CPU, ")
    assert not device.asked


def test_a_missing_cupy_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.delitem(sys.modules, "cuml", raising=False)
    chosen = choose()
    assert chosen.name == "cpu"
    assert "cupy" in chosen.reason


def test_a_missing_cuml_is_the_reason_with_the_command(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    assert choose().reason == (
        'The CPU computes: cuML is not installed (install it with: pip install "segwidgets[gpu]").'
    )


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (
            "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version",
            "no NVIDIA driver",
        ),
        ("cudaErrorNoDevice: no CUDA-capable device is detected", "no NVIDIA GPU answers"),
        ("cudaErrorECCUncorrectable: uncorrectable ECC error\nmore", "(RuntimeError: cudaErrorECCUncorrectable: unc"),
    ],
)
def test_what_cuda_says_is_put_into_words(device: Device, trouble: str, reason: str) -> None:
    device.on_count = RuntimeError(trouble)
    chosen = choose()
    assert chosen.name == "cpu"
    assert reason in chosen.reason
    assert "\n" not in chosen.reason


def test_a_listed_gpu_without_memory_does_not_count(device: Device) -> None:
    device.on_memory = MemoryError("out of memory")
    assert "does not answer (MemoryError: out of memory)" in choose().reason


def test_no_gpu_at_all_is_the_reason(device: Device) -> None:
    device.count = 0
    assert choose().reason == "The CPU computes: no NVIDIA GPU answers."


def test_a_gpu_too_old_for_cuml_is_named(device: Device) -> None:
    device.capability = (6, 1)
    assert "NVIDIA H100 80GB HBM3 has compute capability 6.1, and cuML needs 7.0" in choose().reason


def test_cuml_asked_for_and_not_there_is_an_error_with_the_way_out(device: Device) -> None:
    device.count = 0
    with pytest.raises(BackendError, match=r"no NVIDIA GPU answers\. Take backend='cpu', or 'auto'"):
        choose("cuml")


def test_an_unknown_name_is_refused_with_those_allowed() -> None:
    with pytest.raises(ValueError, match=r"backend='gpu' is not known: take 'auto', 'cpu' or 'cuml'"):
        choose("gpu")


def test_the_device_is_asked_once_unless_again(device: Device) -> None:
    choose()
    choose("cuml")
    assert device.asked == 1
    device.count = 0
    assert choose().name == "cuml"
    assert choose(again=True).name == "cpu"
    assert device.asked == 2


def test_importing_it_imports_neither_cupy_nor_cuml() -> None:
    import subprocess

    code = "import segwidgets.compute.backend, sys; print({'cupy', 'cuml', 'cudf'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
