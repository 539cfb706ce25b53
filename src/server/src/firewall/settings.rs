//! What the configuration says of the firewall, checked.
use super::{Stored, files, reach, set_of};
use crate::front::watch::{Mark, mark};
use gsm_engine::AddressList;
use gsm_security::{Entry, List, Lists, NetworkSet, Profile, Rule, RuleConfig, RuleError, rules};
use std::{path::PathBuf, sync::Arc};

/// What the firewall is told. Files are read at the start and whenever they change.
#[derive(Debug, Clone)]
pub struct FirewallSettings {
    /// By this name.
    pub profile: Profile,
    /// The rules that written ones are added to.
    pub base: Vec<RuleConfig>,
    /// Rules of the configuration itself.
    pub written: Vec<RuleConfig>,
    /// A file of more rules.
    pub rules_file: Option<PathBuf>,
    /// Networks that are refused.
    pub deny_file: Option<PathBuf>,
    /// Networks that are never limited.
    pub allow_file: Option<PathBuf>,
    /// Whether the deny list refuses nothing, and only counts.
    pub deny_counts_only: bool,
    /// Paths that are never counted.
    pub exempt_paths: Vec<String>,
    /// Keys that each rule remembers.
    pub keys_max: usize,
}

/// Keys that each rule remembers where nothing else is said.
pub(crate) const KEYS_MAX_DEFAULT: usize = 1_000_000;

impl FirewallSettings {
    /// A profile and nothing else.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        Self {
            profile,
            base: profile.rules(),
            written: Vec::new(),
            rules_file: None,
            deny_file: None,
            allow_file: None,
            deny_counts_only: false,
            exempt_paths: profile.exempt_paths().iter().map(ToString::to_string).collect(),
            keys_max: KEYS_MAX_DEFAULT,
        }
    }

    /// The rules, with those of a file.
    ///
    /// # Errors
    /// Every fault, by rule and member.
    pub fn rules(&self, of_file: &[RuleConfig]) -> Result<Vec<Rule>, Vec<RuleError>> {
        let written: Vec<RuleConfig> = self.written.iter().chain(of_file).cloned().collect();
        let unknown: Vec<RuleError> = written.iter().flat_map(reach::unknown_actions).collect();
        match rules(&self.base, &written) {
            Ok(rules) if unknown.is_empty() => Ok(rules),
            Ok(_) => Err(unknown),
            Err(faults) => Err(faults.into_iter().chain(unknown).collect()),
        }
    }

    /// Paths of rules that no operation has: lawful, since pages and unknown paths can be counted, but often a slip.
    #[must_use]
    pub fn warnings(&self, of_file: &[RuleConfig]) -> Vec<String> {
        self.written.iter().chain(of_file).flat_map(reach::strange_paths).collect()
    }

    /// Reads the files there are.
    ///
    /// # Errors
    /// The first file that cannot be read or used, with the line at fault.
    pub fn read(&self) -> Result<files::Files, files::FileError> {
        Ok(files::Files {
            rules: self.rules_file.as_deref().map_or(Ok(Vec::new()), files::read_rules)?,
            deny: self.deny_file.as_deref().map_or(Ok(Vec::new()), files::read_list)?,
            allow: self.allow_file.as_deref().map_or(Ok(Vec::new()), files::read_list)?,
        })
    }

    /// The files there are.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.rules_file, &self.deny_file, &self.allow_file].into_iter().flatten()
    }

    /// How they look now.
    pub(super) fn marks(&self) -> Vec<Option<Mark>> {
        self.paths().map(|path| mark(path)).collect()
    }

    /// The networks of a list that are not the store's.
    #[must_use]
    pub fn entries(&self, files: &files::Files, list: AddressList) -> Vec<Entry> {
        let (own, of_file) = match list {
            AddressList::Deny => (self.profile.denied(), &files.deny),
            AddressList::Allow => (self.profile.allowed(), &files.allow),
        };
        own.into_iter().chain(of_file.iter().copied()).collect()
    }

    /// Both lists.
    pub(super) fn lists(&self, files: &files::Files, stored: &Stored) -> Lists {
        let list = |of| List { written: self.written(files, of), stored: set_of(stored, of) };
        Lists { deny: list(AddressList::Deny), allow: list(AddressList::Allow) }
    }

    /// The networks of a list that are not the store's, as a set.
    pub(super) fn written(&self, files: &files::Files, list: AddressList) -> Arc<NetworkSet> {
        Arc::new(NetworkSet::new(self.entries(files, list)))
    }
}
