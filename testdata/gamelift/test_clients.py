"""Other clients than boto3, unmodified: the AWS CLI and the JavaScript SDK. The Rust SDK is in `src/cli/tests/it`."""
import json
import os
import pathlib
import shutil
import subprocess
import time
import uuid

import pytest
from conftest import URL, rules

JS = pathlib.Path(__file__).parent / "js"


def needs(there, what):
    """Without a client its case is skipped, aloud; where CI is set that is a failure."""
    if not there:
        assert os.environ.get("CI") != "true", f"there is no {what}"
        pytest.skip(f"there is no {what}")


def aws(*words, refused=None, **options):
    flags = [part for name, value in options.items() for part in
             (f"--{name.replace('_', '-')}", *([] if value is True else value if isinstance(value, list) else [value]))]
    env = {**os.environ, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_MAX_ATTEMPTS": "1",
           "AWS_CONFIG_FILE": os.devnull, "AWS_PAGER": ""}
    command = ["aws", "gamelift", *words, *flags, "--endpoint-url", URL, "--region", "eu-west-1", "--output", "json"]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    if refused:
        assert ran.returncode != 0 and f"({refused})" in ran.stderr, (ran.stdout, ran.stderr)
        return None
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout) if ran.stdout.strip() else None


@pytest.mark.timeout(300)  # some twenty processes
def test_the_aws_cli():
    needs(shutil.which("aws"), "AWS CLI")
    name, body = f"cli-{uuid.uuid4().hex[:10]}", json.dumps(rules())
    aws("validate-matchmaking-rule-set", rule_set_body="{}", refused="InvalidRequestException")
    made = aws("create-matchmaking-rule-set", name=name, rule_set_body=body, tags="Key=a,Value=1")["RuleSet"]
    arn = f"arn:aws:gamelift:eu-west-1:000000000000:matchmakingruleset/{name}"
    assert made["RuleSetArn"] == arn and made["RuleSetBody"] == body
    config = aws("create-matchmaking-configuration", "--acceptance-required", name=name, rule_set_name=arn,
                 request_timeout_seconds="60", acceptance_timeout_seconds="30", flex_match_mode="STANDALONE")["Configuration"]
    tickets = {f"{player}-{name}": None for player in ("ada", "bo")}
    for player in tickets:
        tickets[player] = aws("start-matchmaking", configuration_name=name,
                              players=f"PlayerId={player},PlayerAttributes={{skill={{N=7.5}}}}")["MatchmakingTicket"]["TicketId"]

    def until(status):
        deadline = time.monotonic() + 30
        while True:
            found = aws("describe-matchmaking", ticket_ids=list(tickets.values()))["TicketList"]
            if all(ticket["Status"] == status for ticket in found):
                return found
            assert time.monotonic() < deadline, found

    until("REQUIRES_ACCEPTANCE")
    for player, ticket in tickets.items():
        aws("accept-match", ticket_id=ticket, player_ids=player, acceptance_type="ACCEPT")
    assert {ticket["Players"][0]["Team"] for ticket in until("COMPLETED")} == {"left", "right"}
    again = aws("start-matchmaking", configuration_name=name, players="PlayerId=cy-" + name)["MatchmakingTicket"]["TicketId"]
    aws("stop-matchmaking", ticket_id=again)
    aws("stop-matchmaking", ticket_id=again, refused="InvalidRequestException")
    aws("stop-matchmaking", ticket_id="none", refused="NotFoundException")
    aws("tag-resource", resource_arn=config["ConfigurationArn"], tags=["Key=k,Value=v", "Key=l,Value=w"])
    aws("untag-resource", resource_arn=config["ConfigurationArn"], tag_keys="k")
    assert aws("list-tags-for-resource", resource_arn=config["ConfigurationArn"])["Tags"] == [{"Key": "l", "Value": "w"}]
    # The CLI asks for pages by itself.
    assert name in [one["RuleSetName"] for one in aws("describe-matchmaking-rule-sets", page_size="1")["RuleSets"]]
    aws("delete-matchmaking-configuration", name=name)
    aws("delete-matchmaking-rule-set", name=name)


def test_the_javascript_sdk():
    needs(shutil.which("node") and (JS / "node_modules").is_dir(), "JavaScript SDK")
    command = ["node", str(JS / "walk.mjs"), URL, f"js-{uuid.uuid4().hex[:10]}"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "ok\n"), ran.stderr
