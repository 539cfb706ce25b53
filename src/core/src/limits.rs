//! Every limit of the domain, with its name. Limits of one face (body sizes, time-outs) live with that face.

/// Characters in the name of a mode or board.
pub const NAME_CHARS_MAX: usize = 64;
/// Characters in the name of a queue or rule set (FlexMatch allows 128).
pub const QUEUE_NAME_CHARS_MAX: usize = 128;
/// Characters in an id that a caller brings (FlexMatch allows 128).
pub const CALLER_ID_CHARS_MAX: usize = 128;
/// Characters in the name of a variant of a mode.
pub const VARIANT_CHARS_MAX: usize = 32;
/// Variants of one mode in which a player's offsets are kept: those played last.
pub const VARIANTS_PER_PLAYER_MAX: usize = 16;
/// Characters in a display name.
pub const LABEL_CHARS_MAX: usize = 32;
/// Attributes that one player of a ticket brings.
pub const ATTRIBUTES_MAX: usize = 10;
/// Strings of one attribute that is a list.
pub const ATTRIBUTE_STRINGS_MAX: usize = 100;
/// Entries of one attribute that is a map.
pub const ATTRIBUTE_ENTRIES_MAX: usize = 10;
/// Characters in each of an attribute's strings.
pub const ATTRIBUTE_CHARS_MAX: usize = 100;
/// Characters in the name of an attribute, and in that of a location.
pub const ATTRIBUTE_NAME_CHARS_MAX: usize = 1_024;
/// Locations to which one player of a ticket brings a latency.
pub const LATENCIES_MAX: usize = 100;
/// Bytes of the attributes and latencies that one player of a ticket brings, as they are stored.
pub const BROUGHT_BYTES_MAX: usize = 16 << 10;
/// Bytes that a ticket keeps of it for each of its players, of all of its queues and with what the server fills in.
pub const BROUGHT_KEPT_BYTES_MAX: usize = 64 << 10;
/// Players in one ticket, but where a rule set says otherwise.
pub const PARTY_SIZE_MAX: usize = 10;
/// Players in one ticket where a rule set says so.
pub const TICKET_PLAYERS_MAX: usize = 40;
/// Players in one match.
pub const MATCH_PLAYERS_MAX: usize = 200;
/// Most players of a match that its players report themselves.
pub const REPORTING_PLAYERS_MAX: usize = 64;
/// Sides (teams, or single players in free-for-all) in one match.
pub const MATCH_SIDES_MAX: usize = 100;
/// Steps of a ladder of penalties.
pub const PENALTY_STEPS_MAX: usize = 16;
/// Milliseconds that one penalty locks a player out, and that one step takes to be forgotten: a year.
pub const PENALTY_MS_MAX: u64 = 365 * 24 * 3_600_000;
/// Offences of one kind that are kept of a player: twice the steps, so that what goes hardly matters.
pub const OFFENCES_KEPT_MAX: usize = 32;
/// Matches of a player that recent opponents are taken from.
pub const RECENT_MATCHES_MAX: u32 = 20;
/// Seconds that they may lie back: a week.
pub const RECENT_SECONDS_MAX: u32 = 7 * 24 * 3_600;
/// Queues that one ticket waits in.
pub const TICKET_QUEUES_MAX: usize = 8;
/// Queues of one server.
pub const QUEUES_MAX: usize = 256;
/// Queues that are gone, or have moved to another mode, and are kept as they were for the matches that they formed.
pub const RETIRED_QUEUES_MAX: usize = 256;
/// Rule sets of one server.
pub const RULE_SETS_MAX: usize = 1_000;
/// Versions of one rule set: as many as one commit takes away together.
pub const RULE_SET_VERSIONS_MAX: usize = 50;
/// Tags of one thing.
pub const TAGS_MAX: usize = 50;
/// API keys of one server that have not been ended, and likewise access keys of AWS clients; so many are listed.
pub const KEYS_MAX: usize = 1_000;
/// Keys that sign sessions and that are kept: each until its last session has expired.
pub const SIGNING_KEYS_MAX: usize = 32;
/// Push streams of one player.
pub const STREAMS_PER_PLAYER_MAX: usize = 8;
/// Waiting tickets of one queue; above it new ones are answered 429.
pub const POOL_TICKETS_MAX: usize = 1_000_000;
/// Rows of one page.
pub const PAGE_SIZE_MAX: usize = 1_000;
/// Rows of one page where the caller names no number.
pub const PAGE_SIZE_DEFAULT: usize = 50;
/// Rows of a listing that asks for metadata.
pub const METADATA_ROWS_MAX: usize = 256;
/// Players on either side in an around-me window.
pub const WINDOW_RADIUS_MAX: usize = 100;
/// Events kept for one player's push stream.
pub const EVENTS_PER_PLAYER_MAX: usize = 256;
/// Ways to sign in of one player: as many as go in one commit.
pub const IDENTITIES_MAX: usize = 16;
/// Tries of one use case whose rows change under it.
pub const CONFLICT_TRIES_MAX: usize = 32;
/// Absolute bound of a reported score.
pub const SCORE_ABS_MAX: f64 = 1e9;
/// Boards that are defined beside those of the modes.
pub const BOARDS_MAX: usize = 1_000;
/// Boards that count the results of one mode: each adds writes to every result.
pub const BOARDS_COUNTING_MAX: usize = 31;
/// Groups that one player belongs to.
pub const GROUPS_MAX: usize = 16;
/// Milliseconds by which an instant of the past that a caller names may be ahead of our clock: it counts as now.
pub const CLOCK_LEAD_MS_MAX: u64 = 1_000;
/// Bytes of a board entry's metadata.
pub const METADATA_BYTES_MAX: usize = 1_024;
/// Absolute bound of a number on a board: exact in every JSON reader.
pub const BOARD_VALUE_ABS_MAX: i64 = 9_007_199_254_740_991;
/// Listings of one board that are paged through at a time.
pub const BOARD_PAGINGS_MAX: usize = 256;
/// Boards that one player watches.
pub const WATCHES_PER_PLAYER_MAX: usize = 16;
/// Friends of one watch.
pub const WATCH_FRIENDS_MAX: usize = 1_000;
/// Tops of one watch.
pub const WATCH_TOPS_MAX: usize = 8;
/// The greatest top that can be watched.
pub const WATCH_TOP_MAX: u32 = 1_000;
/// Watches that name one player as a friend.
pub const WATCHED_BY_MAX: usize = 10_000;
/// Watches and their friends, of all players together.
pub const WATCH_LINKS_MAX: usize = 5_000_000;
