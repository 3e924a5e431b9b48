"""Whether a series grows. Pure."""

from statistics import median


def growth(samples):
    """samples: [(seconds, value)], at least two. What the series gained from its first to its last moment, by the median
    of the slopes between all pairs (Theil and Sen): a few outliers, such as a burst of joins, do not move it."""
    slopes = [(b - a) / (t - s) for i, (s, a) in enumerate(samples) for t, b in samples[i + 1:] if t > s]
    return median(slopes) * (samples[-1][0] - samples[0][0]) if slopes else 0.0


def verdicts(series, limits):
    """series: {name: samples}; limits: {name: most growth that is allowed}. Returns {name: (growth, is_within)}."""
    return {name: (growth(series[name]), growth(series[name]) < limit) for name, limit in limits.items()}
