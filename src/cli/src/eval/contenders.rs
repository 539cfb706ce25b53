//! The systems that are evaluated, by name.
use gsm_rating::{
    EloSettings, Glicko2Settings, GlickoSettings, KalmanSettings, System, TrueSkillSettings, WengLinModel,
    WengLinSettings,
};

/// A system as it enters.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    /// As tables show it.
    pub(crate) name: &'static str,
    /// With its settings before any tuning; none for the model that learns everything by itself.
    pub(crate) system: Option<System>,
    /// How many trees that model grows.
    pub(crate) trees: usize,
    /// Whether `--tune` may change them.
    pub(crate) tunable: bool,
}

/// What `--system` named: one contender, or a family of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice(String);

/// The line that checks the protocol: plain Elo, never tuned.
const CHECK: &str = "elo_default(K=32)";

/// The project's model (`gsm-ml`): rating systems side by side, and what they do not see.
const MODEL: &str = "gsm";

/// All, in the order they run.
pub(crate) fn all() -> Vec<Contender> {
    let weng_lin = |model| System::WengLin(WengLinSettings { model, ..WengLinSettings::default() });
    let tunable = |name, system| Contender { name, system: Some(system), trees: 0, tunable: true };
    vec![
        Contender { tunable: false, ..tunable(CHECK, System::Elo(EloSettings::default())) },
        tunable("elo", System::Elo(EloSettings::default())),
        tunable("glicko", System::Glicko(GlickoSettings::default())),
        tunable("glicko2", System::Glicko2(Glicko2Settings::default())),
        tunable("weng_lin_bradley_terry_full", weng_lin(WengLinModel::BradleyTerryFull)),
        tunable("weng_lin_bradley_terry_part", weng_lin(WengLinModel::BradleyTerryPart)),
        tunable("weng_lin_thurstone_mosteller_full", weng_lin(WengLinModel::ThurstoneMostellerFull)),
        tunable("weng_lin_thurstone_mosteller_part", weng_lin(WengLinModel::ThurstoneMostellerPart)),
        tunable("weng_lin_plackett_luce", weng_lin(WengLinModel::PlackettLuce)),
        tunable("true_skill", System::TrueSkill(TrueSkillSettings::default())),
        tunable("kalman", System::Kalman(KalmanSettings::default())),
        Contender { name: MODEL, system: None, trees: 0, tunable: false },
    ]
}

/// Whether a name on the command line means this contender: its own name, its family's, or the check's without its K.
fn means(name: &str, contender: &Contender) -> bool {
    name == contender.name
        || (name == "elo_default" && contender.name == CHECK)
        || (name == "weng_lin" && contender.name.starts_with("weng_lin_"))
        || (name == "trueskill" && contender.name == "true_skill")
}

/// Reads `--system`.
pub(crate) fn parse(name: &str) -> Result<Choice, String> {
    let all = all();
    if all.iter().any(|contender| means(name, contender)) {
        return Ok(Choice(name.to_owned()));
    }
    let names: Vec<&str> = all.iter().map(|contender| contender.name).collect();
    Err(format!("no such system; there are {}, and weng_lin for its five models", names.join(", ")))
}

/// The chosen ones, each once, in the order of [`all`]; all without a choice.
pub(crate) fn chosen(choices: &[Choice]) -> Vec<Contender> {
    let mut contenders = all();
    contenders.retain(|of| choices.is_empty() || choices.iter().any(|Choice(name)| means(name, of)));
    contenders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], wanted: &[&str]) {
        let choices: Vec<Choice> = names.iter().map(|name| parse(name).unwrap()).collect();
        let found: Vec<&str> = chosen(&choices).iter().map(|of| of.name).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn names_choose_systems_and_families() {
        check(&["kalman", "elo_default"], &[CHECK, "kalman"]);
        check(&["elo_default(K=32)", "elo_default"], &[CHECK]);
        check(&["elo"], &["elo"]);
        check(&["gsm"], &["gsm"]);
        assert_eq!(chosen(&[parse("weng_lin").unwrap()]).len(), 5);
        assert_eq!(chosen(&[]).len(), 12);
        assert!(parse("elo2").unwrap_err().contains("glicko2"));
    }
}
