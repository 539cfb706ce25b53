use crate::{
    core::Core,
    key::{Narrow, Wide},
    order::{Order, Ties},
};

/// A core with keys as narrow as its content allows.
#[derive(Clone)]
pub(crate) enum AnyCore {
    /// One column, as most boards have.
    Narrow(Core<Narrow>),
    /// One column with numbers that differ by more than 32 bits hold, or odd times, or versions above 2^32.
    One(Core<Wide<1>>),
    /// Two or three columns.
    Three(Core<Wide<3>>),
    /// Four or five.
    Five(Core<Wide<5>>),
}

/// Runs the same code on a core of any width.
macro_rules! on_core {
    ($any:expr, $core:ident => $body:expr) => {
        match $any {
            $crate::width::AnyCore::Narrow($core) => $body,
            $crate::width::AnyCore::One($core) => $body,
            $crate::width::AnyCore::Three($core) => $body,
            $crate::width::AnyCore::Five($core) => $body,
        }
    };
}
pub(crate) use on_core;

impl AnyCore {
    /// An empty core that soon has so many players.
    pub(crate) fn new(order: &Order, players: usize) -> Self {
        let is_dense = order.ties() == Ties::Dense;
        match order.columns() {
            1 => Self::Narrow(Core::new(is_dense, players)),
            2 | 3 => Self::Three(Core::new(is_dense, players)),
            _ => Self::Five(Core::new(is_dense, players)),
        }
    }

    /// Goes over to wide keys. O(n), once in the life of a board.
    pub(crate) fn widen(&mut self) {
        if let Self::Narrow(core) = self
            && let Some(wide) = core.convert()
        {
            *self = Self::One(wide);
        }
    }
}
