use gsm_core::Timestamp;
use gsm_ranking::{
    soft_reset::{
        DeviationReset, PREVIEW_BUCKETS, PREVIEW_PERCENTILES, Preview, PreviewBucket, PreviewPlayer,
        PreviewTier, ResetConfig, Skill, SoftReset, Target,
    },
    tier::{TierConfig, TierEvent, TierState, Tiers, VisibleReset},
};
use proptest::{collection::vec, prelude::*};

const NOW: Timestamp = Timestamp::EPOCH;
const INITIAL: Skill = Skill { mean: 1_500.0, deviation: 350.0, games: 0 };

fn config() -> ResetConfig {
    ResetConfig {
        target: Target::InitialMean,
        keep: 0.5,
        deviation: DeviationReset::AtLeast(100.0),
        restart_games: false,
        visible: VisibleReset::Lower { divisions: 1 },
    }
}

fn with(change: impl FnOnce(&mut ResetConfig)) -> SoftReset {
    let mut config = config();
    change(&mut config);
    SoftReset::new(config).unwrap()
}

fn skill(mean: f64, deviation: f64) -> Skill {
    Skill { mean, deviation, games: 40 }
}

/// Bronze II and I, silver, master; a hundred rating points each, placed at once.
fn tiers() -> Tiers {
    let text = r#"{"placement_games":3,"points_per_division":100,
        "tiers":[{"name":"bronze","divisions":2},{"name":"silver","divisions":1,"floor":true},
                 {"name":"master","divisions":1}],
        "win":{"base":20,"least":10,"most":40},"loss":{"base":20,"least":10,"most":40},
        "demotion_shield_games":2,"start":{"ratings":[1400,1500,1600,1700]}}"#;
    Tiers::new(serde_json::from_str::<TierConfig>(text).unwrap()).unwrap()
}

fn place(division: u16, points: u32) -> TierState {
    TierState { placement_left: 0, division, points, shield_left: 2, decayed_days: 0, last_played: NOW }
}

#[test]
fn a_mean_keeps_a_share_of_its_distance() {
    let mean = |reset: SoftReset| reset.apply(INITIAL, skill(2_100.0, 60.0)).mean;
    assert_eq!(mean(with(|_| {})), 1_800.0);
    assert_eq!(mean(with(|config| config.target = Target::Mean(1_000.0))), 1_550.0);
    assert_eq!(mean(with(|config| config.keep = 0.0)), 1_500.0);
    assert_eq!(mean(with(|config| config.keep = 1.0)), 2_100.0);
}

#[test]
fn uncertainty_grows_up_to_a_new_players() {
    let deviation =
        |reset, before| with(|config| config.deviation = reset).apply(INITIAL, skill(0.0, before)).deviation;
    assert_eq!(deviation(DeviationReset::AtLeast(100.0), 60.0), 100.0);
    assert_eq!(deviation(DeviationReset::AtLeast(100.0), 140.0), 140.0);
    assert_eq!(deviation(DeviationReset::AtLeast(500.0), 60.0), 350.0);
    assert_eq!(deviation(DeviationReset::Add(50.0), 60.0), 110.0);
    assert_eq!(deviation(DeviationReset::Add(50.0), 340.0), 350.0);
    assert_eq!(deviation(DeviationReset::Add(50.0), 400.0), 400.0);
}

#[test]
fn games_restart_or_not() {
    assert_eq!(with(|_| {}).apply(INITIAL, skill(0.0, 1.0)).games, 40);
    assert_eq!(with(|config| config.restart_games = true).apply(INITIAL, skill(0.0, 1.0)).games, 0);
}

fn lowered(from: TierState, divisions: u16) -> TierState {
    let (tiers, reset) = (tiers(), VisibleReset::Lower { divisions });
    tiers.begin_season(&tiers.bounds(|_| 0), from, reset, 0, NOW).0
}

#[test]
fn a_place_goes_down_or_into_placement() {
    assert_eq!(lowered(place(2, 40), 1), TierState { shield_left: 0, ..place(1, 40) }); // silver is no floor here
    assert_eq!(lowered(place(1, 40), 5), TierState { shield_left: 0, ..place(0, 0) });
    assert_eq!(lowered(place(3, 730), 1), TierState { shield_left: 0, ..place(2, 99) });
    assert_eq!(lowered(place(3, 730), 0), TierState { shield_left: 0, ..place(3, 730) });
    let placing = TierState { placement_left: 2, ..place(0, 0) };
    assert_eq!(lowered(placing, 1), placing);
    let tiers = tiers();
    let (anew, _) =
        tiers.begin_season(&tiers.bounds(|_| 0), place(2, 40), VisibleReset::Placement, 1_550, NOW);
    assert_eq!((anew.placement_left, anew.division, anew.points, anew.shield_left), (3, 0, 0, 0));
    let lower = VisibleReset::Lower { divisions: 1 };
    let (_, events) = tiers.begin_season(&tiers.bounds(|_| 0), place(2, 40), lower, 1_550, NOW);
    assert_eq!(events, [TierEvent::Demoted { from: 2, to: 1 }]);
}

fn preview(reset: SoftReset, players: &[PreviewPlayer]) -> Preview {
    let tiers = tiers();
    let score = |mean: f64| mean as i64;
    reset.preview(INITIAL, Some((&tiers, &tiers.bounds(|_| 0))), score, NOW, players.iter().copied())
}

fn player(mean: f64, place: Option<TierState>) -> PreviewPlayer {
    PreviewPlayer { skill: skill(mean, 60.0), place }
}

#[test]
fn a_preview_counts_tiers_percentiles_and_bars() {
    let players = [
        player(1_300.0, Some(place(0, 10))),
        player(1_500.0, None),
        player(1_900.0, Some(place(3, 200))),
        player(1_640.0, Some(place(2, 40))),
        player(f64::NAN, Some(place(2, 40))),
    ];
    let lower = preview(with(|_| {}), &players);
    let plain = with(|_| {}).preview(INITIAL, None, |mean| mean as i64, NOW, players);
    assert_eq!((plain.tiers.len(), plain.unplaced_before, plain.unplaced_after), (0, 0, 0));
    assert_eq!((plain.players, &plain.buckets), (lower.players, &lower.buckets));
    let tiers = |preview: &Preview| {
        let told = |tier: &PreviewTier| (tier.name.clone(), tier.before, tier.after, tier.belong_after);
        preview.tiers.iter().map(told).collect::<Vec<_>>()
    };
    let named = |name: &str, before, after, belong| (name.to_owned(), before, after, belong);
    // Ratings after it: 1400, 1500, 1570, 1700: bronze II, bronze I twice, master.
    assert_eq!(tiers(&lower), [named("bronze", 1, 2, 3), named("silver", 1, 1, 0), named("master", 1, 0, 1)]);
    assert_eq!((lower.players, lower.unplaced_before, lower.unplaced_after), (4, 1, 1));
    assert_eq!((lower.deviation_mean_before, lower.deviation_mean_after), (60.0, 100.0));
    let anew = preview(with(|config| config.visible = VisibleReset::Placement), &players);
    assert_eq!(tiers(&anew), [named("bronze", 1, 0, 3), named("silver", 1, 0, 0), named("master", 1, 0, 1)]);
    assert_eq!((anew.unplaced_before, anew.unplaced_after), (1, 4), "all have placement games to play");
    let median = lower.percentiles.iter().find(|row| row.percent == 50).unwrap();
    assert_eq!((median.before, median.after), (1_500.0, 1_500.0));
    let last = lower.percentiles.last().unwrap();
    assert_eq!((last.percent, last.before, last.after), (99, 1_900.0, 1_700.0));
    // 600 points in bars of 20.
    assert_eq!(lower.buckets.len(), 31);
    assert_eq!(lower.buckets[0], PreviewBucket { lower: 1_300.0, upper: 1_320.0, before: 1, after: 0 });
    assert_eq!(lower.buckets[5], PreviewBucket { lower: 1_400.0, upper: 1_420.0, before: 0, after: 1 });
}

#[test]
fn a_preview_of_nobody_is_empty() {
    let nobody = preview(with(|_| {}), &[]);
    assert_eq!((nobody.players, nobody.buckets.len(), nobody.percentiles.len()), (0, 0, 0));
    assert_eq!((nobody.deviation_mean_before, nobody.deviation_mean_after), (0.0, 0.0));
}

fn refused(text: &str, change: impl FnOnce(&mut ResetConfig)) {
    let mut config = config();
    change(&mut config);
    let refused = SoftReset::new(config).unwrap_err().to_string();
    assert!(refused.starts_with(text), "{refused}");
}

#[test]
fn a_refusal_names_the_path_and_what_is_allowed() {
    refused("`keep`: `1.1` is not allowed; use 0 to 1", |config| config.keep = 1.1);
    refused("`keep`: `NaN` is not allowed", |config| config.keep = f64::NAN);
    refused("`target.mean`: `-inf` is not", |config| config.target = Target::Mean(f64::NEG_INFINITY));
    refused("`deviation.at_least`: `-1` is", |config| config.deviation = DeviationReset::AtLeast(-1.0));
    refused("`deviation.add`: `2000000` is", |config| config.deviation = DeviationReset::Add(2e6));
    refused("`visible.lower.divisions`: `201` is not allowed; use 0 to 200", |config| {
        config.visible = VisibleReset::Lower { divisions: 201 };
    });
    let text = serde_json::to_string(&config()).unwrap();
    assert_eq!(serde_json::from_str::<ResetConfig>(&text).unwrap(), config());
    assert!(
        serde_json::from_str::<ResetConfig>(&text.replace(r#"{"target""#, r#"{"kep":1,"target""#)).is_err()
    );
    assert!(serde_json::from_str::<ResetConfig>(&text.replace(r#""divisions""#, r#""division""#)).is_err());
}

fn any_reset() -> impl Strategy<Value = SoftReset> {
    let target = prop_oneof![Just(Target::InitialMean), (-1e6..1e6).prop_map(Target::Mean)];
    let deviation = prop_oneof![
        (0.0..400.0).prop_map(DeviationReset::AtLeast),
        (0.0..400.0).prop_map(DeviationReset::Add)
    ];
    let keep = prop_oneof![Just(1.0), 0.0..1.0, 0.0..1e-9];
    (target, keep, deviation, 0..4u16).prop_map(|(target, keep, deviation, divisions)| {
        let visible =
            if divisions == 0 { VisibleReset::Placement } else { VisibleReset::Lower { divisions } };
        SoftReset::new(ResetConfig { target, keep, deviation, restart_games: false, visible }).unwrap()
    })
}

proptest! {
    #[test]
    fn nobody_overtakes_anybody(
        reset in any_reset(), a in -1e7..1e7f64, ulps in 0..3u64, b in -1e7..1e7f64, near: bool, deviation in 0.0..500.0f64,
    ) {
        let b = if near { f64::from_bits(a.to_bits() + ulps) } else { b };
        let after = |mean| reset.apply(INITIAL, skill(mean, deviation));
        prop_assert!(after(a.min(b)).mean <= after(a.max(b)).mean);
        prop_assert!(after(a).deviation >= deviation);
        prop_assert!(after(a).deviation <= deviation.max(INITIAL.deviation));
    }

    #[test]
    fn who_was_ahead_stays_ahead(keep in 0.001..=1.0f64, target in -1e6..1e6f64, mean in -1e6..1e6f64, by in 0.001..1e3f64) {
        let reset = with(|config| (config.keep, config.target) = (keep, Target::Mean(target)));
        let after = |mean| reset.apply(INITIAL, skill(mean, 60.0)).mean;
        prop_assert!(after(mean) < after(mean + by));
    }

    #[test]
    fn a_lowered_place_overtakes_nobody(a in (0..4u16, 0..100u32), b in (0..4u16, 0..100u32), divisions in 0..5u16) {
        let after = |(division, points): (u16, u32)| {
            let after = lowered(place(division, points), divisions);
            (after.division, after.points)
        };
        prop_assert!(after(a.min(b)) <= after(a.max(b)));
    }

    #[test]
    fn a_preview_is_a_recount(
        reset in any_reset(),
        players in vec((900.0..2_500.0f64, proptest::option::of((0..4u16, 0..100u32))), 1..200),
    ) {
        let players: Vec<PreviewPlayer> = players.into_iter()
            .map(|(mean, at)| player(mean, at.map(|(division, points)| place(division, points))))
            .collect();
        let preview = preview(reset, &players);
        let mut before: Vec<f64> = players.iter().map(|player| player.skill.mean).collect();
        let mut after: Vec<f64> = players.iter().map(|player| reset.apply(INITIAL, player.skill).mean).collect();
        prop_assert!((1..=PREVIEW_BUCKETS).contains(&preview.buckets.len()));
        for bar in &preview.buckets {
            let count = |means: &[f64]| means.iter().filter(|&&mean| bar.lower <= mean && mean < bar.upper).count();
            prop_assert_eq!((bar.before, bar.after), (count(&before) as u64, count(&after) as u64));
        }
        before.sort_by(f64::total_cmp);
        after.sort_by(f64::total_cmp);
        prop_assert_eq!(preview.percentiles.len(), PREVIEW_PERCENTILES.len());
        for row in &preview.percentiles {
            let rank = (before.len() as f64 * f64::from(row.percent) / 100.0).ceil() as usize;
            prop_assert_eq!((row.before, row.after), (before[rank - 1], after[rank - 1]));
        }
        let of_tiers = |count: fn(&PreviewTier) -> u64| preview.tiers.iter().map(count).sum::<u64>();
        prop_assert_eq!(of_tiers(|tier| tier.before) + preview.unplaced_before, preview.players);
        prop_assert_eq!(of_tiers(|tier| tier.after) + preview.unplaced_after, preview.players);
    }
}
