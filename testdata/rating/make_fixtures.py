"""Writes openskill_*.json and trueskill.json: what the reference libraries make of random matches.

    python3 -m venv venv && venv/bin/pip install openskill==6.2.0 trueskill==0.4.5 scipy
    venv/bin/python make_fixtures.py

The same seed gives the same matches; the README beside says what is left out and why.
"""

import importlib.metadata
import json
import pathlib
import random

import trueskill
from openskill import models

HERE = pathlib.Path(__file__).parent
CASES = 200
MODELS = {
    "bradley_terry_full": models.BradleyTerryFull,
    "bradley_terry_part": models.BradleyTerryPart,
    "thurstone_mosteller_full": models.ThurstoneMostellerFull,
    "thurstone_mosteller_part": models.ThurstoneMostellerPart,
    "plackett_luce": models.PlackettLuce,
}


def version(name, wanted):
    found = importlib.metadata.version(name)
    assert found == wanted, f"{name} is {found}, not {wanted}"
    return f"{name} {found}"


def match(rng, ties, shares):
    """Sides of comparable strength: far out in the tails openskill cuts its functions off."""
    sides = []
    for _ in range(rng.randint(2, 8)):
        players = rng.randint(1, 5)
        strength = rng.gauss(25, 4) / players
        side = []
        for _ in range(players):
            share = rng.choice([1, 1, 0.75, 0.5, 0.1]) if shares else 1
            side.append([round(rng.gauss(strength, 1), 3), round(rng.uniform(1, 8.3), 3), share])
        sides.append(side)
    n = len(sides)
    places = [rng.randint(1, n) for _ in sides] if ties else rng.sample(range(1, n + 1), n)
    return places, sides


def case(system, places, sides, after):
    return {
        "system": system,
        "sides": [{"place": place, "players": side} for place, side in zip(places, sides)],
        "after": [[[float(f"{x:.11g}") for x in player] for player in side] for side in after],
    }


def write(name, source, cases):
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (HERE / name).write_text(f'{{"source":{json.dumps(source)},"cases":[\n{lines}\n]}}\n')


def openskill_cases(name, model):
    rng = random.Random(name)
    cases = []
    while len(cases) < CASES:
        changed = {}
        if rng.random() < 0.3:
            changed = {"beta": round(rng.uniform(2, 8), 3), "tau": round(rng.uniform(0, 0.5), 3)}
            if name.startswith("thurstone"):
                changed["epsilon"] = round(rng.uniform(0.05, 1), 3)
            if name.endswith("part"):
                changed["window"] = rng.randint(1, 7)
        places, sides = match(rng, ties=rng.random() < 0.5, shares=False)
        # Which of two tied sides is the neighbour depends on the order of input: only where all are neighbours.
        window = changed.get("window", 4)
        if name.endswith("part") and len(set(places)) < len(places) and len(sides) > window + 1:
            continue
        arguments = {"window_size" if key == "window" else key: value for key, value in changed.items()}
        rater = model(**arguments)
        teams = [[rater.rating(mu=mu, sigma=sigma) for mu, sigma, _ in side] for side in sides]
        after = rater.rate(teams, ranks=places)
        after = [[(player.mu, player.sigma) for player in side] for side in after]
        cases.append(case({"system": "weng_lin", "model": name, **changed}, places, sides, after))
    return cases


def trueskill_cases():
    rng = random.Random("trueskill")
    cases = []
    while len(cases) < CASES:
        changed = {}
        if rng.random() < 0.4:
            changed = {
                "beta": round(rng.uniform(2, 8), 3),
                "tau": round(rng.uniform(0, 0.5), 3),
                "draw_probability": round(rng.uniform(0.01, 0.5), 3),
            }
        places, sides = match(rng, ties=rng.random() < 0.5, shares=rng.random() < 0.3)
        # The chain depends on the order of tied sides; this is ours.
        order = sorted(zip(places, sides), key=lambda side: (side[0], -sum(p[0] * p[2] for p in side[1])))
        places, sides = [place for place, _ in order], [side for _, side in order]
        env = trueskill.TrueSkill(backend="scipy", **changed)
        groups = [tuple(env.create_rating(mu, sigma) for mu, sigma, _ in side) for side in sides]
        weights = [tuple(share for _, _, share in side) for side in sides]
        after = env.rate(groups, ranks=places, weights=weights, min_delta=1e-12)
        after = [[(player.mu, player.sigma) for player in side] for side in after]
        cases.append(case({"system": "true_skill", **changed}, places, sides, after))
    return cases


if __name__ == "__main__":
    source = version("openskill", "6.2.0")
    for name, model in MODELS.items():
        write(f"openskill_{name}.json", source, openskill_cases(name, model))
    write("trueskill.json", version("trueskill", "0.4.5") + ", backend scipy, min_delta 1e-12", trueskill_cases())
