// The JavaScript SDK, unmodified: a rule set, a configuration, a match that is accepted, a ticket that is stopped, tags,
// typed errors. Usage: node walk.mjs URL NAME
import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-gamelift";

const [url, name] = process.argv.slice(2);
const client = new sdk.GameLiftClient({
  endpoint: url,
  region: "eu-west-1",
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
  maxAttempts: 1,
});
const ask = (operation, input) => client.send(new sdk[`${operation}Command`](input));
const refused = (kind, asked) => assert.rejects(asked, (error) => error instanceof kind && error.message.length > 0);

const team = (name) => ({ name, minPlayers: 1, maxPlayers: 1 });
const RuleSetBody = JSON.stringify({ ruleLanguageVersion: "1.0", teams: [team("left"), team("right")] });
await refused(sdk.InvalidRequestException, ask("ValidateMatchmakingRuleSet", { RuleSetBody: "{}" }));
assert.equal((await ask("ValidateMatchmakingRuleSet", { RuleSetBody })).Valid, true);
const { RuleSet } = await ask("CreateMatchmakingRuleSet", { Name: name, RuleSetBody });
assert.equal(RuleSet.RuleSetArn, `arn:aws:gamelift:eu-west-1:000000000000:matchmakingruleset/${name}`);
assert.ok(Math.abs(RuleSet.CreationTime - Date.now()) < 60_000);
const { Configuration } = await ask("CreateMatchmakingConfiguration", {
  Name: name,
  RuleSetName: RuleSet.RuleSetArn,
  RequestTimeoutSeconds: 60,
  AcceptanceRequired: true,
  AcceptanceTimeoutSeconds: 30,
  FlexMatchMode: "STANDALONE",
});
assert.equal(Configuration.RuleSetName, name);

const players = ["ada", "bo"].map((player) => `${player}-${name}`);
const TicketIds = [];
for (const PlayerId of players) {
  const { MatchmakingTicket } = await ask("StartMatchmaking", {
    ConfigurationName: name,
    Players: [{ PlayerId, PlayerAttributes: { skill: { N: 7.5 } }, LatencyInMs: { "eu-west-1": 30 } }],
  });
  assert.equal(MatchmakingTicket.Status, "QUEUED");
  TicketIds.push(MatchmakingTicket.TicketId);
}
async function until(status) {
  for (let asked = 0; asked < 500; asked += 1) {
    const { TicketList } = await ask("DescribeMatchmaking", { TicketIds });
    if (TicketList.every((ticket) => ticket.Status === status)) return TicketList;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the tickets are not ${status}`);
}
await until("REQUIRES_ACCEPTANCE");
for (const [at, TicketId] of TicketIds.entries()) {
  await ask("AcceptMatch", { TicketId, PlayerIds: [players[at]], AcceptanceType: "ACCEPT" });
}
const matched = await until("COMPLETED");
assert.deepEqual(matched.map((ticket) => ticket.Players[0].Team).sort(), ["left", "right"]);
assert.ok(matched[0].StartTime instanceof Date && matched[0].EndTime >= matched[0].StartTime);

const { MatchmakingTicket } = await ask("StartMatchmaking", { ConfigurationName: name, Players: [{ PlayerId: players[0] }] });
const { TicketId } = MatchmakingTicket;
await ask("StopMatchmaking", { TicketId });
await refused(sdk.InvalidRequestException, ask("StopMatchmaking", { TicketId }));
await refused(sdk.NotFoundException, ask("StopMatchmaking", { TicketId: "none" }));

const ResourceARN = Configuration.ConfigurationArn;
await ask("TagResource", { ResourceARN, Tags: [{ Key: "k", Value: "v" }, { Key: "l", Value: "w" }] });
await ask("UntagResource", { ResourceARN, TagKeys: ["k"] });
assert.deepEqual((await ask("ListTagsForResource", { ResourceARN })).Tags, [{ Key: "l", Value: "w" }]);
await refused(sdk.InvalidRequestException, ask("DeleteMatchmakingRuleSet", { Name: name }));
await ask("DeleteMatchmakingConfiguration", { Name: name });
await ask("DeleteMatchmakingRuleSet", { Name: name });
console.log("ok");
