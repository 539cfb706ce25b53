//! `gsm sagemaker ask`: an endpoint as a server asks it, from the command line.
use crate::{
    model::teams,
    output::{Failure, Outcome, say},
};
use clap::Args;
use gsm_adapters::{
    SystemClock,
    sagemaker::{Asked, Member, Predictor, Settings, Speaker, Spoken},
};
use gsm_core::{Clock as _, Timestamp};
use gsm_ml::{Guest, Home, ModelFile, Oracle};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// `gsm sagemaker ask`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm sagemaker ask --endpoint gsm-quality --region eu-west-1 --team ann --team bob
  gsm sagemaker ask --endpoint gsm-quality --team ann=1620,kim --team bob,eve --model duel-3.gsmmodel --json
  gsm sagemaker ask --endpoint gsm-quality --team ann --team bob --count 20 --budget-ms 50

Says what is predicted and who spoke: the endpoint with its production variant, else the local model (--model), else the
difference of the ratings. A rating (id=rating) is how good a player is whom the model does not know: a newcomer has 1500, 400
points more win ten times out of eleven; of who is known it says nothing. After five failures among ten calls the endpoint is left alone for five
seconds. Credentials are those of the environment, as for every AWS tool. The first call connects: give it time.

Exit code 0: somebody spoke; 1: the model is damaged; 2: a flag makes no sense.")]
pub(super) struct Ask {
    /// The endpoint's name
    #[arg(long, value_name = "NAME")]
    endpoint: String,
    /// Its region [default: that of the environment]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The address of the runtime, instead of the region's own
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// What a call may take
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    budget_ms: u64,
    /// Who speaks when the endpoint does not: a model file
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The players of a team, with commas between, each with its rating if it is known; twice
    #[arg(long, value_name = "PLAYERS", required = true)]
    team: Vec<String>,
    /// Players who came together, with commas between; for each party
    #[arg(long, value_name = "PLAYERS")]
    party: Vec<String>,
    /// The variant played
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// When, in milliseconds since 1970 [default: now]
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    at: Option<i64>,
    /// Ask so often, one after another
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// One JSON object a line, for each answer
    #[arg(long)]
    json: bool,
}

impl Ask {
    pub(super) fn run(self) -> Outcome {
        let at = self.at.map_or_else(|| SystemClock::new().now(), Timestamp::from_millis);
        let teams = teams::teams(&self.team, member, |member: &Member| &member.id)?;
        let players: Vec<&str> = teams.iter().flatten().map(|member| member.id.as_str()).collect();
        let parties = teams::parties(&self.party, &players)?;
        let parties = parties.iter().map(|party| party.iter().map(ToString::to_string).collect()).collect();
        let asked = Asked { teams, parties, variant: self.variant.clone(), home: Home::AsEver, at };
        let local = self.model.as_ref().map(|path| {
            let shown = path.display();
            let bytes = std::fs::read(path)
                .map_err(|error| Failure::usage(format!("--model: cannot read `{shown}`: {error}")))?;
            let model = ModelFile::read(&bytes).map(Oracle::new);
            model.map_err(|error| Failure::failed(format!("`{shown}`: {error}")))
        });
        let local = local.transpose()?;
        let settings = Settings {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            url: self.url.clone(),
            budget: Duration::from_millis(self.budget_ms),
        };
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        runtime.block_on(async {
            let predictor = Predictor::connect(settings, local).await;
            for _ in 0..self.count {
                for spoken in predictor.ask(std::slice::from_ref(&asked)).await {
                    if self.json { say(as_json(&spoken)) } else { text(&spoken) }
                }
            }
        });
        Ok(())
    }
}

/// `ann` or `ann=1620`.
fn member(part: &str) -> Result<Member, Failure> {
    let (id, rating) = part.split_once('=').unwrap_or((part, ""));
    let rating = match rating.trim() {
        "" => None,
        told => {
            let told: Option<f64> = told.parse().ok();
            Some(told.ok_or_else(|| Failure::usage(format!("--team: `{part}` has no number for a rating")))?)
        }
    };
    if let Some(error) = rating.and_then(|rating| Guest::new(rating, None, 0).err()) {
        return Err(Failure::usage(format!("--team: `{part}`: {error}")));
    }
    Ok(Member { id: id.trim().to_owned(), rating })
}

fn as_json(of: &Spoken) -> Value {
    let (speaker, variant, model, why) = match &of.speaker {
        Speaker::Endpoint { variant, model, .. } => ("endpoint", variant.as_deref(), Some(model), None),
        Speaker::Local { model, why } => ("local", None, Some(model), Some(why)),
        Speaker::Rating { why } => ("rating", None, None, Some(why)),
    };
    let inference =
        if let Speaker::Endpoint { inference, .. } = &of.speaker { inference.as_deref() } else { None };
    let chances = of.chances;
    json!({
        "speaker": speaker, "production_variant": variant, "inference_id": inference, "model": model, "why": why.map(ToString::to_string),
        "win": chances.win, "draw": chances.draw, "loss": chances.loss, "expected": chances.expected,
        "low": chances.low, "high": chances.high, "margin": chances.margin, "quality": chances.quality,
    })
}

fn text(of: &Spoken) {
    let who = match &of.speaker {
        Speaker::Endpoint { variant, model, .. } => {
            format!("{model} at the endpoint, variant {}", variant.as_deref().unwrap_or("not told"))
        }
        Speaker::Local { model, why } => format!("{model} here, for {why}"),
        Speaker::Rating { why } => format!("the ratings alone, for {why}"),
    };
    let chances = of.chances;
    say(format_args!(
        "win {:.4}, draw {:.4}, loss {:.4}, quality {:.4}: {who}",
        chances.win, chances.draw, chances.loss, chances.quality
    ));
}
