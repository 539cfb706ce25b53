//! Who calls, and may he: a token and a decision, as the door asks for both.
use super::{Figure, Took, now};
use crate::{offline::Offline, output::Failure};
use gsm_adapters::Options;
use gsm_core::PlayerId;
use gsm_policy::SHIPPED;
use gsm_server::Gate;
use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

/// Sessions that nobody has seen before, at most.
const SESSIONS_MAX: u32 = 20_000;
/// Makes the decision about one action depend on who asks from where, so that it is found by Cedar each time.
const OWN: &str = r#"@id("bench") forbid (principal is Player, action == Action::"gsm:GetRank", resource)
                     unless { context.address.isInRange(ip("192.0.2.0/24")) };"#;
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

pub(super) async fn measure(dir: &Path, callers: u32) -> Result<Vec<Figure>, Failure> {
    let policies = dir.join("policies");
    fs::create_dir_all(&policies).map_err(Failure::failed)?;
    for (name, text) in SHIPPED.into_iter().chain([("own.cedar", OWN)]) {
        fs::write(policies.join(name), text).map_err(Failure::failed)?;
    }
    let Offline { store, engine } = Offline::open(&dir.join("gate"), Options::default(), "a bench").await?;
    let gate = Gate::open(engine, Some(&policies)).await.map_err(Failure::failed)?;
    let figures = ask(&gate, callers.min(SESSIONS_MAX)).await;
    drop(gate);
    tokio::task::spawn_blocking(move || store.close())
        .await
        .map_err(Failure::failed)?
        .map_err(Failure::failed)?;
    figures
}

async fn ask(gate: &Gate, sessions: u32) -> Result<Vec<Figure>, Failure> {
    let at = gsm_core::Clock::now(&gsm_adapters::SystemClock::new());
    let mut figures = Vec::new();
    for (action, template, how) in [
        ("gsm:GetRank", "/v1/rankings/duel/players", "a decision of Cedar's"),
        ("gsm:GetPlayer", "/v1/players", "a decision known beforehand"),
    ] {
        let players: Vec<PlayerId> = (1..=sessions).map(|n| PlayerId::from_u128(n.into())).collect();
        let paths: Vec<String> = players.iter().map(|player| format!("{template}/{player}")).collect();
        let sessions: Option<Vec<String>> = players.iter().map(|player| gate.session(*player, at)).collect();
        let sessions = sessions.ok_or_else(|| Failure::failed("no key signs"))?;
        for seen in ["an unseen session", "a session seen before"] {
            let mut took = Vec::with_capacity(sessions.len());
            for (session, path) in sessions.iter().zip(&paths) {
                let begin = now();
                let passes = gate.passes(session, action, path, ADDRESS, at).await;
                took.push(begin.elapsed().as_nanos() as u64);
                if !passes {
                    return Err(Failure::failed(format!("a session was not let through to {action}")));
                }
            }
            let what = format!("{seen} and {how}");
            figures.extend(Took::sorted(took).figures(&what, ("µs", 1e3), Some(60.0)));
        }
    }
    Ok(figures)
}
