//! How much of an answer is read: no more than a right one can need.
use aws_sdk_sagemakerruntime::{
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeDeserializationInterceptorContextMut,
    },
    error::BoxError,
};
use aws_smithy_types::body::SdkBody;
use http_body_util::{LengthLimitError, Limited};

/// Of what is said once, or of an error.
const BYTES: usize = 64 << 10;
/// Of what is said of each match, players apart.
const MATCH_BYTES: usize = 4 << 10;

/// The most bytes of the answer to a request of so many about so many matches: players whom the model does not know are
/// named again, as the request named them.
pub(super) const fn answer_bytes_max(request_bytes: usize, matches: usize) -> usize {
    BYTES + MATCH_BYTES * matches + request_bytes
}

/// An answer says that it is longer than it may be.
#[derive(Debug, thiserror::Error)]
#[error("an answer of {told} bytes")]
struct TooLong {
    told: u64,
}

/// Refuses answers that are longer, by what they say of themselves, and then by what comes. The connection of such a one is
/// given up.
#[derive(Debug)]
pub(super) struct Bounded(pub(super) usize);

impl Intercept for Bounded {
    fn name(&self) -> &'static str {
        "Bounded"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response_mut();
        let told = answer.headers().get("content-length").and_then(|told| told.parse().ok());
        if let Some(told) = told.filter(|told| *told > self.0 as u64) {
            return Err(TooLong { told }.into());
        }
        *answer.body_mut() = SdkBody::from_body_1_x(Limited::new(answer.take_body(), self.0));
        Ok(())
    }
}

/// Whether it was for this that a call failed.
pub(super) fn is_too_long(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| error.is::<TooLong>() || error.is::<LengthLimitError>())
}
