"""Where the invented town lies: local metres (u east, v north of the middle) to the plane and to longitude and latitude."""
import numpy as np
import shapely
from pyproj import Transformer

PLANE = "EPSG:6677"        # JGD2011, plane rectangular zone IX
DEGREES = "EPSG:6668"      # JGD2011, longitude and latitude
EAST, NORTH = 6000.0, 66600.0   # plane coordinates of the middle, near 139.90E 36.60N

_down = Transformer.from_crs(PLANE, DEGREES, always_xy=True)
_up = Transformer.from_crs(DEGREES, PLANE, always_xy=True)


def to_plane(shape, decimals=2):
    """Local metres → plane metres, rounded as surveyed data is."""
    return shapely.transform(shape, lambda xy: np.round(xy + (EAST, NORTH), decimals))


def to_degrees(shape, decimals=8):
    def move(xy):
        lon, lat = _down.transform(xy[:, 0] + EAST, xy[:, 1] + NORTH)
        return np.round(np.column_stack([lon, lat]), decimals)
    return shapely.transform(shape, move)


def from_degrees(lon, lat):
    east, north = _up.transform(lon, lat)
    return np.asarray(east) - EAST, np.asarray(north) - NORTH
