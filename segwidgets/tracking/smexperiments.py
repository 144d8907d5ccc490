"""The classes of ``sagemaker-experiments``, imported without what their import does to this process."""

from __future__ import annotations

import logging
import threading
from typing import Any, NamedTuple

from segwidgets.data.errors import missing_extra

_LOCK = threading.Lock()


class Classes(NamedTuple):
    """What we use of it."""

    Experiment: Any
    Trial: Any
    TrialComponent: Any
    Tracker: Any
    Status: Any
    MetricsWriter: Any
    search_expression: Any

    def inside(self, experiment: str) -> Any:
        """The search expression for what belongs to an experiment."""
        terms = self.search_expression
        return terms.SearchExpression(
            filters=[terms.Filter(name="Parents.ExperimentName", operator=terms.Operator.EQUALS, value=experiment)]
        )


def classes() -> Classes:
    """The classes; raises MissingExtraError where the package is not installed.

    Its import calls ``logging.basicConfig(level=INFO)``: root logger and handlers are put back, or else every library
    of a notebook would begin to talk.
    """
    root = logging.getLogger()
    with _LOCK:
        level, handlers = root.level, list(root.handlers)
        try:
            from smexperiments import metrics, search_expression
            from smexperiments.api_types import TrialComponentStatus
            from smexperiments.experiment import Experiment
            from smexperiments.tracker import Tracker
            from smexperiments.trial import Trial
            from smexperiments.trial_component import TrialComponent
        except ImportError as error:
            raise missing_extra("aws", "SageMaker Experiments") from error
        finally:
            root.setLevel(level)
            for handler in [one for one in root.handlers if one not in handlers]:
                root.removeHandler(handler)
    return Classes(
        Experiment,
        Trial,
        TrialComponent,
        Tracker,
        TrialComponentStatus,
        metrics.SageMakerFileMetricsWriter,
        search_expression,
    )
