//! Who calls: tokens of issuers and of our own, keys, certificates, and how a player signs in.
pub(crate) mod bearer;
pub(crate) mod certificate;
pub(crate) mod device;
pub(crate) mod fetch;
pub(crate) mod jwks;
pub(crate) mod jwt;
pub(crate) mod key_file;
pub(crate) mod seal;
pub(crate) mod secret;
pub(crate) mod sessions;
pub(crate) mod throttle;
