"""Random numbers that depend on the seed and on what they are for, so that a change in one part leaves the others as they were."""
import random
import zlib


class Chance(random.Random):
    def __init__(self, seed, purpose):
        super().__init__(seed * 1_000_003 + zlib.crc32(purpose.encode()))

    def between(self, low, high):
        return low + (high - low) * self.random()

    def happens(self, probability):
        return self.random() < probability

    def pick(self, weights):
        """One key of {key: weight}."""
        rest = self.random() * sum(weights.values())
        for key, weight in weights.items():
            rest -= weight
            if rest < 0:
                return key
        return key
