use crate::{Decision, Key, Limiter, Profile, Rule, Scope, address_key};
use std::net::IpAddr;

/// What the firewall knows of a request.
///
/// A request is judged up to three times, each time counting other rules: before authentication without `principal`
/// ([`Scope::Address`], and [`Scope::SignIn`] if that is its scope); after it with `principal` (the rule of its scope,
/// and [`Scope::Player`] unless it reports a result); and, if its token proved bad, with [`Scope::BadToken`] alone.
/// A call of an AWS client is judged once, when it is known who calls, with [`Scope::AwsClient`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestFacts {
    /// Who speaks; behind a trusted proxy, the address that the proxy saw.
    pub address: IpAddr,
    /// What is wanted, if a rule asks for it.
    pub scope: Option<Scope>,
    /// The player or server key, once known.
    pub principal: Option<u128>,
    /// Whether the path is exempt ([`Profile::is_exempt`]).
    pub exempt: bool,
}

impl RequestFacts {
    /// Whom this judgement counts. Where several firewalls share the work, the one at [`Key::shard`] of this key must
    /// judge: by the address alone a player with many addresses would get the limit many times.
    #[must_use]
    pub fn subject(&self) -> Key {
        match self.principal {
            Some(bits) if self.scope != Some(Scope::BadToken) => Key::from_u128(bits),
            _ => address_key(self.address),
        }
    }

    /// The rules that count this judgement, the particular one first.
    fn scopes(&self) -> [Option<Scope>; 2] {
        use Scope as S;
        match (self.principal, self.scope) {
            (_, scope @ Some(S::BadToken | S::AwsClient)) => [scope, None],
            (None, Some(S::SignIn)) => [Some(S::SignIn), Some(S::Address)],
            (None, _) => [Some(S::Address), None],
            (Some(_), Some(S::Result)) => [Some(S::Result), None],
            (Some(_), scope @ Some(S::TicketCreate | S::RankRead)) => [scope, Some(S::Player)],
            (Some(_), _) => [Some(S::Player), None],
        }
    }
}

/// What the firewall says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Allow {
        /// Of the rules that counted it, the one with the least left; none if nothing did.
        quota: Option<Quota>,
    },
    /// It is refused, and counts nowhere.
    Deny {
        /// The name of the rule: that of its [`Scope`], or `denied_address`.
        rule: &'static str,
        /// 429 where waiting helps, 403 where not.
        status: u16,
        /// Until the next may pass; 0 where waiting does not help.
        retry_after_ms: u64,
    },
}

/// How much a rule has left, for the `RateLimit` and `RateLimit-Policy` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Which rule, by name.
    pub name: &'static str,
    /// Its limit and window.
    pub rule: Rule,
    /// How many more would pass now.
    pub remaining: u32,
    /// Until some of what is used comes back.
    pub reset_ms: u64,
}

/// The limiters of a profile, and its lists. Cheap to make: it allocates when requests come.
pub struct Firewall {
    profile: Profile,
    limiters: [(Scope, Option<Limiter<Key>>); 8],
}

impl Firewall {
    /// Each rule remembers at most `keys_max` keys; see [`Limiter::new`] for `seed`.
    #[must_use]
    pub fn new(profile: Profile, keys_max: usize, seed: u64) -> Self {
        let limiter = |scope| {
            let rule = profile.rule(scope);
            (scope, rule.map(|rule| Limiter::new(rule, keys_max, seed)))
        };
        Self { profile, limiters: Scope::ALL.map(limiter) }
    }

    /// Judges a request at `now_ms` of a monotonic clock, and counts it if it passes.
    ///
    /// A denied address is refused first, even on an exempt path; exempt paths and allowed addresses pass uncounted; then
    /// all rules of the request must agree, else none counts it.
    pub fn decide(&mut self, facts: &RequestFacts, now_ms: u64) -> Verdict {
        if self.profile.is_denied(facts.address) {
            return Verdict::Deny { rule: "denied_address", status: 403, retry_after_ms: 0 };
        }
        if facts.exempt || self.profile.is_allowed(facts.address) {
            return Verdict::Allow { quota: None };
        }
        let key = facts.subject();
        let scopes = facts.scopes();
        if let [Some(_), Some(_)] = scopes {
            for scope in scopes.into_iter().flatten() {
                let Some(limiter) = self.limiter(scope) else { continue };
                if let Decision::Deny { retry_after_ms } = limiter.peek(&key, now_ms) {
                    return Verdict::Deny { rule: scope.as_str(), status: 429, retry_after_ms };
                }
            }
        }
        let mut tightest: Option<Quota> = None;
        for scope in scopes.into_iter().flatten() {
            let Some(limiter) = self.limiter(scope) else { continue };
            match limiter.check(&key, now_ms) {
                Decision::Deny { retry_after_ms } => {
                    return Verdict::Deny { rule: scope.as_str(), status: 429, retry_after_ms };
                }
                Decision::Allow { remaining, reset_ms } => {
                    if tightest.is_none_or(|quota| remaining < quota.remaining) {
                        let rule = limiter.rule();
                        tightest = Some(Quota { name: scope.as_str(), rule, remaining, reset_ms });
                    }
                }
            }
        }
        Verdict::Allow { quota: tightest }
    }

    fn limiter(&mut self, scope: Scope) -> Option<&mut Limiter<Key>> {
        self.limiters.iter_mut().find(|(of, _)| *of == scope).and_then(|(_, limiter)| limiter.as_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(address: &str, scope: Option<Scope>, principal: Option<u128>) -> RequestFacts {
        RequestFacts { address: address.parse().unwrap(), scope, principal, exempt: false }
    }
    /// How many of 3,000 such requests pass at one instant, and the refusal of the next.
    fn check(profile: Profile, facts: &[RequestFacts], passes: usize, refusal: Option<(&'static str, u16)>) {
        let mut firewall = Firewall::new(profile, 1_000, 1);
        let verdicts: Vec<_> = (0..3_000).map(|i| firewall.decide(&facts[i % facts.len()], 5)).collect();
        assert_eq!(verdicts.iter().filter(|v| matches!(v, Verdict::Allow { .. })).count(), passes);
        let last = match verdicts[2_999] {
            Verdict::Deny { rule, status, .. } => Some((rule, status)),
            Verdict::Allow { .. } => None,
        };
        assert_eq!(last, refusal);
    }

    #[test]
    fn each_rule_of_the_default_profile_counts() {
        let check = |scope, principal, passes, rule| {
            check(Profile::Default, &[facts("192.0.2.1", scope, principal)], passes, Some((rule, 429)));
        };
        check(None, None, 2_000, "address");
        check(Some(Scope::TicketCreate), None, 2_000, "address");
        check(Some(Scope::SignIn), None, 5, "sign_in");
        check(Some(Scope::BadToken), None, 10, "bad_token");
        check(Some(Scope::BadToken), Some(1), 10, "bad_token");
        check(Some(Scope::TicketCreate), Some(1), 20, "ticket_create");
        check(Some(Scope::RankRead), Some(1), 60, "rank_read");
        check(Some(Scope::Result), Some(1), 600, "result");
    }

    #[test]
    fn aws_clients_are_counted_by_key_or_address_and_nowhere_else() {
        let of = |principal| facts("192.0.2.1", Some(Scope::AwsClient), principal);
        check(Profile::TestLimit, &[of(None)], 100, Some(("aws_client", 429)));
        check(Profile::TestLimit, &[of(Some(1)), of(Some(2))], 200, Some(("aws_client", 429)));
        check(Profile::Default, &[of(None)], 3_000, None);
    }

    #[test]
    fn a_player_is_counted_across_addresses() {
        let from = |address| facts(address, Some(Scope::RankRead), Some(1));
        check(Profile::TestLimit, &[from("192.0.2.1"), from("192.0.2.2")], 60, Some(("player", 429)));
        let from = |address| facts(address, None, None);
        check(Profile::TestLimit, &[from("192.0.2.1"), from("192.0.2.2")], 200, Some(("address", 429)));
    }

    #[test]
    fn a_server_that_reports_results_is_no_player() {
        check(Profile::TestLimit, &[facts("192.0.2.1", Some(Scope::Result), Some(1))], 3_000, None);
    }

    #[test]
    fn the_lists_come_before_the_limits() {
        check(Profile::TestLimit, &[facts("127.0.0.66", None, None)], 0, Some(("denied_address", 403)));
        check(
            Profile::TestLimit,
            &[facts("::ffff:127.0.0.66", None, None)],
            0,
            Some(("denied_address", 403)),
        );
        check(Profile::TestLimit, &[facts("127.0.0.77", None, None)], 3_000, None);
        check(Profile::Default, &[facts("127.0.0.66", None, None)], 2_000, Some(("address", 429)));
    }

    #[test]
    fn exempt_requests_pass_uncounted_but_not_from_a_denied_address() {
        let exempt = |address| RequestFacts { exempt: true, ..facts(address, None, None) };
        check(Profile::TestLimit, &[exempt("192.0.2.1")], 3_000, None);
        check(Profile::TestLimit, &[exempt("127.0.0.66")], 0, Some(("denied_address", 403)));
        assert!(Profile::TestLimit.is_exempt("/healthz") && !Profile::TestLimit.is_exempt("/healthz/x"));
    }

    #[test]
    fn a_load_test_meets_no_limit() {
        check(Profile::TestLenient, &[facts("192.0.2.1", Some(Scope::SignIn), None)], 3_000, None);
    }

    #[test]
    fn a_request_that_one_rule_refuses_counts_in_no_other() {
        let mut firewall = Firewall::new(Profile::Default, 10, 1);
        let remaining = |firewall: &mut Firewall, scope| match firewall.decide(&facts("::1", scope, None), 0)
        {
            Verdict::Allow { quota: Some(quota) } => Some((quota.name, quota.remaining)),
            _ => None,
        };
        for left in (0..5).rev() {
            assert_eq!(remaining(&mut firewall, Some(Scope::SignIn)), Some(("sign_in", left)));
        }
        for _ in 0..10 {
            assert_eq!(remaining(&mut firewall, Some(Scope::SignIn)), None);
        }
        assert_eq!(remaining(&mut firewall, None), Some(("address", 1_994)));

        // The other way round: what the address may not do is no sign-in.
        (0..1_994).for_each(|_| assert!(remaining(&mut firewall, None).is_some()));
        let later = firewall.decide(&facts("::1", Some(Scope::SignIn), None), 20_000);
        assert_eq!(later, Verdict::Deny { rule: "address", status: 429, retry_after_ms: 280_001 });
        let sign_in = firewall.limiter(Scope::SignIn).unwrap();
        let untouched = Decision::Allow { remaining: 4, reset_ms: 10_001 };
        assert_eq!(sign_in.peek(&address_key("::1".parse().unwrap()), 20_000), untouched);
    }

    #[test]
    fn a_bad_token_is_not_a_second_request() {
        let mut firewall = Firewall::new(Profile::Default, 10, 1);
        firewall.decide(&facts("::1", None, None), 0);
        firewall.decide(&facts("::1", Some(Scope::BadToken), None), 0);
        let address = firewall.limiter(Scope::Address).unwrap();
        let counted_once = Decision::Allow { remaining: 1_998, reset_ms: 300_001 };
        assert_eq!(address.peek(&address_key("::1".parse().unwrap()), 0), counted_once);
    }

    #[test]
    fn shards_go_by_whom_a_judgement_counts() {
        let [a, b] = ["192.0.2.1", "192.0.2.2"];
        assert_eq!(facts(a, None, Some(1)).subject(), facts(b, None, Some(1)).subject());
        assert_ne!(facts(a, None, None).subject(), facts(b, None, None).subject());
        let bad = Some(Scope::BadToken);
        assert_eq!(facts(a, bad, Some(1)).subject(), facts(a, bad, None).subject());
    }
}
