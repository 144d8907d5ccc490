"""Sweeps: many recipes of one space on one table, chosen by a search, each a tracked run.

They run in this process, in others of this machine, on Dask, or as a tuning job of SageMaker, from the same space.
"""

from __future__ import annotations

from segwidgets.goals import OBJECTIVES, Limits
from segwidgets.sweeping.outcome import Sweep, Trial, setting
from segwidgets.sweeping.search import sweep
from segwidgets.sweeping.tuning import TuningPlan, plan_tuning
from segwidgets.sweeping.tuningjob import Tuning

__all__ = ["OBJECTIVES", "Limits", "Sweep", "Trial", "Tuning", "TuningPlan", "plan_tuning", "setting", "sweep"]
