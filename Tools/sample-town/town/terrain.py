"""The invented land: a plain, hills in the west, the river 見本川, its small tributary 見取川, and the town's boundary."""
import numpy as np
import shapely
from shapely.geometry import LineString, Polygon

from .chance import Chance
from .curve import Waves, normals, smooth

RIVER = [(-4300, 1750), (-3500, 1380), (-2850, 1600), (-2150, 1000), (-1500, 1090), (-800, 330), (-150, 330), (450, -330), (1150, -180),
         (1750, -900), (2500, -860), (3250, -1620), (4300, -1750)]
TRIBUTARY = [(1500, 3700), (1750, 2900), (1500, 2300), (2050, 1650), (1850, 900), (2350, 350), (2150, -250), (2480, -860)]
BOUNDARY = [(-3350, 300), (-3480, 1000), (-3100, 1700), (-2700, 2350), (-1900, 2500), (-1200, 2950), (-300, 2750), (500, 2900), (1300, 2620),
            (2200, 2780), (2750, 2200), (2700, 1500), (3200, 900), (3050, 100), (3350, -700), (3150, -1700), (2450, -2050), (2150, -2650),
            (1200, -2500), (400, -2850), (-500, -2550), (-1300, -2750), (-2000, -2300), (-2700, -2250), (-3000, -1500), (-2800, -800)]


class Terrain:
    def __init__(self, seed):
        chance = Chance(seed, "terrain")
        self.ridges, self.knolls = Waves(chance, 1150), Waves(chance, 420)
        self.hollows, self.fine = Waves(chance, 700), Waves(chance, 260)
        edge = smooth(BOUNDARY, 60, closed=True)
        bend, small = Waves(chance, 900), Waves(chance, 330)
        edge = edge + np.column_stack([110 * bend(*edge.T) + 18 * small(*edge.T), 110 * bend(*edge[:, ::-1].T) + 18 * small(*edge[:, ::-1].T)])
        self.boundary = Polygon(edge).buffer(0)

        line = smooth(RIVER, 20)
        line = line + normals(line) * (45 * Waves(chance, 900)(*line.T))[:, None]
        self.river = LineString(line)
        width = 62 + 14 * Waves(chance, 800)(*line.T)          # half of the distance between the levees
        water = 24 + 6 * Waves(chance, 500)(*line.T)           # half of the low-water channel
        middle = line + normals(line) * (16 * Waves(chance, 600)(*line.T))[:, None]
        self.banks = ribbon(line, width)
        self.water = ribbon(middle, water).intersection(self.banks.buffer(-6))

        small_line = smooth(TRIBUTARY, 20)
        small_line = small_line + normals(small_line) * (30 * Waves(chance, 400)(*small_line.T))[:, None]
        self.tributary = LineString(small_line)
        self.stream = self.tributary.buffer(7, quad_segs=2).difference(self.banks)
        self.river_marks = shapely.STRtree(shapely.points(line))
        self.river_line = line

    def river_distance(self, u, v):
        """Metres to the centre line of 見本川, and how far along it (0 upstream to 1 downstream)."""
        u, v = np.broadcast_arrays(np.asarray(u, float), np.asarray(v, float))
        where = self.river_marks.nearest(shapely.points(u.ravel(), v.ravel()))
        near = self.river_line[where]
        return np.hypot(near[:, 0] - u.ravel(), near[:, 1] - v.ravel()).reshape(u.shape), (where / len(self.river_line)).reshape(u.shape)

    def hill(self, u, v):
        """Height above the plain in metres: 0 on the plain, up to about 170 in the west; the river keeps a valley through it."""
        foot = -1800 + 230 * np.sin(v / 560 + 0.8) + 130 * np.sin(v / 233) + 130 * np.cos(v / 1500)
        depth = np.maximum(0, foot - u)
        shape = 1 + 0.34 * self.ridges(u, v) + 0.22 * self.knolls(u, v)
        gap, _ = self.river_distance(u, v)
        valley = 1 - np.exp(-((np.maximum(0, gap - 190) / 430) ** 1.6))
        return np.maximum(0, 165 * (1 - np.exp(-depth / 620)) * shape * valley)

    def rise(self, u, v):
        """How far the ground lies above the ordinary flood level beside the river, in metres."""
        gap, along = self.river_distance(u, v)
        terrace = 2.6 / (1 + np.exp(-(gap - 720 - 230 * self.hollows(u, v)) / 45))
        gorge = 0.030 * np.exp(-((along - 0.12) / 0.07) ** 2)
        return gap * (0.0042 + gorge) + terrace + 0.75 * self.hollows(u, v) + 0.45 * self.fine(u, v) + self.hill(u, v)


def ribbon(line, half_width):
    side = normals(line) * np.asarray(half_width)[:, None]
    return Polygon(np.vstack([line + side, (line - side)[::-1]])).buffer(0)
