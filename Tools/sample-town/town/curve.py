"""Smooth lines through a few points."""
import numpy as np


def smooth(points, step=25.0, closed=False):
    """A Catmull-Rom curve through the points, with a vertex about every `step` metres."""
    p = np.asarray(points, float)
    p = np.vstack([p[-1], p, p[0], p[1]]) if closed else np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    out = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:]):
        n = max(2, int(np.hypot(*(c - b)) / step))
        t = np.arange(n)[:, None] / n
        out.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    if not closed:
        out.append(p[-2:-1])
    return np.vstack(out)


def normals(points):
    """Unit vectors to the left of a line, one per vertex."""
    t = np.gradient(np.asarray(points), axis=0)
    t /= np.hypot(t[:, 0], t[:, 1])[:, None]
    return np.column_stack([-t[:, 1], t[:, 0]])


class Waves:
    """Gentle noise: a sum of plane waves, about between -1 and 1."""

    def __init__(self, chance, wavelength, count=6):
        self.waves = []
        for _ in range(count):
            a, l = chance.between(0, 2 * np.pi), wavelength * chance.between(0.7, 1.5)
            self.waves.append((2 * np.pi * np.cos(a) / l, 2 * np.pi * np.sin(a) / l, chance.between(0, 2 * np.pi)))

    def __call__(self, u, v):
        return sum(np.sin(a * u + b * v + c) for a, b, c in self.waves) / len(self.waves) ** 0.5 / 1.4
