//! Whether the endpoint answers that is asked about matches.
use super::{Finding, Verdict};
use crate::output::Failure;
use gsm_adapters::{
    SystemClock,
    sagemaker::{Asked, Member, Predictor, Settings, Speaker},
};
use gsm_core::Clock as _;
use gsm_ml::Home;
use gsm_server::config::PredictorSettings;
use std::time::Duration;

/// A first call looks for credentials and connects, which no budget of a match would leave time for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks it about two players whom nobody knows. A server starts without it, and asks the mode's own model.
pub(super) fn check(of: &PredictorSettings) -> Result<Finding, Failure> {
    const CHECK: &str = "predictor";
    let name = of.endpoint.endpoint.clone();
    let settings = Settings { budget: PATIENCE, ..of.endpoint.clone() };
    let nobody = |id: &str| vec![Member { id: id.to_owned(), rating: None }];
    let asked = Asked {
        teams: [nobody("gsm-doctor-1"), nobody("gsm-doctor-2")],
        parties: Vec::new(),
        variant: None,
        home: Home::Nobody,
        at: SystemClock::new().now(),
    };
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
    let spoken = runtime.block_on(async {
        let asked_and_answered = async { Predictor::connect(settings, None).await.ask(&[asked]).await };
        // Looking for the region and for credentials is under no budget.
        tokio::time::timeout(2 * PATIENCE, asked_and_answered).await
    });
    runtime.shutdown_background();
    let why = match spoken.ok().and_then(|all| all.into_iter().next()).map(|spoken| spoken.speaker) {
        Some(Speaker::Endpoint { model, .. }) => {
            return Ok(Finding::ok(CHECK, format!("endpoint `{name}` answers, model {model}")));
        }
        Some(Speaker::Local { why, .. } | Speaker::Rating { why }) => why.to_string(),
        None => format!("no answer in {} s", (2 * PATIENCE).as_secs()),
    };
    Ok(Finding::bad(
        CHECK,
        Verdict::Warn,
        format!("endpoint `{name}`: {why}"),
        "until it answers, each mode's own model speaks: look at predictor.* and at the credentials",
    ))
}
