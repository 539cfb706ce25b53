//! Where a model elsewhere is, and what is told of its calls. The calls themselves are a vendor's (`sagemaker`).
use gsm_core::Mode;
use gsm_engine::{Miss, RemoteModel};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// What a call to an endpoint may take, unless it is said otherwise.
pub const ENDPOINT_BUDGET: Duration = Duration::from_millis(50);

/// Where an endpoint of Amazon SageMaker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSettings {
    /// Its name.
    pub endpoint: String,
    /// Its region; none takes that of the environment.
    pub region: Option<String>,
    /// Instead of the region's own address.
    pub url: Option<String>,
    /// What a call may take.
    pub budget: Duration,
}

/// What an endpoint's calls come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointNews {
    /// Matches were asked about.
    Asked {
        /// So many.
        matches: usize,
        /// Why there is no answer, if there is none.
        missed: Option<Miss>,
        /// How long that took.
        took: Duration,
    },
    /// It is left alone from now on, for it failed too often...
    Opened,
    /// ... and here it is asked again, as ever.
    Closed,
}

/// Whoever is told. Must not block.
pub type EndpointListener = Arc<dyn Fn(EndpointNews) + Send + Sync>;

/// Whether this build reaches endpoints, or which feature does.
///
/// # Errors
/// What to build.
pub fn endpoint_supported() -> Result<(), String> {
    if cfg!(feature = "sagemaker") {
        Ok(())
    } else {
        Err("this build does not reach Amazon SageMaker: build gsm with `--features full`".to_owned())
    }
}

/// The endpoint as the engine asks it, about matches of `modes`, or of all without any. Nothing is called yet.
///
/// # Errors
/// Where this build does not reach it.
pub async fn open_endpoint(
    settings: EndpointSettings,
    modes: BTreeSet<Mode>,
    told: EndpointListener,
) -> Result<Arc<dyn RemoteModel>, String> {
    endpoint_supported()?;
    #[cfg(feature = "sagemaker")]
    return Ok(crate::sagemaker::remote(settings, modes, told).await);
    #[cfg(not(feature = "sagemaker"))]
    {
        let _ = (settings, modes, told);
        Err(String::new())
    }
}
