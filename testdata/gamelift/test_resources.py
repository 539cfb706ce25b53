"""Rule sets, configurations and tags: every constraint of the model, every documented error, names and ARNs, pages."""
import json

import pytest
from conftest import invalid, missing, refused, rules

ARN = "arn:aws:gamelift:us-east-1:000000000000"
BODY = json.dumps(rules())
SKILL = {"name": "skill", "type": "number"}
NEAR = {"name": "Near", "type": "distance", "measurements": ["avg(teams[*].players.attributes[skill])"],
        "referenceValue": 10, "maxDistance": 5}


def of(**more):
    return rules(**{"playerAttributes": [SKILL], "rules": [NEAR], **more})


def rule(**more):
    return of(rules=[{**NEAR, **more}])


# --- rule sets

@pytest.mark.parametrize("given, part", [
    ({"Name": "", "RuleSetBody": BODY}, "'name'"),
    ({"Name": "x" * 129, "RuleSetBody": BODY}, "length less than or equal to 128"),
    ({"Name": "a_b", "RuleSetBody": BODY}, "regular expression pattern"),
    ({"Name": f"{ARN}:matchmakingruleset/a", "RuleSetBody": BODY}, "regular expression pattern"),
    ({"Name": "a", "RuleSetBody": ""}, "'ruleSetBody'"),
    ({"Name": "a", "RuleSetBody": " " * 65536}, "length less than or equal to 65535"),
    ({"RuleSetBody": BODY}, "Member must not be null"),
    ({"Name": "a"}, "Member must not be null"),
    ({"Name": "a", "RuleSetBody": BODY, "Tags": [{"Key": "", "Value": "v"}]}, "tags.1.member.key"),
    ({"Name": "a", "RuleSetBody": BODY, "Tags": [{"Key": "k", "Value": "v" * 257}]}, "tags.1.member.value"),
    ({"Name": "a", "RuleSetBody": BODY, "Tags": [{"Key": "k"}]}, "Member must not be null"),
    ({"Name": "a", "RuleSetBody": BODY, "Tags": [{"Key": str(n), "Value": ""} for n in range(201)]}, "'tags'"),
])
def test_a_rule_set_keeps_the_model(gl, given, part):
    invalid(gl.create_matchmaking_rule_set, part, **given)


@pytest.mark.parametrize("body", [
    "null", "7", '"x"', "[]", "{}", "{", BODY + "}", "// hello\n" + BODY, BODY.replace('"1.0"', "1.0"),
], ids=str)
def test_what_is_no_rule_set(gl, body):
    invalid(gl.validate_matchmaking_rule_set, RuleSetBody=body)


@pytest.mark.parametrize("body", {
    "team-name-is-a-number": rules(teams=[(1, 1, 1)]),
    "team-of-nobody": rules(teams=[("a", 0, 0)]),
    "fewer-at-most-than-at-least": rules(teams=[("a", 3, 2)]),
    "negative-minimum": rules(teams=[("a", -1, 2)]),
    "half-a-player": rules(teams=[("a", 1, 1.5)]),
    "no-quantity": {**rules(), "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1, "quantity": 0}]},
    "teams-is-an-object": {**rules(), "teams": {"name": "a"}},
    "41-players-without-algorithm": rules(teams=[("a", 41, 41)]),
    "41-players-searched-exhaustively": rules(teams=[("a", 1, 41)], algorithm={"strategy": "exhaustiveSearch"}),
    "201-players": of(teams=[("a", 100, 100), ("b", 1, 101)], rules=[],
                      algorithm={"strategy": "balanced", "balancedAttribute": "skill"}),
    "201-by-quantity": {**of(rules=[], algorithm={"strategy": "balanced", "balancedAttribute": "skill"}),
                        "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 3, "quantity": 67}]},
    "balanced-by-a-string": of(playerAttributes=[{"name": "skill", "type": "string"}], rules=[], teams=[("a", 41, 50)],
                               algorithm={"strategy": "balanced", "balancedAttribute": "skill"}),
    "balanced-by-nothing-declared": of(rules=[], teams=[("a", 41, 50)],
                                       algorithm={"strategy": "balanced", "balancedAttribute": "elo"}),
    "large-with-a-distance": of(teams=[("a", 41, 50)], algorithm={"strategy": "balanced", "balancedAttribute": "skill"}),
    "large-latency-with-a-distance": of(
        teams=[("a", 41, 50)], algorithm={"strategy": "balanced", "balancedAttribute": "skill"},
        rules=[{"name": "L", "type": "latency", "maxLatency": 50, "maxDistance": 20}]),
    "balanced-in-sorted-batches": of(rules=[], teams=[("a", 41, 50)], algorithm={
        "strategy": "balanced", "balancedAttribute": "skill", "batchingPreference": "sorted", "sortByAttributes": ["skill"]}),
    "sorted-by-nothing-declared": of(algorithm={
        "strategy": "exhaustiveSearch", "batchingPreference": "sorted", "sortByAttributes": ["elo"]}),
    "unknown-priority": of(algorithm={"strategy": "exhaustiveSearch", "backfillPriority": "urgent"}),
    "unknown-age": of(algorithm={"strategy": "exhaustiveSearch", "expansionAgeSelection": "median"}),
    "attribute-without-name": of(playerAttributes=[SKILL, {"type": "string"}]),
    "default-of-another-type": of(playerAttributes=[{**SKILL, "default": "ten"}]),
    "no-measurements": rule(measurements=None),
    "empty-measurements": rule(measurements=[]),
    "unknown-team": rule(measurements=["avg(teams[up].players.attributes[skill])"]),
    "unknown-selector": rule(measurements=["avg(teams[*].members.attributes[skill])"]),
    "text-after-the-expression": rule(measurements=["avg(teams[*].players.attributes[skill]) + 1"]),
    "two-arguments": rule(measurements=["max(teams[*].players.attributes[skill], 3)"]),
    "distance-is-a-word": rule(maxDistance="near"),
    "negative-distance": rule(maxDistance=-1),
    "distance-without-reference": rule(referenceValue=None),
    "distance-without-a-limit": rule(maxDistance=None),
    "average-of-strings": of(playerAttributes=[{"name": "skill", "type": "string"}]),
    "comparison-without-operation": of(rules=[{"name": "C", "type": "comparison", "referenceValue": 1,
                                               "measurements": ["flatten(teams[*].players.attributes[skill])"]}]),
    "less-than-nothing": of(rules=[{"name": "C", "type": "comparison", "operation": "<",
                                    "measurements": ["flatten(teams[*].players.attributes[skill])"]}]),
    "batch-without-attribute": of(rules=[{"name": "B", "type": "batchDistance", "maxDistance": 1}]),
    "batch-of-what-is-not-declared": of(rules=[{"name": "B", "type": "batchDistance", "batchAttribute": "elo",
                                                "maxDistance": 1}]),
    "collection-of-numbers": of(rules=[{"name": "C", "type": "collection", "operation": "intersection", "minCount": 1,
                                        "measurements": ["flatten(teams[*].players.attributes[skill])"]}]),
    "latency-without-a-limit": of(rules=[{"name": "L", "type": "latency"}]),
    "latency-below-zero": of(rules=[{"name": "L", "type": "latency", "maxLatency": -1}]),
    "reference-without-distance": of(rules=[{"name": "L", "type": "latency", "maxLatency": 9, "distanceReference": "min"}]),
    "unknown-distance-reference": of(rules=[{"name": "L", "type": "latency", "maxLatency": 9, "maxDistance": 5,
                                             "distanceReference": "max"}]),
    "sort-without-direction": of(rules=[{"name": "S", "type": "absoluteSort", "sortAttribute": "skill"}]),
    "unknown-direction": of(rules=[{"name": "S", "type": "absoluteSort", "sortAttribute": "skill", "sortDirection": "up"}]),
    "sort-by-what-is-not-declared": of(rules=[{"name": "S", "type": "distanceSort", "sortAttribute": "elo",
                                               "sortDirection": "ascending"}]),
    "unknown-map-key": of(playerAttributes=[{"name": "skill", "type": "string_number_map"}], rules=[
        {"name": "S", "type": "absoluteSort", "sortAttribute": "skill", "sortDirection": "ascending", "mapKey": "best"}]),
    "compound-of-itself": of(rules=[NEAR, {"name": "C", "type": "compound", "statement": "not(C)"}]),
    "compound-of-a-later-rule": of(rules=[{"name": "C", "type": "compound", "statement": "not(Near)"}, NEAR]),
    "compound-of-nothing": of(rules=[NEAR, {"name": "C", "type": "compound", "statement": "and()"}]),
    "not-of-two": of(rules=[NEAR, {**NEAR, "name": "Far"}, {"name": "C", "type": "compound", "statement": "not(Near, Far)"}]),
    "unknown-operator": of(rules=[NEAR, {"name": "C", "type": "compound", "statement": "nand(Near, Near)"}]),
    "compound-without-statement": of(rules=[NEAR, {"name": "C", "type": "compound"}]),
    "expansion-of-a-compound": of(rules=[NEAR, {"name": "C", "type": "compound", "statement": "not(Near)"}], expansions=[
        {"target": "rules[C].statement", "steps": [{"waitTimeSeconds": 1, "value": "Near"}]}]),
    "expansion-of-an-unknown-team": of(expansions=[
        {"target": "teams[up].minPlayers", "steps": [{"waitTimeSeconds": 1, "value": 1}]}]),
    "expansion-of-an-unknown-property": of(expansions=[
        {"target": "rules[Near].speed", "steps": [{"waitTimeSeconds": 1, "value": 1}]}]),
    "expansion-without-steps": of(expansions=[{"target": "rules[Near].maxDistance"}]),
    "expansion-of-no-steps": of(expansions=[{"target": "rules[Near].maxDistance", "steps": []}]),
    "step-without-wait": of(expansions=[{"target": "rules[Near].maxDistance", "steps": [{"value": 1}]}]),
    "step-without-value": of(expansions=[{"target": "rules[Near].maxDistance", "steps": [{"waitTimeSeconds": 1}]}]),
    "two-steps-at-once": of(expansions=[{"target": "rules[Near].maxDistance", "steps": [
        {"waitTimeSeconds": 1, "value": 6}, {"waitTimeSeconds": 1, "value": 7}]}]),
    "step-of-another-type": of(expansions=[
        {"target": "rules[Near].maxDistance", "steps": [{"waitTimeSeconds": 1, "value": "far"}]}]),
}.items(), ids=lambda case: case[0])
def test_a_rule_set_that_is_refused(gl, mm, body):
    def without_null(value):
        if isinstance(value, dict):
            return {key: without_null(of) for key, of in value.items() if of is not None}
        return [without_null(of) for of in value] if isinstance(value, list) else value

    text = json.dumps(without_null(body[1]))
    invalid(gl.validate_matchmaking_rule_set, RuleSetBody=text)
    invalid(gl.create_matchmaking_rule_set, Name=mm.name("rs"), RuleSetBody=text)


@pytest.mark.parametrize("body", {
    "team-of-at-least-nobody": rules(teams=[("a", 0, 2)]),
    "quoted-numbers": rule(maxDistance="5", referenceValue="10"),
    "measurement-is-no-list": rule(measurements="avg(teams[*].players.attributes[skill])"),
    "team-for-teams": rule(measurements=["avg(team[left].players.attributes[skill])"]),
    "spaces": rule(measurements=[" avg( teams[ left , right ].players.attributes[ skill ] ) "]),
    "balanced-for-few": of(algorithm={"strategy": "balanced", "balancedAttribute": "skill"}),
    "xor-of-two": of(rules=[NEAR, {**NEAR, "name": "Far"}, {"name": "C", "type": "compound", "statement": "xor(Near, Far)"}]),
    "expansion-of-two-teams": of(expansions=[
        {"target": "teams[left, right].maxPlayers", "steps": [{"waitTimeSeconds": 1, "value": 2}]}]),
    "expansion-of-a-rule-in-a-compound": of(rules=[NEAR, {"name": "C", "type": "compound", "statement": "not(Near)"}], expansions=[
        {"target": "rules[Near].maxDistance", "steps": [{"waitTimeSeconds": 1, "value": 9}]}]),
    "latency-distance-alone": of(rules=[{"name": "L", "type": "latency", "maxDistance": 5}]),
    "forty-players": rules(teams=[("a", 20, 20), ("b", 20, 20)]),
    "two-hundred-players": of(teams=[("a", 100, 100), ("b", 1, 100)], rules=[],
                              algorithm={"strategy": "balanced", "balancedAttribute": "skill"}),
    "batch-of-numbers-without-distance": of(rules=[{"name": "B", "type": "batchDistance", "batchAttribute": "skill"}]),
    "descriptions": {**rule(description="near ones"), "name": "ladder"},
}.items(), ids=lambda case: case[0])
def test_a_rule_set_that_is_taken(gl, mm, body):
    assert gl.validate_matchmaking_rule_set(RuleSetBody=json.dumps(body[1]))["Valid"] is True
    text = json.dumps(body[1], indent=3)
    assert mm.rule_set(text)["RuleSetBody"] == text


def test_all_faults_are_told_at_once(gl):
    body = of(rules=[{**NEAR, "type": "nearness"}, {**NEAR, "name": "Far", "measurements": ["mean(x)"]}], teams=[("a", 2, 1)])
    invalid(gl.validate_matchmaking_rule_set, "Near", "Far", "teams[0]", RuleSetBody=json.dumps(body))


def test_rule_sets_are_found_by_name_and_by_arn(gl, mm):
    made = mm.rule_set()
    name = made["RuleSetName"]
    for by in (name, made["RuleSetArn"], f"arn:aws:gamelift:us-east-1::matchmakingruleset/{name}"):
        assert gl.describe_matchmaking_rule_sets(Names=[by])["RuleSets"] == [made]
    other = mm.rule_set()["RuleSetName"]
    found = gl.describe_matchmaking_rule_sets(Names=[other, name], Limit=1)
    assert [one["RuleSetName"] for one in found["RuleSets"]] == [other, name] and "NextToken" not in found
    missing(gl.describe_matchmaking_rule_sets, Names=[name, mm.name("none")])
    invalid(gl.describe_matchmaking_rule_sets, Names=[f"{ARN}:matchmakingconfiguration/{name}"])
    invalid(gl.describe_matchmaking_rule_sets, Names=["x" * 257])
    invalid(gl.describe_matchmaking_rule_sets, Names=["n"] * 11)
    invalid(gl.describe_matchmaking_rule_sets, Names=[])
    for limit in (0, -1, 11):
        invalid(gl.describe_matchmaking_rule_sets, "'limit'", Limit=limit)
    for token in ("", "x" * 1025, "never given", "AWFi"[:3]):
        invalid(gl.describe_matchmaking_rule_sets, NextToken=token)


def test_a_rule_set_is_made_once_and_deleted_by_arn(gl, mm):
    made = mm.rule_set()
    name = made["RuleSetName"]
    invalid(gl.create_matchmaking_rule_set, Name=name, RuleSetBody=BODY)
    config = mm.config(RuleSetName=made["RuleSetArn"])
    invalid(gl.delete_matchmaking_rule_set, Name=made["RuleSetArn"])
    gl.delete_matchmaking_configuration(Name=config)
    gl.delete_matchmaking_rule_set(Name=made["RuleSetArn"])
    missing(gl.delete_matchmaking_rule_set, Name=name)
    missing(gl.describe_matchmaking_rule_sets, Names=[name])
    missing(gl.list_tags_for_resource, ResourceARN=made["RuleSetArn"])


def test_pages_hold_while_things_come_and_go(gl, mm):
    names = sorted(mm.rule_set()["RuleSetName"] for _ in range(4))
    seen, token = [], {}
    while True:
        page = gl.describe_matchmaking_rule_sets(Limit=1, **token)
        shown = [one["RuleSetName"] for one in page["RuleSets"]]
        seen += shown
        if names[1] in shown:
            gl.delete_matchmaking_rule_set(Name=names[1])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert [name for name in seen if name in names] == names and len(seen) == len(set(seen))


# --- configurations

def settings(mm, **more):
    given = {"Name": mm.name("mm"), "RuleSetName": mm.rule_set()["RuleSetName"], "RequestTimeoutSeconds": 60,
             "AcceptanceRequired": False, "FlexMatchMode": "STANDALONE", **more}
    return {key: value for key, value in given.items() if value is not None}


QUEUE = f"{ARN}:gamesessionqueue/q"


@pytest.mark.parametrize("more", [
    {"Name": ""}, {"Name": None}, {"Name": "x" * 129}, {"Name": "a b"}, {"Name": f"{ARN}:matchmakingconfiguration/a"},
    {"RuleSetName": None}, {"RuleSetName": ""}, {"RuleSetName": "a b"}, {"RuleSetName": f"{ARN}:fleet/a"},
    {"RequestTimeoutSeconds": None}, {"RequestTimeoutSeconds": 0}, {"RequestTimeoutSeconds": 43201},
    {"AcceptanceRequired": None}, {"AcceptanceTimeoutSeconds": 0}, {"AcceptanceTimeoutSeconds": 601},
    {"Description": ""}, {"Description": "d" * 1025}, {"NotificationTarget": "a b"}, {"NotificationTarget": "t" * 301},
    {"AdditionalPlayerCount": -1}, {"CustomEventData": "c" * 257}, {"GameSessionData": ""},
    {"GameSessionData": "g" * 4097}, {"GameProperties": [{"Key": "k"}]}, {"GameProperties": [{"Key": "k" * 33, "Value": "v"}]},
    {"GameProperties": [{"Key": "k", "Value": "v" * 97}]}, {"GameProperties": [{"Key": str(n), "Value": ""} for n in range(17)]},
    {"BackfillMode": "SOMETIMES"}, {"FlexMatchMode": "ALONE"}, {"Tags": [{"Key": "k" * 129, "Value": ""}]},
    {"GameSessionQueueArns": ["a b"], "FlexMatchMode": "WITH_QUEUE"}, {"GameSessionQueueArns": [QUEUE]},
    {"FlexMatchMode": "WITH_QUEUE"}, {"FlexMatchMode": "WITH_QUEUE", "GameSessionQueueArns": []},
    {"FlexMatchMode": "WITH_QUEUE", "GameSessionQueueArns": [QUEUE, QUEUE + "2"]}, {"FlexMatchMode": None},
    {"BackfillMode": "AUTOMATIC"},
], ids=str)
def test_a_configuration_keeps_the_model(gl, mm, more):
    invalid(gl.create_matchmaking_configuration, **settings(mm, **more))


def test_a_configuration_reads_back_and_update_changes_what_is_named(gl, mm):
    given = settings(mm, Description="d", AcceptanceRequired=True, AcceptanceTimeoutSeconds=30, AdditionalPlayerCount=2,
                     NotificationTarget="arn:aws:sns:us-east-1:000000000000:t.fifo", CustomEventData="c" * 256,
                     GameProperties=[{"Key": "k", "Value": "v"}], GameSessionData="s", BackfillMode="MANUAL")
    made = gl.create_matchmaking_configuration(**given)["Configuration"]
    mm.configs.append(given["Name"])
    assert {key: made[key] for key in given} == given
    name, arn = made["Name"], made["ConfigurationArn"]
    assert arn == f"{ARN}:matchmakingconfiguration/{name}"
    assert made["RuleSetArn"] == f"{ARN}:matchmakingruleset/{given['RuleSetName']}"
    assert gl.describe_matchmaking_configurations(Names=[arn])["Configurations"] == [made]
    assert gl.update_matchmaking_configuration(Name=arn)["Configuration"] == made
    change = {"AcceptanceTimeoutSeconds": 45, "RequestTimeoutSeconds": 90, "Description": "e", "GameProperties": []}
    changed = gl.update_matchmaking_configuration(Name=name, **change)["Configuration"]
    expected = {**made, **change}
    assert {**changed, "GameProperties": changed.get("GameProperties", [])} == expected
    other = mm.rule_set()
    changed = gl.update_matchmaking_configuration(Name=name, RuleSetName=other["RuleSetArn"])["Configuration"]
    assert (changed["RuleSetName"], changed["RuleSetArn"]) == (other["RuleSetName"], other["RuleSetArn"])
    for bad in ({"RequestTimeoutSeconds": 0}, {"AcceptanceTimeoutSeconds": 601}, {"Description": ""}, {"BackfillMode": "X"},
                {"FlexMatchMode": "WITH_QUEUE"}, {"BackfillMode": "AUTOMATIC"}, {"GameSessionQueueArns": [QUEUE]},
                {"AdditionalPlayerCount": -1}, {"NotificationTarget": "a b"}, {"RuleSetName": "a b"}):
        invalid(gl.update_matchmaking_configuration, Name=name, **bad)
    missing(gl.update_matchmaking_configuration, Name=name, RuleSetName="none-of-this-name")
    missing(gl.update_matchmaking_configuration, Name="none-of-this-name", Description="x")
    assert gl.describe_matchmaking_configurations(Names=[name])["Configurations"] == [changed]


def test_configurations_are_made_once_found_and_deleted(gl, mm):
    given = settings(mm)
    gl.create_matchmaking_configuration(**given)
    name = given["Name"]
    mm.configs.append(name)
    invalid(gl.create_matchmaking_configuration, **given)
    missing(gl.create_matchmaking_configuration, **{**given, "Name": mm.name("mm"), "RuleSetName": "none-of-this-name"})
    missing(gl.create_matchmaking_configuration, **{
        **given, "Name": mm.name("mm"), "FlexMatchMode": "WITH_QUEUE", "GameSessionQueueArns": [QUEUE]})
    found = lambda **by: [one["Name"] for one in gl.describe_matchmaking_configurations(**by)["Configurations"]]
    assert found(Names=["none-of-this-name", name]) == [name]
    assert found(RuleSetName=given["RuleSetName"]) == [name]
    assert found(RuleSetName=f"{ARN}:matchmakingruleset/{given['RuleSetName']}") == [name]
    assert found(RuleSetName="none-of-this-name") == []
    invalid(gl.describe_matchmaking_configurations, Limit=0)
    invalid(gl.describe_matchmaking_configurations, NextToken="never given")
    invalid(gl.describe_matchmaking_configurations, Names=["a b"])
    gl.delete_matchmaking_configuration(Name=f"arn:aws:gamelift:us-east-1::matchmakingconfiguration/{name}")
    missing(gl.delete_matchmaking_configuration, Name=name)
    assert found(Names=[name]) == []
    missing(gl.start_matchmaking, ConfigurationName=name, Players=[{"PlayerId": "p"}])


# --- tags

def test_tags_are_put_replaced_and_removed(gl, mm):
    made = mm.rule_set(Tags=[{"Key": "a", "Value": ""}, {"Key": "b", "Value": "1"}])
    config = gl.describe_matchmaking_configurations(Names=[mm.config()])["Configurations"][0]["ConfigurationArn"]
    for arn in (made["RuleSetArn"], config):
        tags = lambda: {of["Key"]: of["Value"] for of in gl.list_tags_for_resource(ResourceARN=arn)["Tags"]}
        gl.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "ä b:/=+-@", "Value": "v" * 256}])
        assert tags().items() >= {"b": "2", "ä b:/=+-@": "v" * 256}.items()
        gl.untag_resource(ResourceARN=arn, TagKeys=["b", "never there"])
        assert "b" not in tags()
        gl.tag_resource(ResourceARN=arn, Tags=[])
        gl.untag_resource(ResourceARN=arn, TagKeys=[])
        invalid(gl.tag_resource, ResourceARN=arn, Tags=[{"Key": "k" * 129, "Value": ""}])
        invalid(gl.tag_resource, ResourceARN=arn)
        invalid(gl.untag_resource, ResourceARN=arn, TagKeys=[""])
        invalid(gl.untag_resource, ResourceARN=arn)
    with_empty = gl.list_tags_for_resource(ResourceARN=made["RuleSetArn"])["Tags"]
    assert {"Key": "a", "Value": ""} in with_empty


@pytest.mark.parametrize("arn", ["", "x" * 1012])
def test_the_arn_of_tags_keeps_the_model(gl, arn):
    invalid(gl.list_tags_for_resource, "'resourceARN'", ResourceARN=arn)


@pytest.mark.parametrize("kind", ["matchmakingruleset", "matchmakingconfiguration", "fleet"])
def test_tags_of_nothing(gl, kind):
    arn = f"{ARN}:{kind}/none-of-this-name"
    missing(gl.list_tags_for_resource, ResourceARN=arn)
    missing(gl.tag_resource, ResourceARN=arn, Tags=[])
    missing(gl.untag_resource, ResourceARN=arn, TagKeys=[])


def test_an_operation_that_is_not_served_is_named_so(gl):
    refused("UnknownOperationException", gl.list_fleets)
