"""Metrics by name. A new one is an entry of `METRICS`; a new correlation is an entry of `CORRELATIONS`."""

from __future__ import annotations

import math

import numpy as np

from repro.errors import ReproError
from repro.metrics import averages, geometry
from repro.metrics.base import AGGREGATIONS, Metric, Statistic, of_resamples
from repro.metrics.classification import accuracy, accuracy_draws, f1
from repro.metrics.correlation import CORRELATIONS
from repro.metrics.ranking import auc, gigabytes
from repro.metrics.regression import squared_error

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *(
            Metric(
                f"{name}-{aggregation}",
                Statistic(correlation.value, correlation.resampled, correlation.together),
                low=-100,
                aggregation=aggregation,
                scale=100,
            )
            for name, correlation in CORRELATIONS.items()
            for aggregation in AGGREGATIONS
        ),
        Metric(
            "spearman-median",
            Statistic(CORRELATIONS["spearman"].value, CORRELATIONS["spearman"].resampled),
            low=-100,
            scale=100,
            over_seeds="median",
        ),
        *(  # of what a regressor was trained to predict; those of similarities are `pearson-all` and so on
            Metric(
                f"regressor-{name}",
                Statistic(CORRELATIONS[name].value, CORRELATIONS[name].resampled, CORRELATIONS[name].together),
                low=-100,
                scale=100,
            )
            for name in ("pearson", "spearman")
        ),
        Metric("regressor-mse", of_resamples(squared_error), higher_is_better=False, high=25),
        Metric("regressor-dev-pearson", Statistic(lambda dev: float(dev[0])), low=-100, scale=100),
        Metric("accuracy", of_resamples(accuracy, accuracy_draws)),
        Metric("dev-accuracy", Statistic(lambda folds: float(np.mean(folds)))),  # on what chose a probe's penalty
        Metric("f1", of_resamples(f1)),
        Metric("auc", of_resamples(auc)),
        Metric("mrr-at-10", of_resamples(averages.mean), high=1),
        Metric("index-gb", Statistic(gigabytes), higher_is_better=False, high=math.inf),
        Metric("alignment", Statistic(geometry.alignment), higher_is_better=False, high=4),
        Metric("uniformity", Statistic(geometry.uniformity), higher_is_better=False, low=-8, high=0),
        Metric("cosine", Statistic(geometry.average_cosine), higher_is_better=False, low=-1, high=1),
        Metric("isoscore", Statistic(geometry.isoscore), high=1),
        *(
            Metric(name, of_resamples(averages.mean), higher_is_better=False, high=math.inf)
            for name in ("word-norm", *(f"word-distance-{k}" for k in (3, 5, 7)))
        ),
        *(Metric(f"word-product-{k}", of_resamples(averages.mean), low=-math.inf, high=math.inf) for k in (3, 5, 7)),
        Metric("sentences-per-second", Statistic(lambda runs: float(np.median(runs))), high=math.inf, of_machine=True),
        *(
            Metric(name, Statistic(lambda seconds: float(seconds[0])), False, high=math.inf, of_machine=True)
            for name in ("encode-seconds", "search-seconds", "closest-pair-seconds")
        ),
        Metric("pairs-per-second", of_resamples(averages.rate), high=math.inf, of_machine=True),
        Metric("search-milliseconds", of_resamples(averages.median), False, high=math.inf, of_machine=True),
        Metric("hours-for-all-pairs", of_resamples(averages.mean), False, high=math.inf, of_machine=True),
    )
}


def metric(name: str) -> Metric:
    """The metric of that name; ReproError lists those there are."""
    if name not in METRICS:
        raise ReproError(f"the metric {name!r} is unknown; there are: {', '.join(METRICS)}")
    return METRICS[name]


__all__ = ["METRICS", "metric"]
