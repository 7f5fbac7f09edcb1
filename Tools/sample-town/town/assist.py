"""Invented numbers of people who need help to evacuate (避難行動要支援者), per block. No person stands behind them."""
from .chance import Chance


def make_assist(seed, blocks):
    """(block, needing help, of them living alone, with a plan made)"""
    chance = Chance(seed, "assist")
    rows = []
    for block in blocks:
        people = sum(b.people for b in block.buildings)
        needing = sum(chance.happens(0.032) for _ in range(people))
        if needing:
            alone = sum(chance.happens(0.4) for _ in range(needing))
            planned = None if chance.happens(0.03) else sum(chance.happens(0.55) for _ in range(needing))
            rows.append((block, needing, alone, planned))
    return rows
