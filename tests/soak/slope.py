"""Whether a series grows. Pure."""

from statistics import median

# Fewer say nothing: what is not measured (any more) has not been found to be constant.
SAMPLES_LEAST = 10


def growth(samples):
    """samples: [(seconds, value)], at least two. What the series gained from its first to its last moment, by the median
    of the slopes between all pairs (Theil and Sen): a few outliers, such as a burst of joins, do not move it."""
    slopes = [(b - a) / (t - s) for i, (s, a) in enumerate(samples) for t, b in samples[i + 1:] if t > s]
    return median(slopes) * (samples[-1][0] - samples[0][0]) if slopes else 0.0


def step(samples):
    """How much higher the median of the last tenth is than that of the first (of five samples at least). It sees what began
    so late that the slopes of most pairs do not know of it."""
    n = max(len(samples) // 10, SAMPLES_LEAST // 2)
    return median(value for _, value in samples[-n:]) - median(value for _, value in samples[:n])


def verdicts(series, limits, measure=growth):
    """series: {name: samples}; limits: {name: most of the measure that is allowed}. Returns {name: (measured, is_within)};
    None, and not within, where there are too few samples."""
    result = {}
    for name, limit in limits.items():
        samples = series.get(name, [])
        gained = measure(samples) if len(samples) >= SAMPLES_LEAST else None
        result[name] = (gained, gained is not None and gained < limit)
    return result
