from __future__ import annotations

import sys

import pytest

from segwidgets.jobs import instances
from segwidgets.jobs.instances import instance, judge

TRAINING_FAMILIES = ("m5", "m6i", "m7i", "c5", "c6i", "c7i", "r5", "g4dn", "g5", "g6", "g6e", "p3", "p4d", "p5")


@pytest.mark.parametrize("family", TRAINING_FAMILIES)
def test_every_type_of_a_usual_family_is_described(family: str) -> None:
    of_it = [name for name in instances.names("training") if name.startswith(f"ml.{family}.")]
    assert of_it
    assert all(instance(name) is not None for name in of_it)


def test_every_described_gpu_type_is_one_that_aws_has() -> None:
    for family, (_, sizes) in instances._WITH_GPU.items():
        for size in sizes:
            assert f"ml.{family}.{size}" in instances.names("training")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ml.m5.xlarge", "4 vCPUs, 16 GiB"),
        ("ml.m6i.large", "2 vCPUs, 8 GiB"),
        ("ml.c5.9xlarge", "36 vCPUs, 72 GiB"),
        ("ml.r5.12xlarge", "48 vCPUs, 384 GiB"),
        ("ml.m7i.48xlarge", "192 vCPUs, 768 GiB"),
        ("ml.g4dn.xlarge", "4 vCPUs, 16 GiB, T4 (Turing, 16 GB)"),
        ("ml.g5.12xlarge", "48 vCPUs, 192 GiB, 4 x A10G (Ampere, 24 GB)"),
        ("ml.p5.48xlarge", "192 vCPUs, 2048 GiB, 8 x H100 (Hopper, 80 GB)"),
    ],
)
def test_a_type_is_told_in_words(name: str, words: str) -> None:
    found = instance(name)
    assert found is not None
    assert found.words == words


@pytest.mark.parametrize("name", ["ml.m5.huge", "ml.g5.3xlarge", "ml.g99.xlarge", "g5.xlarge", ""])
def test_what_is_not_known_is_not_made_up(name: str) -> None:
    assert instance(name) is None


@pytest.mark.parametrize(
    "name", ["ml.p2.xlarge", "ml.p3.2xlarge", "ml.p3dn.24xlarge", "ml.inf1.xlarge", "ml.g3.4xlarge"]
)
def test_a_notebook_type_that_the_platform_lost_is_refused_with_alternatives(name: str) -> None:
    found = judge(name, "notebook")
    assert found.state == "refused"
    assert "notebook-al2023-v1" in found.text
    for other in ("ml.g4dn.xlarge", "ml.g5.xlarge", "ml.g6.xlarge"):
        assert other in found.way_out
        assert judge(other, "notebook").state == "ok"


def test_force_makes_a_refusal_a_warning_that_still_says_why() -> None:
    found = judge("ml.p3.2xlarge", "notebook", force=True)
    assert found.state == "warning"
    assert "notebook-al2023-v1" in found.text


def test_volta_is_a_warning_for_training() -> None:
    found = judge("ml.p3.2xlarge", "training")
    assert found.state == "warning"
    assert "CUDA 13" in found.text


@pytest.mark.parametrize(("name", "why"), [("ml.p2.xlarge", "Kepler"), ("ml.trn1.2xlarge", "NVIDIA")])
def test_hardware_that_rapids_cannot_use_is_refused(name: str, why: str) -> None:
    found = judge(name, "training")
    assert found.state == "refused"
    assert why in found.text


@pytest.mark.parametrize(
    ("name", "right"),
    [("ml.g4dn.xlrage", "ml.g4dn.xlarge"), ("g4dn.xlarge", "ml.g4dn.xlarge"), ("ML.G5.XLARGE", "ml.g5.xlarge")],
)
def test_a_misspelt_type_is_refused_with_the_nearest_right_one(name: str, right: str) -> None:
    found = judge(name, "training")
    assert found.state == "refused"
    assert f"Did you mean {right!r}?" in found.text


@pytest.mark.parametrize("name", ["ml.m5.xlarge", "ml.g4dn.xlarge", "ml.g6e.xlarge", "ml.p4d.24xlarge"])
def test_a_usual_type_is_taken(name: str) -> None:
    assert judge(name, "training").state == "ok"


def test_a_type_that_only_aws_knows_is_taken_and_said_to_be_unknown_here() -> None:
    found = judge("ml.p6-b200.48xlarge", "training")
    assert found.state == "ok"
    assert "not known here" in found.text


def test_without_botocore_the_families_are_judged_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    instances.names.cache_clear()
    try:
        assert judge("ml.p3.2xlarge", "notebook").state == "refused"
        assert judge("ml.g5.xlarge", "training").state == "ok"
    finally:
        instances.names.cache_clear()
