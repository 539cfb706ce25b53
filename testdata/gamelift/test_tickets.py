"""Tickets: what they may be, how they go, what is told of their end; acceptance, backfill."""
import datetime
import time

import pytest
from conftest import invalid, missing, rules

SKILL = {"name": "skill", "type": "number", "default": 10}
MAPS = {"name": "maps", "type": "string_list", "default": []}
CLOSE = rules(playerAttributes=[SKILL, MAPS], rules=[
    {"name": "Close", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5}])
TWO_ON_TWO = rules(teams=[("left", 1, 2), ("right", 1, 2)])


def with_skill(name, skill, **more):
    return {"PlayerId": name, "PlayerAttributes": {"skill": {"N": skill}}, **more}


def attribute(**value):
    return [{"PlayerId": "p", "PlayerAttributes": {"x": value}}]


# --- what a ticket may be

@pytest.mark.parametrize("given", [
    {"TicketId": "a b"}, {"TicketId": "a/b"}, {"TicketId": "a_b"}, {"TicketId": "t" * 129}, {"TicketId": ""},
    {"ConfigurationName": ""}, {"ConfigurationName": "a b"}, {"ConfigurationName": "arn:aws:gamelift:r:0:matchmakingruleset/a"},
    {"Players": []}, {"Players": None}, {"Players": [{}]}, {"Players": [{"PlayerId": ""}]},
    {"Players": [{"PlayerId": "p" * 1025}]}, {"Players": [{"PlayerId": str(n)} for n in range(11)]},
    {"Players": [{"PlayerId": "p"}, {"PlayerId": "p"}]}, {"Players": [{"PlayerId": "p", "Team": ""}]},
    {"Players": [{"PlayerId": "p", "LatencyInMs": {"eu": 0}}]}, {"Players": [{"PlayerId": "p", "LatencyInMs": {"eu": -5}}]},
    {"Players": [{"PlayerId": "p", "LatencyInMs": {"": 5}}]},
    {"Players": attribute()}, {"Players": attribute(S="a", N=1)}, {"Players": attribute(S="")},
    {"Players": attribute(S="s" * 101)}, {"Players": attribute(SL=["s" * 101])}, {"Players": attribute(SL=[""])},
    {"Players": attribute(SL=[str(n) for n in range(101)])}, {"Players": attribute(SDM={str(n): 1 for n in range(11)})},
    {"Players": attribute(SDM={"s" * 101: 1})}, {"Players": attribute(SDM={"": 1})},
    {"Players": [{"PlayerId": "p", "PlayerAttributes": {str(n): {"N": 1} for n in range(11)}}]},
    {"Players": [{"PlayerId": "p", "PlayerAttributes": {"": {"N": 1}}}]},
    {"Players": [{"PlayerId": "p", "PlayerAttributes": {"skill": {"S": "ten"}}}]},
    {"Players": [{"PlayerId": "p", "PlayerAttributes": {"maps": {"S": "ice"}}}]},
], ids=str)
def test_a_ticket_that_is_refused(gl, mm, given):
    whole = {"ConfigurationName": mm.config(CLOSE), "Players": [{"PlayerId": mm.name("p")}], **given}
    invalid(gl.start_matchmaking, **{key: value for key, value in whole.items() if value is not None})


def test_a_new_ticket_is_shown_whole(gl, mm):
    config = mm.config(CLOSE)
    player = {
        "PlayerId": "Ada Ä " + mm.name("p"), "LatencyInMs": {"eu-west-1": 40, "custom-home": 2**31 - 1},
        "PlayerAttributes": {"skill": {"N": -7.25}, "maps": {"SL": ["ice", "sand"]}, "likes": {"SDM": {"ice": 1.5}},
                             "undeclared": {"S": "s" * 100}},
    }
    twice = {**player, "PlayerAttributes": {**player["PlayerAttributes"], "maps": {"SL": ["ice", "sand", "ice"]}}}
    before = datetime.datetime.now(datetime.timezone.utc)
    made = mm.started(config, twice, TicketId="." * 20 + mm.name("T-9.z"))
    assert made["Status"] == "QUEUED" and made["Players"] == [player], made
    assert made["ConfigurationName"] == config and made["ConfigurationArn"].endswith(f":matchmakingconfiguration/{config}")
    assert abs((made["StartTime"] - before).total_seconds()) < 10
    absent = {"EndTime", "StatusReason", "StatusMessage", "GameSessionConnectionInfo", "EstimatedWaitTime"}
    assert not absent & made.keys(), made
    (shown,) = mm.until("SEARCHING", made["TicketId"])
    assert shown == {**made, "Status": "SEARCHING"}


def test_a_ticket_is_named_once_for_ever(gl, mm):
    config = mm.config()
    ticket = mm.start(config)
    gl.stop_matchmaking(TicketId=ticket)
    again = {"TicketId": ticket, "ConfigurationName": config, "Players": [{"PlayerId": mm.name("p")}]}
    invalid(gl.start_matchmaking, **again)
    again["Players"][0]["Team"] = "left"
    invalid(gl.start_match_backfill, **again)
    own = gl.start_matchmaking(ConfigurationName=config, Players=[{"PlayerId": mm.name("p")}])["MatchmakingTicket"]["TicketId"]
    mm.tickets.append(own)
    assert len(own) == 36


def test_unknown_things_and_what_reads_take(gl, mm):
    missing(gl.start_matchmaking, ConfigurationName="none-of-this-name", Players=[{"PlayerId": "p"}])
    missing(gl.stop_matchmaking, TicketId="none-of-this-name")
    missing(gl.accept_match, TicketId="none-of-this-name", PlayerIds=["p"], AcceptanceType="ACCEPT")
    assert gl.describe_matchmaking(TicketIds=["none-of-this-name"])["TicketList"] == []
    for ids in (None, ["t"] * 11, ["a b"], ["t" * 129]):
        invalid(gl.describe_matchmaking, **({} if ids is None else {"TicketIds": ids}))
    invalid(gl.stop_matchmaking, TicketId="a b")
    invalid(gl.stop_matchmaking)
    for given in ({"PlayerIds": []}, {"PlayerIds": [""]}, {"AcceptanceType": "accept"}, {"TicketId": "a b"}):
        invalid(gl.accept_match, **{"TicketId": "t", "PlayerIds": ["p"], "AcceptanceType": "ACCEPT", **given})
    first, second = mm.start(mm.config()), mm.start(mm.config())
    found = gl.describe_matchmaking(TicketIds=[second, "none", first, second])["TicketList"]
    assert [ticket["TicketId"] for ticket in found] == [second, first]


# --- how tickets go

def ended(ticket, status, reason, message):
    assert (ticket["Status"], ticket["StatusReason"], ticket["StatusMessage"]) == (status, reason, message), ticket
    assert ticket["EndTime"] >= ticket["StartTime"] and "EstimatedWaitTime" not in ticket, ticket


def test_a_stopped_ticket_says_why(gl, mm):
    ticket = mm.start(mm.config())
    assert list(gl.stop_matchmaking(TicketId=ticket)) == ["ResponseMetadata"]
    ended(mm.get(ticket), "CANCELLED", "Cancelled", "Cancelled by request.")
    invalid(gl.stop_matchmaking, "CANCELLED", TicketId=ticket)


def test_a_ticket_that_times_out_says_why(gl, mm):
    ticket = mm.start(mm.config(RequestTimeoutSeconds=1))
    (shown,) = mm.until("TIMED_OUT", ticket)
    ended(shown, "TIMED_OUT", "TimedOut", "Removed from matchmaking due to timing out.")
    assert 1 <= (shown["EndTime"] - shown["StartTime"]).total_seconds() < 3.5
    invalid(gl.stop_matchmaking, "TIMED_OUT", TicketId=ticket)


def test_a_match_is_told_by_its_tickets(gl, mm):
    config = mm.config(CLOSE)
    first, second = mm.start(config, with_skill(mm.name("p"), 10)), mm.start(config, with_skill(mm.name("p"), 15))
    shown = mm.until("COMPLETED", first, second)
    assert {ticket["Players"][0]["Team"] for ticket in shown} == {"left", "right"}
    for ticket in shown:
        assert ticket["EndTime"] >= ticket["StartTime"] and "StatusReason" not in ticket, ticket
        assert "GameSessionConnectionInfo" not in ticket
        assert ticket["Players"][0]["PlayerAttributes"]["skill"]["N"] in (10, 15)
        invalid(gl.stop_matchmaking, "COMPLETED", TicketId=ticket["TicketId"])
        invalid(gl.accept_match, TicketId=ticket["TicketId"], PlayerIds=[ticket["Players"][0]["PlayerId"]],
                AcceptanceType="ACCEPT")
    third = mm.get(mm.start(config))
    assert isinstance(third["EstimatedWaitTime"], int) and third["EstimatedWaitTime"] >= 0


def test_the_team_of_a_new_player_is_not_honoured(gl, mm):
    config = mm.config()
    made = mm.started(config, {"PlayerId": mm.name("p"), "Team": "left"})
    other = mm.start(config, {"PlayerId": mm.name("p"), "Team": "left"})
    shown = mm.until("COMPLETED", made["TicketId"], other)
    assert {ticket["Players"][0]["Team"] for ticket in shown} == {"left", "right"}


def test_a_player_has_one_active_request(gl, mm):
    config, elsewhere = mm.config(rules(teams=[("all", 9, 9)])), mm.config()
    ada, bo = mm.name("p"), mm.name("p")
    party = mm.start(config, ada, bo)
    mm.start(elsewhere, ada)
    ended(mm.get(party), "CANCELLED", "Cancelled", "Cancelled by request.")
    # What it says of a ticket in the same instant as it starts is not an error: the new one waits.
    mm.start(config, bo)


def test_a_changed_configuration_moves_waiting_tickets_to_its_rules(gl, mm):
    config = mm.config(CLOSE)
    far = mm.start(config, with_skill(mm.name("p"), 1)), mm.start(config, with_skill(mm.name("p"), 90))
    mm.until("SEARCHING", *far)
    gl.update_matchmaking_configuration(Name=config, RuleSetName=mm.rule_set()["RuleSetName"])
    mm.until("COMPLETED", *far)


def test_a_configuration_in_use_stays_until_its_tickets_end(gl, mm):
    config = mm.config()
    ticket = mm.start(config)
    invalid(gl.delete_matchmaking_configuration, Name=config)
    gl.stop_matchmaking(TicketId=ticket)
    gl.delete_matchmaking_configuration(Name=config)
    assert mm.get(ticket)["Status"] == "CANCELLED", "an ended ticket outlives its configuration"


def test_an_expansion_lets_two_meet(gl, mm):
    body = {**CLOSE, "expansions": [{"target": "rules[Close].maxDistance", "steps": [{"waitTimeSeconds": 2, "value": 50}]}]}
    config = mm.config(body)
    far = mm.start(config, with_skill(mm.name("p"), 1)), mm.start(config, with_skill(mm.name("p"), 40))
    shown = mm.until("COMPLETED", *far)
    newest = max(ticket["StartTime"] for ticket in shown)
    assert (shown[0]["EndTime"] - newest).total_seconds() >= 1.9


# --- acceptance

def proposed(mm, accept=30, body=None, **more):
    config = mm.config(body, accept=accept, **more)
    names = mm.name("p"), mm.name("p")
    tickets = mm.start(config, names[0]), mm.start(config, names[1])
    mm.until("REQUIRES_ACCEPTANCE", *tickets)
    return list(zip(tickets, names))


def test_an_answer_is_checked(gl, mm):
    (first, ada), (second, bo) = proposed(mm)
    assert "Team" in mm.get(first)["Players"][0] or "EndTime" not in mm.get(first)
    for players in ([bo], [ada, bo], [ada, "nobody"]):
        invalid(gl.accept_match, TicketId=first, PlayerIds=players, AcceptanceType="ACCEPT")
    mm.answer(first, ada)
    mm.answer(first, ada)
    assert mm.get(first)["Status"] == mm.get(second)["Status"] == "REQUIRES_ACCEPTANCE"
    mm.answer(second, bo)
    mm.until("COMPLETED", first, second)
    invalid(gl.accept_match, TicketId=second, PlayerIds=[bo], AcceptanceType="ACCEPT")


def test_the_last_answer_counts(gl, mm):
    (first, ada), (second, bo) = proposed(mm)
    mm.answer(first, ada)
    mm.answer(first, ada, kind="REJECT")
    mm.until("CANCELLED", first)
    mm.until("CANCELLED", second)  # who had not answered when it was off
    invalid(gl.accept_match, TicketId=second, PlayerIds=[bo], AcceptanceType="ACCEPT")


def test_who_accepted_searches_on_with_the_same_start(gl, mm):
    (first, ada), (second, bo) = proposed(mm)
    started = mm.get(first)["StartTime"]
    mm.answer(first, ada)
    mm.answer(second, bo, kind="REJECT")
    (shown,) = mm.until("SEARCHING", first)
    assert shown["StartTime"] == started and "EndTime" not in shown and "Team" not in shown["Players"][0], shown
    (gone,) = mm.until("CANCELLED", second)
    assert gone["StatusReason"] == "Cancelled" and gone["StatusMessage"], gone
    third = mm.start(shown["ConfigurationName"], mm.name("p"))
    mm.until("REQUIRES_ACCEPTANCE", first, third)


def test_silence_ends_at_the_timeout(gl, mm):
    (first, ada), (second, bo) = proposed(mm, accept=1)
    mm.answer(first, ada)
    (gone,) = mm.until("CANCELLED", second)
    assert gone["StatusReason"] == "Cancelled" and gone["StatusMessage"], gone
    assert mm.get(first)["Status"] == "SEARCHING"
    invalid(gl.accept_match, TicketId=second, PlayerIds=[bo], AcceptanceType="ACCEPT")
    invalid(gl.accept_match, TicketId=first, PlayerIds=[ada], AcceptanceType="ACCEPT")


def test_a_stopped_proposal_blames_nobody_else(gl, mm):
    (first, ada), (second, bo) = proposed(mm)
    gl.stop_matchmaking(TicketId=first)
    ended(mm.get(first), "CANCELLED", "Cancelled", "Cancelled by request.")
    mm.until("SEARCHING", second)


def test_a_new_request_ends_the_proposal_of_the_old_one(gl, mm):
    (first, ada), (second, bo) = proposed(mm)
    mm.start(mm.config(), ada)
    ended(mm.get(first), "CANCELLED", "Cancelled", "Cancelled by request.")
    mm.until("SEARCHING", second)


def test_the_request_times_out_also_after_a_failed_proposal(gl, mm):
    (first, ada), (second, bo) = proposed(mm, RequestTimeoutSeconds=2)
    mm.answer(first, ada)
    mm.answer(second, bo, kind="REJECT")
    (shown,) = mm.until("TIMED_OUT", first)
    ended(shown, "TIMED_OUT", "TimedOut", "Removed from matchmaking due to timing out.")


def test_without_a_timeout_players_have_ten_minutes(gl, mm):
    name = mm.config(AcceptanceRequired=True)
    (config,) = gl.describe_matchmaking_configurations(Names=[name])["Configurations"]
    assert config["AcceptanceTimeoutSeconds"] == 600
    mm.until("REQUIRES_ACCEPTANCE", mm.start(name), mm.start(name))


def test_a_party_accepts_with_every_player(gl, mm):
    config = mm.config(rules(teams=[("left", 2, 2), ("right", 1, 1)]), accept=30)
    ada, bo, cy = mm.name("p"), mm.name("p"), mm.name("p")
    party, solo = mm.start(config, ada, bo), mm.start(config, cy)
    mm.until("REQUIRES_ACCEPTANCE", party, solo)
    mm.answer(solo, cy)
    mm.answer(party, ada)
    mm.answer(party, bo, kind="REJECT")
    mm.until("CANCELLED", party)
    mm.until("SEARCHING", solo)


# --- backfill

SESSION = "arn:aws:gamelift:us-east-1::gamesession/fleet-1/"


def on(team, name, **more):
    return {"PlayerId": name, "Team": team, **more}


@pytest.mark.parametrize("players", [
    [], None, [{"PlayerId": "p"}], [on("left", "p"), {"PlayerId": "q"}], [on("", "p")], [on("left", "p"), on("right", "p")],
    [{"Team": "left"}], [on("left", str(n)) for n in range(200)],
    [on("left", "p", PlayerAttributes={"x": {"S": "a", "N": 1}})], [on("left", "p", LatencyInMs={"eu": 0})],
], ids=str)
def test_a_backfill_that_is_refused(gl, mm, players):
    given = {"ConfigurationName": mm.config(TWO_ON_TWO), "TicketId": mm.name("t")}
    invalid(gl.start_match_backfill, **given, **({} if players is None else {"Players": players}))


def test_a_backfill_names_teams_and_sessions_that_can_be(gl, mm):
    given = {"ConfigurationName": mm.config(TWO_ON_TWO), "Players": [on("left", mm.name("p"))]}
    invalid(gl.start_match_backfill, **{**given, "Players": [on("up", mm.name("p"))]})
    for arn in ("", "a b", "a_b", "x" * 513):
        invalid(gl.start_match_backfill, GameSessionArn=arn, **given)
    missing(gl.start_match_backfill, **{**given, "ConfigurationName": "none-of-this-name"})


def test_a_backfill_shows_its_players_teams_and_session(gl, mm):
    config, arn = mm.config(TWO_ON_TWO), SESSION + mm.name("s")
    players = [on("left", mm.name("p")), on("right", mm.name("p"))]
    made = mm.started(config, *players, backfill=True, GameSessionArn=arn)
    assert made["Status"] == "QUEUED" and made["Players"] == players
    assert made["GameSessionConnectionInfo"] == {"GameSessionArn": arn}
    without = mm.started(config, on("left", mm.name("p")), backfill=True)
    assert "GameSessionConnectionInfo" not in without
    newcomer = mm.start(config)
    mm.until("COMPLETED", made["TicketId"], newcomer)
    shown = mm.get(made["TicketId"])
    assert shown["Players"] == players and shown["GameSessionConnectionInfo"]["GameSessionArn"] == arn, shown


def test_a_session_has_one_active_backfill(gl, mm):
    config, other = mm.config(TWO_ON_TWO), mm.config(TWO_ON_TWO)
    ada, arn = mm.name("p"), SESSION + mm.name("s")
    older = mm.start(config, on("left", ada), backfill=True, GameSessionArn=arn)
    foreign = mm.start(config, on("left", mm.name("p")), backfill=True, GameSessionArn=arn + "2")
    newer = mm.start(other, on("left", ada), on("right", mm.name("p")), backfill=True, GameSessionArn=arn)
    ended(mm.get(older), "CANCELLED", "Cancelled", "Cancelled by request.")
    assert mm.get(foreign)["Status"] in ("QUEUED", "SEARCHING")
    newcomer = mm.start(other)
    mm.until("COMPLETED", newer, newcomer)
    again = mm.start(other, on("left", ada), backfill=True, GameSessionArn=arn)
    assert mm.get(again)["Status"] in ("QUEUED", "SEARCHING") and mm.get(newer)["Status"] == "COMPLETED"
    gl.stop_matchmaking(TicketId=again)
    mm.start(other, on("left", ada), backfill=True, GameSessionArn=arn)


def test_a_backfill_that_asks_newcomers_is_replaced_all_the_same(gl, mm):
    config, arn, ada, bo = mm.config(TWO_ON_TWO, accept=30), SESSION + mm.name("s"), mm.name("p"), mm.name("p")
    older = mm.start(config, on("left", ada), backfill=True, GameSessionArn=arn)
    newcomer = mm.start(config, bo)
    mm.until("REQUIRES_ACCEPTANCE", older, newcomer)
    newer = mm.start(config, on("left", ada), backfill=True, GameSessionArn=arn)
    assert mm.get(older)["Status"] == "CANCELLED"
    mm.until("REQUIRES_ACCEPTANCE", newer, newcomer)
    mm.answer(newcomer, bo)
    mm.until("COMPLETED", newer, newcomer)


def test_a_refused_backfill_replaces_nothing(gl, mm):
    config, arn = mm.config(TWO_ON_TWO), SESSION + mm.name("s")
    older = mm.start(config, on("left", mm.name("p")), backfill=True, GameSessionArn=arn)
    invalid(gl.start_match_backfill, ConfigurationName=config, GameSessionArn=arn, Players=[on("up", mm.name("p"))])
    invalid(gl.start_match_backfill, ConfigurationName=config, GameSessionArn=arn, Players=[on("left", mm.name("p"))],
            TicketId=older)
    assert mm.get(older)["Status"] in ("QUEUED", "SEARCHING")


def test_the_backfill_returns_when_a_newcomer_rejects(gl, mm):
    config, bo = mm.config(TWO_ON_TWO, accept=30), mm.name("p")
    backfill, newcomer = mm.start(config, on("left", mm.name("p")), backfill=True), mm.start(config, bo)
    mm.until("REQUIRES_ACCEPTANCE", backfill, newcomer)
    mm.answer(newcomer, bo, kind="REJECT")
    mm.until("CANCELLED", newcomer)
    mm.until("SEARCHING", backfill)


def test_a_backfill_does_not_stop_what_its_players_wait_in(gl, mm):
    config, ada = mm.config(rules(teams=[("left", 3, 3)])), mm.name("p")
    waiting = mm.start(config, ada)
    backfill = mm.start(mm.config(TWO_ON_TWO), on("left", ada), backfill=True)
    time.sleep(0.2)
    assert mm.get(waiting)["Status"] == "SEARCHING"
    assert mm.get(backfill)["Status"] == "SEARCHING"
