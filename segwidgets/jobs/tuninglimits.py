"""AWS's limits on a tuning job, held before the call.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segwidgets.jobs.limits import check_request
from segwidgets.jobs.spec import SpecError, check_name

NAME = 32
TRIALS, PARALLEL = 750, 100
RANGES, VALUES, METRICS, VARIABLES = 30, 30, 20, 48
#: Seconds that a tuning job may be given, where it is given any.
SECONDS = (120, 15_768_000)


def check_tuning(request: Mapping[str, Any]) -> None:
    """SpecError unless the arguments of CreateHyperParameterTuningJob are within AWS's limits; names the way out."""
    name = check_name("name", request.get("HyperParameterTuningJobName"), NAME)
    config, job = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    limits = config["ResourceLimits"]
    _within("budget", limits["MaxNumberOfTrainingJobs"], 1, TRIALS, "Sweep a smaller space, or twice.")
    most = min(PARALLEL, limits["MaxNumberOfTrainingJobs"])
    _within("workers", limits["MaxParallelTrainingJobs"], 1, most, "It is training jobs at once.")
    if "MaxRuntimeInSeconds" in limits:
        _within("seconds", limits["MaxRuntimeInSeconds"], *SECONDS, "Leave it out for no such end.")
    ranges = [one for kind in config["ParameterRanges"].values() for one in kind]
    _within("settings in space", len(ranges), 1, RANGES, "Leave some to the recipe.")
    for one in config["ParameterRanges"].get("CategoricalParameterRanges", []):
        _within(f"values of {one['Name']}", len(one["Values"]), 1, VALUES, "Leave some out, or give (low, high).")
    _within("metrics", len(job["AlgorithmSpecification"].get("MetricDefinitions", [])), 1, METRICS, "Leave some out.")
    _within("environment variables", len(job.get("Environment") or {}), 0, VARIABLES, "Leave some out.")
    tuned = {one["Name"]: max(one.get("Values") or [one.get("MaxValue", "")], key=len) for one in ranges}
    # Everything else is a training job's, by the same limits.
    check_request(
        {
            **{key: value for key, value in job.items() if key != "HyperParameterTuningResourceConfig"},
            "ResourceConfig": job.get("ResourceConfig") or job.get("HyperParameterTuningResourceConfig"),
            "TrainingJobName": name,
            "HyperParameters": {**job.get("StaticHyperParameters", {}), **tuned},
            "Tags": request.get("Tags") or [],
        }
    )


def _within(what: str, value: int, low: int, high: int, way_out: str) -> None:
    if not low <= value <= high:
        raise SpecError(f"{what}={value!r} is not allowed: it must be from {low:,} to {high:,}. {way_out}")
