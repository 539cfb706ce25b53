"""An unmodified boto3 client against a server that verifies signatures, in both protocols.

Usage: gamelift.py URL ACCESS_KEY_ID SECRET_ACCESS_KEY
"""
import datetime
import gzip
import json
import os
import sys
import tempfile

import boto3
import botocore
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

URL, KEY, SECRET = sys.argv[1:4]
CONFIG = Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=30)
BODY = json.dumps(
    {
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{"name": "skill", "type": "number", "default": 10}],
        "teams": [{"name": "all", "minPlayers": 11, "maxPlayers": 11}],
    },
    indent=1,
)


def client(session=None, secret=SECRET):
    return boto3.session.Session(botocore_session=session).client(
        "gamelift", endpoint_url=URL, region_name="eu-west-1", config=CONFIG,
        aws_access_key_id=KEY, aws_secret_access_key=secret,
    )


def cbor():
    """botocore's own model of GameLift lists CBOR as well; this client is told to speak nothing else."""
    data = os.path.join(os.path.dirname(botocore.__file__), "data", "gamelift")
    version = sorted(os.listdir(data))[-1]
    with gzip.open(os.path.join(data, version, "service-2.json.gz"), "rt") as file:
        model = json.load(file)
    assert "smithy-rpc-v2-cbor" in model["metadata"]["protocols"]
    model["metadata"].update(protocol="smithy-rpc-v2-cbor", protocols=["smithy-rpc-v2-cbor"])
    root = tempfile.mkdtemp()
    os.makedirs(os.path.join(root, "gamelift", version))
    with open(os.path.join(root, "gamelift", version, "service-2.json"), "w") as file:
        json.dump(model, file)
    session = botocore.session.get_session()
    session.get_component("data_loader").search_paths.insert(0, root)
    return client(session)


def refused(code, status, call, **input):
    try:
        call(**input)
    except ClientError as error:
        got = error.response
        assert got["Error"]["Code"] == code, got
        assert got["Error"]["Message"] and got["ResponseMetadata"]["RequestId"], got
        assert got["ResponseMetadata"]["HTTPStatusCode"] == status, got
        return
    raise AssertionError(f"{code} expected")


def walk(gl, name):
    """What a back end does with everything that is served."""
    made = gl.create_matchmaking_rule_set(Name=name, RuleSetBody=BODY, Tags=[{"Key": "k", "Value": "v"}])["RuleSet"]
    assert made["RuleSetArn"] == f"arn:aws:gamelift:eu-west-1:000000000000:matchmakingruleset/{name}", made
    now = datetime.datetime.now(datetime.timezone.utc)
    assert abs((made["CreationTime"] - now).total_seconds()) < 60, made
    assert gl.validate_matchmaking_rule_set(RuleSetBody=BODY)["Valid"] is True
    refused("InvalidRequestException", 400, gl.validate_matchmaking_rule_set, RuleSetBody="{}")
    found = gl.describe_matchmaking_rule_sets(Names=[made["RuleSetArn"]])["RuleSets"]
    assert found == [made] and found[0]["RuleSetBody"] == BODY
    pages = gl.get_paginator("describe_matchmaking_rule_sets").paginate(PaginationConfig={"PageSize": 1})
    assert name in [found["RuleSetName"] for page in pages for found in page["RuleSets"]]
    arn = made["RuleSetArn"]
    gl.tag_resource(ResourceARN=arn, Tags=[{"Key": "l", "Value": "w"}])
    gl.untag_resource(ResourceARN=arn, TagKeys=["k"])
    assert gl.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "l", "Value": "w"}]

    config = gl.create_matchmaking_configuration(
        Name=name, RuleSetName=arn, RequestTimeoutSeconds=60, AcceptanceRequired=False, FlexMatchMode="STANDALONE"
    )["Configuration"]
    assert gl.describe_matchmaking_configurations(Names=[name])["Configurations"] == [config]
    changed = gl.update_matchmaking_configuration(Name=name, Description="evening")["Configuration"]
    assert changed == {**config, "Description": "evening"}, changed
    refused("InvalidRequestException", 400, gl.delete_matchmaking_rule_set, Name=name)

    attributes = {"skill": {"N": 12.5}, "maps": {"SL": ["ice"]}, "likes": {"SDM": {"ice": 1.0}}, "mode": {"S": "ctf"}}
    player = {"PlayerId": f"ada-{name}", "PlayerAttributes": attributes, "LatencyInMs": {"eu-west-1": 30}}
    ticket = gl.start_matchmaking(ConfigurationName=name, Players=[player])["MatchmakingTicket"]
    assert ticket["Status"] == "QUEUED" and ticket["Players"] == [player], ticket
    (shown,) = gl.describe_matchmaking(TicketIds=[ticket["TicketId"], "none"])["TicketList"]
    assert shown["Status"] in ("QUEUED", "SEARCHING") and shown["StartTime"] == ticket["StartTime"], shown
    refused("InvalidRequestException", 400, gl.accept_match, TicketId=ticket["TicketId"],
            PlayerIds=[player["PlayerId"]], AcceptanceType="ACCEPT")
    stopped = gl.stop_matchmaking(TicketId=ticket["TicketId"])
    assert list(stopped) == ["ResponseMetadata"], stopped
    (shown,) = gl.describe_matchmaking(TicketIds=[ticket["TicketId"]])["TicketList"]
    assert shown["Status"] == "CANCELLED" and shown["EndTime"] >= shown["StartTime"], shown
    try:
        gl.stop_matchmaking(TicketId="none")
        raise AssertionError("NotFoundException expected")
    except gl.exceptions.NotFoundException:
        pass
    gl.delete_matchmaking_configuration(Name=name)
    gl.delete_matchmaking_rule_set(Name=name)


walk(client(), "json-1")
walk(cbor(), "cbor-1")
refused("InvalidSignatureException", 403, client(secret="wrong").describe_matchmaking, TicketIds=["none"])
print("ok")
