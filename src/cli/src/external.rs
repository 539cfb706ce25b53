//! Ids of players as others have them: the store keeps to a plain alphabet, so other bytes are escaped.
use gsm_core::{RequestKey, limits};

/// The id of a player of a file as the store knows it.
///
/// # Errors
/// One that is too long.
pub(crate) fn external_id(name: &str) -> Result<RequestKey, String> {
    RequestKey::new(&escaped(name)).map_err(|_| {
        let most = limits::CALLER_ID_CHARS_MAX;
        format!("player `{name}` cannot be stored: the id is longer than {most} bytes once escaped")
    })
}

/// `text` with everything but graphic ASCII as `%` and two hexadecimal digits, and `%` itself too; nothing is a `%`
/// alone.
fn escaped(text: &str) -> String {
    if text.is_empty() {
        return "%".to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn ids_are_escaped_so_that_no_two_meet() {
        assert_eq!(escaped("DR Congo"), "DR%20Congo");
        assert_eq!(escaped("100%"), "100%25");
        assert_eq!(escaped(""), "%");
        assert_eq!(escaped("ö"), "%C3%B6");
        assert_eq!(escaped("plain-(1)"), "plain-(1)");
    }
}
