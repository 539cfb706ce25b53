"""openskill.py on the histories of `gsm bench rating`: processor nanoseconds of one match, as lines of JSON.

Arguments: players, matches."""
import json
import sys
import time

from openskill.models import BradleyTerryFull, PlackettLuce

PLAYERS, MATCHES = int(sys.argv[1]), int(sys.argv[2])
MASK = (1 << 64) - 1


def history(size):
    """Players of each match, drawn as in history.rs."""
    state = 0x9E3779B97F4A7C15
    for _ in range(MATCHES):
        drawn = []
        while len(drawn) < 2 * size:
            state ^= (state << 13) & MASK
            state ^= state >> 7
            state ^= (state << 17) & MASK
            player = ((state >> 32) * PLAYERS) >> 32
            if player not in drawn:
                drawn.append(player)
        yield drawn


def measured(model, matches, size):
    table = {player: model.rating() for drawn in matches for player in drawn}
    began = time.process_time()
    for nth, drawn in enumerate(matches):
        sides = [[table[player] for player in drawn[:size]], [table[player] for player in drawn[size:]]]
        rated = model.rate(sides, ranks=[1, 2] if nth % 2 == 0 else [2, 1])
        for player, after in zip(drawn, rated[0] + rated[1]):
            table[player] = after
    return (time.process_time() - began) * 1e9 / len(matches)


for kind, size in (("1v1", 1), ("5v5", 5)):
    matches = list(history(size))
    for system, model in (("weng_lin", BradleyTerryFull()), ("plackett_luce", PlackettLuce())):
        found = {"peer": "openskill.py", "match": kind, "system": system, "ns": measured(model, matches, size)}
        print(json.dumps(found), flush=True)
