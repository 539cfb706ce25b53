//! Where resting bots can be asked to join a party.
use super::rng::Rng;
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::oneshot;

/// A leader's question to one bot. Dropping it is a no, on either side.
#[derive(Debug)]
pub(super) struct Invitation {
    /// Who asks.
    pub(super) leader: Arc<str>,
    /// Takes the guest's yes.
    pub(super) answer: oneshot::Sender<Guest>,
    /// Brings the ticket, once there is one.
    pub(super) ticket: oneshot::Receiver<String>,
}

/// A yes.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) player: Arc<str>,
    /// The server's word that the guest agreed.
    pub(super) consent: String,
}

/// The bots that rest, by index.
#[derive(Debug, Default)]
pub(super) struct Lounge(Mutex<BTreeMap<usize, oneshot::Sender<Invitation>>>);

impl Lounge {
    /// Sits down; invitations come through what is returned.
    pub(super) fn enter(&self, index: usize) -> oneshot::Receiver<Invitation> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().insert(index, sender);
        receiver
    }

    /// Gets up. An invitation that came first is in the receiver by now.
    pub(super) fn leave(&self, index: usize) {
        self.0.lock().remove(&index);
    }

    /// Asks somebody who rests, whoever it is; false if nobody does.
    pub(super) fn invite(&self, invitation: Invitation, rng: &mut Rng) -> bool {
        let mut resting = self.0.lock();
        let any = rng.next_u64() as usize;
        let last = resting.last_key_value().map(|(index, _)| *index);
        let start = last.map_or(0, |last| any % last.saturating_add(1));
        let Some(index) = resting.range(start..).next().map(|(index, _)| *index) else { return false };
        // Sent under the lock, so that whoever leaves finds it.
        resting.remove(&index).is_some_and(|guest| guest.send(invitation).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> Invitation {
        Invitation { leader: "plr-1".into(), answer: oneshot::channel().0, ticket: oneshot::channel().1 }
    }

    #[test]
    fn each_who_rests_is_asked_once() {
        let (lounge, mut rng) = (Lounge::default(), Rng::of(1, &[]));
        let mut guests: Vec<_> = [3, 900].map(|index| lounge.enter(index)).into();
        assert!(lounge.invite(invitation(), &mut rng) && lounge.invite(invitation(), &mut rng));
        assert!(!lounge.invite(invitation(), &mut rng));
        assert!(guests.iter_mut().all(|guest| guest.try_recv().is_ok()));
    }

    #[test]
    fn who_left_is_not_asked() {
        let (lounge, mut rng) = (Lounge::default(), Rng::of(1, &[]));
        let mut guest = lounge.enter(5);
        lounge.leave(5);
        assert!(!lounge.invite(invitation(), &mut rng));
        assert!(guest.try_recv().is_err());
    }
}
