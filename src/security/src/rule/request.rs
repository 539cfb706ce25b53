use super::{Event, Face, KeyBy, Rule};
use crate::{Key, address_key};
use std::net::IpAddr;

/// Who asks, once known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The caller's role; `none` is nobody known.
    pub role: &'a str,
    /// Whether it is a player.
    pub is_player: bool,
    /// Its id; `None`: nobody known.
    pub id: Option<u128>,
}

/// When a request is judged. Each rule counts in one of these moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment<'a> {
    /// It has come, and nothing is known of who asks.
    Arrival,
    /// Who asks is known, and may.
    Known(Caller<'a>),
    /// On the wire of AWS clients, nobody has proved to be one: rules that are for requests of the native face alone, which
    /// let such a client's pass uncounted, count it after all. The others have counted it on arrival.
    Unproved,
    /// Its token proved bad.
    BadToken,
}

/// What the firewall sees of a request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Who speaks; behind a trusted proxy, the address that the proxy saw.
    pub address: IpAddr,
    /// How.
    pub face: Face,
    /// The HTTP method.
    pub method: &'a str,
    /// The path, decoded.
    pub path: &'a str,
    /// The action that the path and method mean, if any.
    pub action: Option<&'a str>,
    /// Looks a header up, by its name in small letters.
    pub header: &'a dyn Fn(&str) -> Option<&'a [u8]>,
    /// When it is judged.
    pub moment: Moment<'a>,
}

/// Why a rule does not count a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// It counts in another moment.
    Moment,
    /// The face is another.
    Face,
    /// The method is another.
    Method,
    /// No pattern fits the path.
    Path,
    /// No pattern fits the action.
    Action,
    /// The caller's role is another.
    Role,
    /// The request has nothing of what the rule counts by.
    Key,
}

impl Rule {
    /// Whether a method is one of its own. HEAD does what GET does, and costs as much.
    fn counts_method(&self, asked: &str) -> bool {
        self.methods.iter().any(|method| **method == *asked || (asked == "HEAD" && **method == *"GET"))
    }

    /// Whom it counts a request for, or why it does not count it.
    pub fn key_of(&self, request: &Request<'_>) -> Result<Key, Miss> {
        let caller = match (self.on, request.moment, self.needs_caller()) {
            (Event::Request, Moment::Arrival, false) | (Event::BadToken, Moment::BadToken, _) => None,
            (Event::Request, Moment::Unproved, false) if self.face == Some(Face::Native) => None,
            (Event::Request, Moment::Known(caller), true) => Some(caller),
            _ => return Err(Miss::Moment),
        };
        if request.moment != Moment::Unproved && self.face.is_some_and(|face| face != request.face) {
            return Err(Miss::Face);
        }
        if !self.methods.is_empty() && !self.counts_method(request.method) {
            return Err(Miss::Method);
        }
        if !self.actions.is_empty() {
            let fits = |action: &str| self.actions.iter().any(|glob| glob.matches(action));
            if !request.action.is_some_and(fits) {
                return Err(Miss::Action);
            }
        }
        if !self.paths.is_empty() && !self.paths.iter().any(|glob| glob.matches(request.path)) {
            return Err(Miss::Path);
        }
        if !self.roles.is_empty() && !self.roles.iter().any(|role| caller.is_some_and(|c| *c.role == **role))
        {
            return Err(Miss::Role);
        }
        let player = caller.filter(|caller| caller.is_player).and_then(|caller| caller.id);
        let known = caller.and_then(|caller| caller.id);
        match &self.key {
            KeyBy::Address => Some(address_key(request.address)),
            KeyBy::Player => player.map(Key::from_u128),
            KeyBy::ApiKey => known.filter(|_| player.is_none()).map(Key::from_u128),
            KeyBy::PlayerAction => player.map(|id| {
                Key::of_bytes(&[&id.to_be_bytes(), request.action.unwrap_or(request.path).as_bytes()])
            }),
            KeyBy::Caller => Some(known.map_or_else(|| address_key(request.address), Key::from_u128)),
            KeyBy::Header(name) => (request.header)(name).map(|value| Key::of_bytes(&[value])),
        }
        .ok_or(Miss::Key)
    }
}
