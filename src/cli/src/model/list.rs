//! `gsm model list`
use super::{
    Place,
    live::{beside, challengers},
    show::since,
};
use crate::output::{Failure, Outcome, figure, grouped, print_json, print_table, say};
use clap::Args;
use gsm_adapters::models::Models;
use gsm_core::Mode;
use serde_json::json;

/// `gsm model list`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm model list --data-dir gsm-data
  gsm model list --data-dir gsm-data --mode duel --json     with metrics, hashes, features and all promotions
  gsm model list --data-dir gsm-data --live                 and how challengers hold up beside the champion

With --live no server may run on the directory; a running one tells it by GET /v1/admin/models.

Exit code 0: done; 1: the registry or the data directory failed; 2: no such directory or mode.")]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    /// Only this mode
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    /// Also how challengers predicted the server's matches in the champion's shadow
    #[arg(long)]
    live: bool,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(self) -> Outcome {
        let models = self.place.existing()?;
        let asked = self.mode.as_ref().map(Mode::as_str);
        let wanted = |mode: &str| asked.is_none_or(|asked| asked == mode);
        let mut modes: Vec<&str> = models.versions().iter().map(|of| of.about.mode.as_str()).collect();
        modes.sort_unstable();
        modes.dedup();
        // Where there are no versions yet, there are none of the mode either.
        if let Some(mode) = asked.filter(|mode| !modes.is_empty() && !modes.contains(mode)) {
            let what =
                format!("--mode: `{mode}` has no versions here; there are those of {}", modes.join(", "));
            return Err(Failure::usage(what));
        }
        let live = if self.live { challengers(&self.place.data_dir)? } else { Vec::new() };
        if self.json {
            let versions: Vec<_> = models.versions().iter().filter(|of| wanted(&of.about.mode)).collect();
            let promotions: Vec<_> = models.promotions().iter().filter(|of| wanted(&of.mode)).collect();
            let champions: Vec<_> =
                versions.iter().filter(|of| is_champion(&models, of)).map(|of| of.version).collect();
            let mut told = json!({ "versions": versions, "champions": champions, "promotions": promotions });
            if self.live {
                let live = live.iter().filter(|of| versions.iter().any(|one| one.hash == of.hash));
                told["live"] = json!(live.collect::<Vec<_>>());
            }
            return print_json(&told);
        }
        let head =
            ["version", "name", "", "matches", "until", "log_loss", "rating", "constant", "trained", "by"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        if self.live
            && let Some(head) = rows.first_mut()
        {
            head.extend(["live matches", "log_loss", "champion"].map(str::to_owned));
        }
        for of in models.versions().iter().filter(|of| wanted(&of.about.mode)) {
            let about = &of.about;
            let loss = |figures: &Option<gsm_ml::Figures>| figure(figures.map(|figures| figures.log_loss));
            let champion = if is_champion(&models, of) { "champion" } else { "" };
            rows.push(vec![
                of.version.to_string(),
                about.name.clone(),
                champion.to_owned(),
                grouped(about.window.matches),
                since(about.window.to),
                loss(&about.metrics.model),
                loss(&about.metrics.rating),
                loss(&about.metrics.constant),
                since(about.created_at),
                about.created_by.clone(),
            ]);
            let own = live.iter().find(|one| one.hash == of.hash);
            if let (Some(own), Some(row)) = (own, rows.last_mut()) {
                row.extend(beside(own));
            }
        }
        if rows.len() == 1 {
            say("no models yet: gsm model train --help");
            return Ok(());
        }
        let right = [true, false, false, true, false, true, true, true, false, false, true, true, true];
        print_table(&rows, &right);
        if let Some(last) = models.promotions().iter().rfind(|of| wanted(&of.mode)) {
            let what = if last.rollback { "rolled back to" } else { "promoted" };
            let reason = last.reason.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
            say(format_args!(
                "last: {} {what} version {} of {} at {}{reason}",
                last.by,
                last.version,
                last.mode,
                since(last.at)
            ));
        }
        Ok(())
    }
}

fn is_champion(models: &Models, of: &gsm_adapters::models::Version) -> bool {
    models.champion(&of.about.mode).is_some_and(|champion| champion.version == of.version)
}
