"""The entry point under SageMaker's own toolkit, which starts a program as its containers do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from segwidgets.data import samples
from segwidgets.jobs import Job
from segwidgets.jobs.layout import Layout
from segwidgets.recipe import Recipe
from segwidgets.session import Session

PROGRAM = "import sys\nfrom segwidgets.jobs.train import main\nsys.exit(main(sys.argv[1:]))\n"
TOOLKIT = "import sys; from sagemaker_training.cli.train import main; sys.exit(main())"


def run_by_toolkit(layout: Layout, code: Path) -> subprocess.CompletedProcess[str]:
    (code / "program.py").write_text(PROGRAM)
    place = layout.config / "hyperparameters.json"
    told = {
        "sagemaker_program": "program.py",
        "sagemaker_submit_directory": str(code),
        "sagemaker_region": "eu-central-1",
    }
    place.write_text(json.dumps({**json.loads(place.read_text()), **told}))
    hosts = {
        "current_host": "localhost",
        "hosts": ["localhost"],
        "network_interface_name": "lo",
        "current_instance_type": "local",
        "current_group_name": "all",
        "instance_groups": [{"instance_group_name": "all", "instance_type": "local", "hosts": ["localhost"]}],
    }
    (layout.config / "resourceconfig.json").write_text(json.dumps(hosts))
    environment = {
        **os.environ,
        "SAGEMAKER_BASE_DIR": str(layout.base),
        "TRAINING_JOB_NAME": layout.base.name,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SEGWIDGETS_TRACKING_URI": layout.ledger.job["tracking_uri"],
    }
    return subprocess.run(
        [sys.executable, "-c", TOOLKIT], env=environment, capture_output=True, text=True, timeout=180, check=False
    )


def test_the_toolkit_runs_real_baskets_to_the_same_verdict(assembled: Callable[..., Layout], tmp_path: Path) -> None:
    table = samples.shopping_trips()
    layout = assembled(table, Session(table).run(Recipe().replace(n_epochs=50)))
    done = run_by_toolkit(layout, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert Job(layout.base).verdict == "exact"
    assert (layout.model / "model.json").exists()
    assert not (layout.base / "output" / "failure").exists()


def test_the_toolkit_hears_of_a_failure_and_its_reason_stands(assembled: Callable[..., Layout], tmp_path: Path) -> None:
    layout = assembled()
    (layout.channel("expected") / "labels.npy").write_bytes(b"")
    done = run_by_toolkit(layout, tmp_path)
    assert done.returncode != 0
    assert Job(layout.base).status == "failed"
