"""The whole town, made from one seed."""
from .assist import make_assist
from .blocks import make_blocks
from .buildings import make_buildings
from .density import Density
from .flood import make_floods
from .landslide import make_landslides
from .shelters import make_shelters
from .streets import make_network
from .terrain import Terrain


class Town:
    def __init__(self, seed):
        self.terrain = Terrain(seed)
        density = Density(seed, self.terrain)
        network = make_network(seed, self.terrain, density)
        self.streets = network.streets
        self.blocks, self.districts = make_blocks(seed, network, self.terrain, density)
        self.buildings = make_buildings(seed, self.blocks)
        self.floods = make_floods(self.terrain)
        self.landslides, self.landslide_survey = make_landslides(seed, self.terrain, self.districts)
        self.shelters = make_shelters(seed, self.blocks, self.districts, self.terrain, self.floods, self.landslides)
        self.assist = make_assist(seed, self.blocks)
