"""A soak test that cannot fail is worth nothing: leaks of known size, in noise, must be seen, and noise must not."""

import random
import unittest

from slope import SAMPLES_LEAST, growth, step, verdicts


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

    def test_too_few(self):
        """A metric that has another name now, or came a few times only, has not been found to be constant."""
        few = series(0, 0, 1, n=SAMPLES_LEAST - 1)
        self.assertEqual(verdicts({"a": [], "b": few}, {"a": 5, "b": 5, "c": 5}),
                         {"a": (None, False), "b": (None, False), "c": (None, False)})
        self.assertTrue(verdicts({"b": few + [(999, 100)]}, {"b": 5})["b"][1])

    def test_late_leak(self):
        """What leaks in the last quarter only: descriptors, and memory in noise."""
        late = [(i, 40 + 4 * (i >= 90)) for i in range(120)]
        self.assertEqual(growth(late), 0)
        self.assertFalse(verdicts({"a": late}, {"a": 1}, step)["a"][1])
        for seed in range(20):
            noisy = [(at, value + 50 * (at >= 450)) for at, value in series(0, 3, seed)]
            self.assertFalse(verdicts({"a": noisy}, {"a": 10}, step)["a"][1])

    def test_no_step(self):
        """Joins in bursts, and a single high sample at the end."""
        bursts = [(i * 5, 40 + 9 * (i % 7 == 0)) for i in range(90)] + [(450, 80)]
        self.assertTrue(verdicts({"a": bursts}, {"a": 1}, step)["a"][1])


if __name__ == "__main__":
    unittest.main()
