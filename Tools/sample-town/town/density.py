"""How built-up a place is: 0 in fields and woods, 1 in the centre; and which quarters were laid out on a plan."""
import numpy as np

from .chance import Chance

CENTRE = (250, 950)
# (u, v, spread in metres, weight, laid out on a plan)
QUARTERS = [(*CENTRE, 640, 1.05, True), (-600, 1150, 420, 0.75, False), (250, -1180, 560, 0.85, True), (-1150, -420, 420, 0.75, False),
            (1250, 650, 430, 0.7, False), (2350, 1150, 330, 0.5, True), (1250, -1500, 360, 0.45, False), (-250, 1950, 380, 0.5, True),
            # hamlets at the foot of the hills
            (-1880, -880, 150, 0.5, False), (-1840, 180, 140, 0.45, False), (-2080, 1560, 140, 0.5, False), (-1750, -1950, 130, 0.45, False), (-1950, -1400, 120, 0.4, False),
            (-1720, 1980, 150, 0.45, False), (-2700, 1830, 110, 0.4, False)]
INDUSTRY = (1050, 2000, 430)


class Density:
    def __init__(self, seed, terrain):
        chance = Chance(seed, "villages")
        self.terrain = terrain
        self.quarters = list(QUARTERS)
        while len(self.quarters) < len(QUARTERS) + 15:
            u, v = chance.between(-2600, 3000), chance.between(-2500, 2600)
            if self.terrain.hill(u, v) < 3 and self.terrain.river_distance(u, v)[0] > 260 and \
               all(np.hypot(u - a, v - b) > 520 + 0.3 * s for a, b, s, _, _ in self.quarters):
                self.quarters.append((u, v, chance.between(110, 190), chance.between(0.35, 0.5), False))

    def __call__(self, u, v):
        most = max(w * np.exp(-((u - a) ** 2 + (v - b) ** 2) / (2 * s * s)) for a, b, s, w, _ in self.quarters)
        hill = float(self.terrain.hill(u, v))
        return float(min(1, most)) * (1 if hill < 4 else max(0, 1 - (hill - 4) / 22))

    def planned(self, u, v):
        return any(p and np.hypot(u - a, v - b) < 1.15 * s for a, b, s, _, p in self.quarters)

    def industry(self, u, v):
        return np.hypot(u - INDUSTRY[0], v - INDUSTRY[1]) < INDUSTRY[2]

    def block_area(self, u, v):
        """The size in m² below which a block is not divided further."""
        if self.industry(u, v):
            return 42_000
        if self.terrain.hill(u, v) > 25:
            return 700_000
        return float(np.exp(np.interp(self(u, v), [0, 0.06, 0.2, 0.45, 0.75, 1], np.log([220_000, 110_000, 26_000, 10_500, 7_200, 5_000]))))
