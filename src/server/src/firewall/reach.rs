//! What a rule can reach at all: actions that there are, paths that operations have.
use crate::{api, gamelift};
use gsm_security::{Glob, RuleConfig, RuleError};

/// Actions of a rule that no operation of any face has. Such a rule would count nothing.
pub(super) fn unknown_actions(rule: &RuleConfig) -> Vec<RuleError> {
    let is_known = |glob: &Glob| {
        let mut native = api::operations().all();
        native.any(|(_, _, action)| glob.matches(action))
            || gamelift::actions().any(|action| glob.matches(action))
    };
    // What is no pattern is told elsewhere.
    let unknown = rule.actions.iter().filter(|text| Glob::new(text).is_ok_and(|glob| !is_known(&glob)));
    let fault = |text: &String| RuleError {
        rule: rule.name.clone(),
        member: "actions",
        what: format!("has `{text}`, which is no action: `gsm authz schema` lists them"),
    };
    unknown.map(fault).collect()
}

/// What to say of paths that no operation has.
pub(super) fn strange_paths(rule: &RuleConfig) -> Vec<String> {
    let fits_one = |pattern: &str| api::operations().all().any(|(template, ..)| can_meet(pattern, template));
    let strange = rule.paths.iter().filter(|pattern| !fits_one(pattern));
    strange
        .map(|pattern| {
            format!(
                "`{}`: `paths` has `{pattern}`, which no operation has: it counts pages and unknown paths alone",
                rule.name
            )
        })
        .collect()
}

/// Whether some path of a template fits a pattern. Says yes where a `**` makes it hard to tell.
fn can_meet(pattern: &str, template: &str) -> bool {
    let mut parts = template.split('/');
    for piece in pattern.split('/') {
        if let Some((before, _)) = piece.split_once("**") {
            let begins = |part: &str| part.starts_with('{') || part.starts_with(before);
            return before.contains('*') || parts.next().is_none_or(begins);
        }
        let Some(part) = parts.next() else { return false };
        let fits = (part.starts_with('{') && !piece.is_empty())
            || piece == part
            || Glob::new(piece).is_ok_and(|glob| glob.matches(part));
        if !fits {
            return false;
        }
    }
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> RuleConfig {
        let text = format!("[[rules]]\nname = \"a\"\nkey = \"address\"\nlimit = 1\nwindow_s = 1\n{text}\n");
        super::super::files::parse_rules(&text).unwrap().remove(0)
    }

    /// Whatever reads a board counts as reading ranks.
    #[test]
    fn every_read_of_a_board_is_one_of_ranks() {
        let rules = gsm_security::Profile::Default.rules();
        let counted = &rules.iter().find(|rule| rule.name == "rank_read").unwrap().actions;
        let of_boards = |path: &str| path.starts_with("/v1/rankings") || path == "/v1/overview/boards";
        let reads: std::collections::BTreeSet<&str> = api::operations()
            .all()
            .filter(|(path, method, _)| {
                of_boards(path) && api::operations().get(path, method).is_some_and(|found| !found.mutating)
            })
            .map(|(_, _, action)| action)
            .collect();
        assert_eq!(counted.iter().map(String::as_str).collect::<std::collections::BTreeSet<_>>(), reads);
        assert!(reads.contains("gsm:GetRankingPage") && reads.contains("gsm:RankAmong"), "{reads:?}");
    }

    #[test]
    fn an_action_must_be_one() {
        let unknown = |actions: &str| unknown_actions(&rule(&format!("actions = {actions}"))).len();
        assert_eq!(unknown(r#"["gsm:GetRank", "gsm:Get*", "gamelift:StartMatchmaking", "gamelift:*"]"#), 0);
        assert_eq!(unknown(r#"["gsm:GetRnak", "gsm:Fly*", "gamelift:CreateFleet", "gsm:GetRank"]"#), 3);
    }

    #[test]
    fn paths_that_no_operation_has_are_told() {
        let strange = |paths: &str| strange_paths(&rule(&format!("paths = {paths}"))).len();
        assert_eq!(
            strange(r#"["/v1/players/*/ratings/*/history", "/v1/players/plr-1", "/v1/**", "/**", "**"]"#),
            0
        );
        assert_eq!(strange(r#"["/v1/tickets", "/v1/tick*", "/v*/tickets", "/v1/auth/**"]"#), 0);
        assert_eq!(strange(r#"["/v1/player/*", "/v2/**", "/v1/tickets/", "/v1/nowhere"]"#), 4);
    }
}
