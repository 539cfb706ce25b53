use super::*;
use proptest::prelude::*;

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    Newest,
    Oldest,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Page {
    limit: Option<u16>,
    after: Option<String>,
    sort: Option<Sort>,
    exact: Option<bool>,
    least: Option<f64>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read by serde")]
struct Needs {
    id: gsm_like::Id,
}

mod gsm_like {
    #[derive(Debug, serde::Deserialize)]
    #[serde(transparent)]
    pub(super) struct Id(#[expect(dead_code, reason = "only read by serde")] String);
}

fn check_bad(query: &str, status: u16, code: &str) {
    let fault = parse::<Page>(query).expect_err(query);
    assert_eq!((fault.status().as_u16(), fault.code()), (status, code), "{query}: {fault}");
}

#[test]
fn a_query_is_read_by_the_types_of_its_fields() {
    let page = parse::<Page>("limit=10&after=a%2Fb+c&sort=newest&exact=true&least=-1.5").unwrap();
    let expected = Page {
        limit: Some(10),
        after: Some("a/b c".into()),
        sort: Some(Sort::Newest),
        exact: Some(true),
        least: Some(-1.5),
    };
    assert_eq!(page, expected);
    assert_eq!(parse::<Page>("").unwrap(), Page::default());
    assert_eq!(parse::<Page>("after=").unwrap().after.as_deref(), Some(""));
    assert!(parse::<Needs>("id=x").is_ok());
}

#[test]
fn bad_queries_fall() {
    for query in ["after=%", "after=%2", "after=%zz", "after=%ff%fe", "after=%00", "%=%", "after=%c0%ae"] {
        check_bad(query, 400, "invalid_encoding");
    }
    for query in ["limit", "limit=1&", "&", "&&&&", "=", "=1", "limit=1&&after=a"] {
        check_bad(query, 400, "invalid_query");
    }
    check_bad("limit=1&limit=2", 400, "duplicate_parameter");
    check_bad("limit=1&l%69mit=2", 400, "duplicate_parameter");
    check_bad(&(0..40).map(|i| format!("a{i}=1")).collect::<Vec<_>>().join("&"), 400, "too_many_parameters");
    for query in [
        "limit=-1",
        "limit=99999999999999999999",
        "limit=1e9",
        "limit=",
        "limit=abc",
        "limit=+1",
        "limit=%2B1",
        "sort=__proto__",
        "exact=1",
        "least=inf",
        "least=NaN",
        "least=1e999",
    ] {
        check_bad(query, 422, "invalid_parameter");
    }
    check_bad("limit[]=1", 422, "unknown_parameter");
    let fault = parse::<Page>("limit=x").unwrap_err();
    assert_eq!(fault.path(), Some("limit"));
    let fault = parse::<Needs>("").unwrap_err();
    assert_eq!((fault.code(), fault.path()), ("missing_parameter", Some("id")));
}

#[test]
fn segments_are_decoded_once_and_whole() {
    assert_eq!(decode("a%2fb+%25", false).unwrap(), "a/b+%");
    assert_eq!(decode("%25%32%65", false).unwrap(), "%2e");
    for (segment, fault) in [
        ("%", PathFault::Escape),
        ("%zz", PathFault::Escape),
        ("%ff", PathFault::NotUtf8),
        ("a%00b", PathFault::Nul),
    ] {
        assert_eq!(decode(segment, false), Err(fault));
        assert_eq!(check_path(&format!("/v1/{segment}/x")), Err(fault));
    }
    for path in ["/v1/a%20b", "/v1/a.b/..c/.d", "/", "/v1/%2e%2e%2fx"] {
        assert_eq!(check_path(path), Ok(()), "{path}");
    }
    for path in ["/v1/../x", "/..", "/./x", "/a/.", "/v1/%2e%2E/x", "/v1/.%2e"] {
        assert_eq!(check_path(path), Err(PathFault::Dots), "{path}");
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_read(text in "[^\u{0}]{0,40}") {
        let encoded: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
        prop_assert_eq!(decode(&encoded, false).map(std::borrow::Cow::into_owned), Ok(text.clone()));
        prop_assert_eq!(parse::<Page>(&format!("after={encoded}")).unwrap().after, Some(text));
    }

    #[test]
    fn no_text_panics(text in "[%+&=a-f0-9\u{e9}]{0,30}") {
        let _ = (parse::<Page>(&text), decode(&text, false));
    }
}
