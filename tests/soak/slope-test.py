"""A soak test that cannot fail is worth nothing: leaks of known size, in noise, must be seen, and noise must not."""

import random
import unittest

from slope import growth, verdicts


def series(slope, noise, seed, n=120, step=5):
    chance = random.Random(seed)
    return [(i * step, 100 + slope * i * step + chance.uniform(-noise, noise)) for i in range(n)]


class Slope(unittest.TestCase):
    def test_straight(self):
        self.assertAlmostEqual(growth([(0, 1), (10, 3), (20, 5)]), 4)
        self.assertEqual(growth([(0, 7), (5, 7)]), 0)
        self.assertEqual(growth([(0, 7), (0, 9)]), 0)

    def test_leak_in_noise(self):
        for seed in range(20):
            leak = growth(series(10 / 600, 3, seed))
            self.assertTrue(8 < leak < 12, leak)

    def test_noise_alone(self):
        for seed in range(20):
            self.assertLess(abs(growth(series(0, 3, seed))), 1.5)

    def test_bursts(self):
        samples = series(0, 0.1, 1)
        for i in range(0, len(samples), 10):
            samples[i] = (samples[i][0], 400)
        self.assertLess(abs(growth(samples)), 1)

    def test_steps(self):
        """One thread more after each quarter."""
        self.assertGreaterEqual(growth([(i, i // 30) for i in range(120)]), 3)

    def test_verdicts(self):
        result = verdicts({"a": series(0, 1, 1), "b": series(0.1, 1, 1)}, {"a": 5, "b": 5})
        self.assertEqual([ok for _, ok in result.values()], [True, False])


if __name__ == "__main__":
    unittest.main()
