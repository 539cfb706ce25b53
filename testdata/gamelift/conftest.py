"""What the cases share: clients of both protocols, rule sets, and a matchmaker that cleans up after itself."""
import gzip
import itertools
import json
import os
import time
import uuid

import boto3
import botocore
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

URL = os.environ["GSM_ENDPOINT"]
CONFIG = Config(parameter_validation=False, retries={"max_attempts": 0}, read_timeout=20, max_pool_connections=32)
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"}
WAIT_S = 10


def client(session=None, region="us-east-1"):
    return boto3.session.Session(botocore_session=session).client(
        "gamelift", endpoint_url=URL, region_name=region, config=CONFIG,
        aws_access_key_id="any", aws_secret_access_key="any",
    )


@pytest.fixture(scope="session", params=["json", "cbor"])
def gl(request, tmp_path_factory):
    """A client that checks nothing itself, so that the server has to; each case runs in both protocols."""
    if request.param == "json":
        return client()
    data = os.path.join(os.path.dirname(botocore.__file__), "data", "gamelift")
    version = sorted(os.listdir(data))[-1]
    with gzip.open(os.path.join(data, version, "service-2.json.gz"), "rt") as file:
        model = json.load(file)
    model["metadata"].update(protocol="smithy-rpc-v2-cbor", protocols=["smithy-rpc-v2-cbor"])
    root = tmp_path_factory.mktemp("model")
    (root / "gamelift" / version).mkdir(parents=True)
    (root / "gamelift" / version / "service-2.json").write_text(json.dumps(model))
    session = botocore.session.get_session()
    session.get_component("data_loader").search_paths.insert(0, str(root))
    return client(session)


def rules(teams=(("left", 1, 1), ("right", 1, 1)), **more):
    teams = [{"name": name, "minPlayers": low, "maxPlayers": high} for name, low, high in teams]
    return {"ruleLanguageVersion": "1.0", "teams": teams, **more}


def refused(code, call, *parts, **given):
    """The call is refused with this exception, and its message has these parts."""
    try:
        answer = call(**given)
    except ClientError as error:
        got = error.response
        assert got["Error"]["Code"] == code, got
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 400 and got["ResponseMetadata"]["RequestId"], got
        for part in parts:
            assert part in got["Error"]["Message"], got
        return
    raise AssertionError(f"{code} expected, the answer was {answer}")


def invalid(call, *parts, **given):
    refused("InvalidRequestException", call, *parts, **given)


def missing(call, **given):
    refused("NotFoundException", call, **given)


class Matchmaker:
    def __init__(self, gl):
        self.gl = gl
        self.run, self.count = uuid.uuid4().hex[:10], itertools.count(1)
        self.rule_sets, self.configs, self.tickets = [], [], []

    def name(self, stem):
        return f"{stem}-{self.run}-{next(self.count)}"

    def rule_set(self, body=None, **more):
        body = body if isinstance(body, str) else json.dumps(body or rules())
        made = self.gl.create_matchmaking_rule_set(Name=self.name("rs"), RuleSetBody=body, **more)["RuleSet"]
        self.rule_sets.append(made["RuleSetName"])
        return made

    def config(self, body=None, accept=None, **more):
        given = {"RequestTimeoutSeconds": 60, "FlexMatchMode": "STANDALONE", "AcceptanceRequired": accept is not None}
        if accept is not None:
            given["AcceptanceTimeoutSeconds"] = accept
        if "RuleSetName" not in more:
            given["RuleSetName"] = self.rule_set(body)["RuleSetName"]
        made = self.gl.create_matchmaking_configuration(Name=self.name("mm"), **{**given, **more})["Configuration"]
        self.configs.append(made["Name"])
        return made["Name"]

    def started(self, config, *players, backfill=False, **more):
        """A ticket; players are names or whole structures."""
        players = [{"PlayerId": of} if isinstance(of, str) else of for of in players]
        call = self.gl.start_match_backfill if backfill else self.gl.start_matchmaking
        made = call(ConfigurationName=config, Players=players, **{"TicketId": self.name("t"), **more})["MatchmakingTicket"]
        self.tickets.append(made["TicketId"])
        return made

    def start(self, config, *players, **more):
        players = players or (self.name("p"),)
        return self.started(config, *players, **more)["TicketId"]

    def get(self, ticket):
        (found,) = self.gl.describe_matchmaking(TicketIds=[ticket])["TicketList"]
        return found

    def until(self, status, *tickets):
        """Polls until the tickets stand so; what they then look like."""
        deadline = time.monotonic() + WAIT_S
        while True:
            found = [self.get(ticket) for ticket in tickets]
            stand = [ticket["Status"] for ticket in found]
            if all(one == status for one in stand):
                return found
            assert not any(one in FINAL and one != status for one in stand), f"{stand} instead of {status}"
            assert time.monotonic() < deadline, f"{stand} instead of {status}"
            time.sleep(0.03)

    def answer(self, ticket, *players, kind="ACCEPT"):
        self.gl.accept_match(TicketId=ticket, PlayerIds=list(players), AcceptanceType=kind)

    def close(self):
        for call, given in (
            [(self.gl.stop_matchmaking, {"TicketId": ticket}) for ticket in self.tickets]
            + [(self.gl.delete_matchmaking_configuration, {"Name": name}) for name in self.configs]
            + [(self.gl.delete_matchmaking_rule_set, {"Name": name}) for name in self.rule_sets]
        ):
            try:
                call(**given)
            except ClientError:
                pass


@pytest.fixture
def mm(gl):
    made = Matchmaker(gl)
    yield made
    made.close()
