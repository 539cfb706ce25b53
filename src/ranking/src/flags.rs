use crate::Visibility;

/// Four bits: whether there is a player at all, and what keeps a player from being ranked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    /// No player.
    pub(crate) const NONE: Self = Self(0);
    const PRESENT: u8 = 1;
    const INELIGIBLE: u8 = 2;
    const HIDDEN: u8 = 4;
    const SHADOW: u8 = 8;

    pub(crate) fn new(eligible: bool, visibility: Visibility) -> Self {
        let visibility = match visibility {
            Visibility::Shown => 0,
            Visibility::Hidden => Self::HIDDEN,
            Visibility::Shadow => Self::SHADOW,
        };
        Self(Self::PRESENT | visibility | if eligible { 0 } else { Self::INELIGIBLE })
    }

    #[inline]
    pub(crate) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    #[inline]
    pub(crate) fn is_present(self) -> bool {
        self.0 & Self::PRESENT != 0
    }

    pub(crate) fn is_eligible(self) -> bool {
        self.0 & Self::INELIGIBLE == 0
    }

    pub(crate) fn visibility(self) -> Visibility {
        match self.0 & (Self::HIDDEN | Self::SHADOW) {
            0 => Visibility::Shown,
            Self::SHADOW => Visibility::Shadow,
            _ => Visibility::Hidden,
        }
    }

    /// In the tree.
    #[inline]
    pub(crate) fn is_ranked(self) -> bool {
        self.0 == Self::PRESENT
    }

    /// Not in the tree, but sees the rank that he would have.
    #[inline]
    pub(crate) fn is_shadow(self) -> bool {
        self.0 == Self::PRESENT | Self::SHADOW
    }
}
