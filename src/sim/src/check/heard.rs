//! What a match keeps of a model elsewhere was said of that very match; where it did not speak, the mode's own model did.
use super::broken;
use crate::{Fault, Invariant, elsewhere::says, truth::Truth};
use gsm_engine::store::Spoke;

/// The predictions of running matches, against what is said of those who play them.
pub(crate) fn heard_as_said(truth: &Truth) -> Result<(), Fault> {
    for (id, row) in &truth.matches {
        let Some(forecast) = &row.prediction.forecast else { continue };
        let Some(inside) = &forecast.inside else { continue };
        let shown = inside.contenders.first().map(Vec::as_slice);
        let sound = match &inside.spoke {
            Spoke::Elsewhere { .. } | Spoke::Called { .. } => {
                let said = says(row.roster.sides());
                row.roster.sides().len() == 2
                    && forecast.chances == Some([said.win, said.draw, said.loss])
                    && shown == Some(&[said.expected])
            }
            // The first of its contenders is the mode's own model.
            Spoke::Own | Spoke::InsteadFor(_) => {
                let two = forecast.expected.get(..1).filter(|_| row.roster.sides().len() == 2);
                shown == two.or(Some(&forecast.expected))
            }
        };
        if !sound {
            return broken(Invariant::HeardAsSaid, format!("{id} keeps {forecast:?} of {:?}", row.roster));
        }
    }
    Ok(())
}
