"""Rules of the language on the wire: who meets whom. What must not meet is left over when others of the same pool do."""
import pytest
from conftest import rules

SKILL = {"name": "skill", "type": "number", "default": 10}
MAPS = {"name": "maps", "type": "string_list", "default": []}
ROLE = {"name": "role", "type": "string", "default": "any"}
LIKES = {"name": "likes", "type": "string_number_map", "default": {}}
ATTRIBUTES = [SKILL, MAPS, ROLE, LIKES]
FLAT = "flatten(teams[*].players.attributes[skill])"
DUEL = (("left", 1, 1), ("right", 1, 1))


def of(*given, teams=DUEL, **more):
    named = [{"name": f"r{at}", **rule} for at, rule in enumerate(given)]
    return rules(teams=teams, playerAttributes=ATTRIBUTES, **({"rules": named} if named else {}), **more)


def value(of):
    if isinstance(of, str):
        return {"S": of}
    if isinstance(of, dict):
        return {"SDM": of}
    return {"SL": of} if isinstance(of, list) else {"N": of}


class Pool:
    """One configuration; tickets by the attributes of their players."""

    def __init__(self, mm, body, **more):
        self.mm, self.config = mm, mm.config(body, **more)

    def __call__(self, *players, lat=None, **attributes):
        players = players or ({},)
        each = [{**attributes, **player} for player in players]
        lats = [player.pop("lat", lat) for player in each]
        return self.mm.start(self.config, *[
            {"PlayerId": self.mm.name("p"), "PlayerAttributes": {name: value(given) for name, given in player.items()},
             **({} if at is None else {"LatencyInMs": at})} for player, at in zip(each, lats)])

    def backfill(self, *teams, **attributes):
        given = {name: value(of) for name, of in attributes.items()}
        players = [{"PlayerId": self.mm.name("p"), "Team": team, "PlayerAttributes": given} for team in teams]
        return self.mm.start(self.config, *players, backfill=True)

    def meet(self, *tickets):
        found = self.mm.until("COMPLETED", *tickets)
        teams = {}
        for ticket in found:
            for player in ticket["Players"]:
                teams.setdefault(player["Team"], []).append(player["PlayerId"])
        return {name: len(of) for name, of in teams.items()}

    def wait(self, *tickets):
        assert [self.mm.get(ticket)["Status"] for ticket in tickets] == ["SEARCHING"] * len(tickets)


def compared(operation, reference, measurement=FLAT, **more):
    rule = {"type": "comparison", "operation": operation, "measurements": [measurement], **more}
    return {**rule, "referenceValue": reference} if reference is not None else rule


@pytest.mark.parametrize("rule, bad, good", [
    (compared("<", 10), 10, 9), (compared("<=", 10), 11, 10), (compared("=", 10), 10.5, 10), (compared("!=", 10), 10, 11),
    (compared(">=", 10), 9, 10), (compared(">", 10), 10, 10.001), (compared("=", "-7.5"), 7.5, -7.5),
    (compared(">=", 5, "min(teams[left].players.attributes[skill])", partyAggregation="min"), 4, 5),
], ids=str)
def test_a_comparison_with_a_number(mm, rule, bad, good):
    pool = Pool(mm, of(rule, teams=(("left", 1, 1),)))
    waits = pool(skill=bad)
    pool.meet(pool(skill=good))
    pool.wait(waits)


@pytest.mark.parametrize("function, skills, expected", [
    ("min", (3, 9, 6), 3), ("max", (3, 9, 6), 9), ("avg", (3, 9, 6), 6), ("sum", (3, 9, 6), 18), ("median", (3, 9, 7), 7),
    ("median", (1, 2, 10, 20), 6), ("count", (3, 9, 6), 3), ("stddev", (2, 4, 4, 4, 5, 5, 7, 9), 2),
])
def test_an_aggregate(mm, function, skills, expected):
    body = of(compared("=", expected, f"{function}(teams[left].players.attributes[skill])"),
              teams=(("left", len(skills), len(skills)),))
    pool = Pool(mm, body)
    assert pool.meet(*[pool(skill=skill) for skill in skills]) == {"left": len(skills)}


def test_all_of_one_role_and_all_of_different_ones(mm):
    roles = "flatten(teams[*].players.attributes[role])"
    alike = Pool(mm, of(compared("=", None, roles)))
    odd, pair = alike(role="tank"), [alike(role="mage"), alike(role="mage")]
    alike.meet(*pair)
    alike.wait(odd)
    different = Pool(mm, of(compared("!=", None, roles), teams=(("left", 2, 2), ("right", 1, 1))))
    first = [different(role="tank"), different(role="tank"), different(role="mage")]
    different.meet(first[0], first[2], different(role="bard"))
    different.wait(first[1])


def test_a_split_that_greed_does_not_find(mm):
    averages = {"type": "distance", "measurements": ["avg(teams[*].players.attributes[skill])"],
                "referenceValue": f"avg({FLAT})", "maxDistance": 5}
    pool = Pool(mm, of(averages, teams=(("left", 2, 2), ("right", 2, 2))))
    assert pool.meet(*[pool(skill=skill) for skill in (10, 30, 30, 50)]) == {"left": 2, "right": 2}


@pytest.mark.parametrize("aggregation, meets", [("min", 12), ("max", 28), ("avg", 20)])
def test_a_party_counts_as_one(mm, aggregation, meets):
    near = {"type": "distance", "measurements": [f"max({FLAT})"], "referenceValue": f"min({FLAT})", "maxDistance": 1,
            "partyAggregation": aggregation}
    pool = Pool(mm, of(near, teams=(("left", 2, 2), ("right", 1, 1))))
    party = pool({"skill": 12}, {"skill": 28})
    others = {of: pool(skill=of) for of in (12, 20, 28)}
    pool.meet(party, others.pop(meets))
    pool.wait(*others.values())


def collected(operation, **more):
    return {"type": "collection", "operation": operation, "measurements": ["flatten(teams[*].players.attributes[maps])"], **more}


def test_collections(mm):
    shared = Pool(mm, of(collected("intersection", minCount=2)))
    odd = shared(maps=["ice", "sea"])
    shared.meet(shared(maps=["ice", "mud", "sky"]), shared(maps=["sky", "mud"]))
    shared.wait(odd)
    party = Pool(mm, of(collected("intersection", minCount=1, partyAggregation="intersection"), teams=(("left", 2, 2), ("right", 1, 1))))
    alone = party(maps=["ice"])
    party.meet(party({"maps": ["ice", "mud"]}, {"maps": ["mud"]}), party(maps=["mud"]))
    party.wait(alone)
    few = Pool(mm, of(collected("contains", referenceValue="healer", maxCount=1)))
    healers = [few(maps=["healer"]), few(maps=["healer", "tank"])]
    few.meet(healers[0], few(maps=["tank"]))
    few.wait(healers[1])
    listed = Pool(mm, of(collected("reference_intersection_count", referenceValue=["ice", "mud", "sky"], minCount=2)))
    odd = listed(maps=["ice", "sea"])
    listed.meet(listed(maps=["ice", "mud"]), listed(maps=["sky", "mud", "sea"]))
    listed.wait(odd)
    inner = Pool(mm, of(collected("reference_intersection_count", referenceValue="set_intersection(flatten(teams[*].players.attributes[maps]))",
                                  minCount=1)))
    odd = inner(maps=["sea"])
    inner.meet(inner(maps=["ice", "mud"]), inner(maps=["mud"]))
    inner.wait(odd)


def test_a_block_list_of_player_names(mm):
    pool = Pool(mm, of(collected("reference_intersection_count", referenceValue="flatten(teams[*].players[playerId])", maxCount=0)))
    ada = mm.name("p")
    blocked = mm.start(pool.config, ada)
    hater = pool(maps=[ada, "nobody"])
    friend = pool()
    done = mm.until("COMPLETED", friend)
    assert done and sorted(mm.get(ticket)["Status"] for ticket in (blocked, hater)) == ["COMPLETED", "SEARCHING"]


def test_latency_is_of_a_place_for_all(mm):
    pool = Pool(mm, of({"type": "latency", "maxLatency": 50}))
    east, west, none = pool(lat={"east": 50, "west": 51}), pool(lat={"west": 20}), pool()
    pool.meet(east, pool(lat={"east": 10}))
    pool.wait(west, none)
    party = Pool(mm, of({"type": "latency", "maxLatency": 50, "partyAggregation": "max"}, teams=(("left", 2, 2), ("right", 1, 1))))
    lopsided = party({"lat": {"east": 10}}, {"lat": {"west": 10}})
    whole = party({"lat": {"east": 10, "west": 90}}, {"lat": {"east": 40}})
    party.meet(whole, party(lat={"east": 20, "west": 20}))
    party.wait(lopsided)


def test_latency_near_the_best(mm):
    pool = Pool(mm, of({"type": "latency", "maxLatency": 200, "maxDistance": 30, "distanceReference": "min"}))
    far = pool(lat={"east": 100})
    pool.meet(pool(lat={"east": 20}), pool(lat={"east": 50}))
    pool.wait(far)


@pytest.mark.parametrize("statement, odd, skill", [
    ("or(r0, r1)", 50, 5), ("or(r0, r1)", 50, 95), ("xor(r0, r1)", 50, 5), ("or(r0, and(r1, not(r0)))", 50, 99),
    ("not(or(r0, r1))", None, 50), ("and(not(r0), not(r1))", None, 50),
])
def test_a_compound(mm, statement, odd, skill):
    low, high = compared("<", 10), compared(">", 90)
    pool = Pool(mm, of(low, high, {"type": "compound", "statement": statement}))
    waits = [] if odd is None else [pool(skill=odd)]
    pool.meet(pool(skill=skill), pool(skill=skill))
    pool.wait(*waits)


def test_the_oldest_is_served_by_the_nearest_and_by_the_best(mm):
    nearest = Pool(mm, of({"type": "distanceSort", "sortAttribute": "skill", "sortDirection": "ascending"},
                          {"type": "comparison", "operation": "=", "measurements": ["flatten(teams[*].players.attributes[role])"]}))
    parked = [nearest(skill=10, role="a"), nearest(skill=40, role="b"), nearest(skill=14, role="c")]
    mm.until("SEARCHING", *parked)
    mm.gl.update_matchmaking_configuration(Name=nearest.config, RuleSetName=mm.rule_set(of(
        {"type": "distanceSort", "sortAttribute": "skill", "sortDirection": "ascending"}))["RuleSetName"])
    nearest.meet(parked[0], parked[2])
    nearest.wait(parked[1])
    best = Pool(mm, of(compared("=", None, "flatten(teams[*].players.attributes[role])")))
    parked = [best(likes={"ice": 9, "mud": 1}, role="a"), best(likes={"ice": 1, "mud": 9}, role="b"), best(likes={"ice": 7}, role="c")]
    mm.until("SEARCHING", *parked)
    mm.gl.update_matchmaking_configuration(Name=best.config, RuleSetName=mm.rule_set(of(
        {"type": "absoluteSort", "sortAttribute": "likes", "sortDirection": "descending", "mapKey": "maxValue"}))["RuleSetName"])
    best.meet(parked[0], parked[2])
    best.wait(parked[1])


def test_a_match_is_as_full_as_the_pool_and_no_fuller_than_it_may_be(mm):
    pool = Pool(mm, of(teams=(("left", 1, 2), ("right", 1, 2))))
    assert pool.meet(pool(), pool()) == {"left": 1, "right": 1}
    alone = Pool(mm, of(teams=(("left", 1, 4), ("right", 0, 4))))
    assert alone.meet(alone()) == {"left": 1}
    quantity = {**of(), "teams": [{"name": "squad", "minPlayers": 1, "maxPlayers": 1, "quantity": 3}]}
    many = Pool(mm, quantity)
    assert many.meet(many(), many(), many()) == {"squad_1": 1, "squad_2": 1, "squad_3": 1}


def test_the_age_is_that_of_the_newest_in_the_candidate(mm):
    body = of(teams=(("all", 2, 2),), expansions=[
        {"target": "teams[all].minPlayers", "steps": [{"waitTimeSeconds": 2, "value": 1}]}])
    pool = Pool(mm, body)
    assert pool.meet(pool(), pool()) == {"all": 2}, "two need not wait"
    lone = pool()
    pool.meet(lone)
    shown = mm.get(lone)
    assert 1.9 <= (shown["EndTime"] - shown["StartTime"]).total_seconds() < 4.5


def test_an_expansion_of_a_quantity_and_of_two_rules_at_once(mm):
    quantity = {**of(), "teams": [{"name": "squad", "minPlayers": 2, "maxPlayers": 2, "quantity": 2}], "expansions": [
        {"target": "teams[squad].minPlayers", "steps": [{"waitTimeSeconds": 1, "value": 1}]}]}
    pool = Pool(mm, quantity)
    assert pool.meet(pool(), pool()) == {"squad_1": 1, "squad_2": 1}
    near = {"type": "distance", "measurements": [f"max({FLAT})"], "referenceValue": f"min({FLAT})", "maxDistance": 1}
    both = Pool(mm, of(near, {**near, "maxDistance": 2}, expansions=[
        {"target": "rules[r0,r1].maxDistance", "steps": [{"waitTimeSeconds": 1, "value": 50}]}]))
    both.meet(both(skill=10), both(skill=50))


@pytest.mark.parametrize("priority, first", [("high", True), ("low", False)])
def test_backfill_priority(mm, priority, first):
    body = of(teams=(("left", 1, 2), ("right", 1, 1)), algorithm={"strategy": "exhaustiveSearch", "backfillPriority": priority})
    off = of(compared("=", None, "flatten(teams[*].players.attributes[role])"), teams=(("left", 1, 2), ("right", 1, 1)))
    pool = Pool(mm, off)
    game = pool.backfill("left", "right", role="a") if not first else None
    others = [pool(role="b"), pool(role="c")]
    game = game or pool.backfill("left", "right", role="a")
    mm.until("SEARCHING", game, *others)
    mm.gl.update_matchmaking_configuration(Name=pool.config, RuleSetName=mm.rule_set(body)["RuleSetName"])
    if first:
        mm.until("COMPLETED", game)
        assert sorted(mm.get(ticket)["Status"] for ticket in others) == ["COMPLETED", "SEARCHING"]
    else:
        pool.meet(*others)
        pool.wait(game)


def test_a_large_match_has_even_teams(mm):
    body = {**of({"type": "latency", "maxLatency": 100}, teams=(("left", 20, 30), ("right", 20, 30)), algorithm={
        "strategy": "balanced", "balancedAttribute": "skill", "batchingPreference": "fastestRegion"})}
    pool = Pool(mm, body)
    far = pool(lat={"east": 101})
    tickets = [pool(*[{"skill": n + at} for at in range(10)], lat={"east": 20 + n}) for n in range(4)]
    assert pool.meet(*tickets) == {"left": 20, "right": 20}
    pool.wait(far)
