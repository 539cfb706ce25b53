//! Who speaks where a proxy stands in front: `X-Forwarded-For`, read from its right end and believed as far as the
//! proxies of the configuration wrote it.
use crate::problem::ApiError;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use gsm_security::Network;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A trusted proxy says who speaks, and it is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoAddress;

impl From<NoAddress> for ApiError {
    fn from(_: NoAddress) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_forwarded_for",
            "a trusted proxy says in `X-Forwarded-For` who speaks, and it is no address",
        )
        .hint("let the proxy append the address of its peer, as `192.0.2.1`")
    }
}

/// The networks of proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedProxies(pub(crate) Vec<Network>);

impl TrustedProxies {
    fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(address))
    }

    /// Who speaks: the peer or, behind trusted proxies, the last hop of the chain that no trusted proxy has.
    ///
    /// What stands left of that hop is the client's own word and never read. A hop that decides and is no address is
    /// an error: to take the proxy in its place would lift whoever speaks over the deny list and the limits.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Result<IpAddr, NoAddress> {
        let mut client = peer.to_canonical();
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let mut hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        while self.has(client) {
            let Some(hop) = hops.next() else { break };
            client = address_of(hop).ok_or(NoAddress)?.to_canonical();
        }
        Ok(client)
    }
}

/// The address of a hop. Some proxies add the port, brackets or the zone.
fn address_of(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop.trim_ascii()).ok()?;
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return is_port.then(|| v6(host))?;
    }
    match text.split_once(':') {
        Some((host, port)) if is_port(port) && !host.is_empty() => {
            host.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
        }
        Some(_) => v6(text),
        None => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn v6(text: &str) -> Option<IpAddr> {
    let host = text.split_once('%').map_or(text, |(host, _zone)| host);
    host.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const DENIED: &str = "192.0.2.66";

    /// Whom these lines of the header name, behind the proxy 127.0.0.9.
    fn behind(lines: &[&[u8]]) -> Result<IpAddr, NoAddress> {
        let proxies = TrustedProxies(vec!["127.0.0.9".parse().unwrap(), "10.0.0.0/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        proxies.client("127.0.0.9".parse().unwrap(), &headers)
    }
    fn check(line: &[u8], address: &str) {
        assert_eq!(behind(&[line]), Ok(address.parse().unwrap()), "{}", String::from_utf8_lossy(line));
    }
    fn check_refused(line: &[u8]) {
        assert_eq!(behind(&[line]), Err(NoAddress), "{}", String::from_utf8_lossy(line));
    }

    #[test]
    fn the_last_hop_that_no_proxy_has_speaks() {
        check(b"192.0.2.66", DENIED);
        check(b"203.0.113.1, 192.0.2.66", DENIED);
        check(b"203.0.113.1, 192.0.2.66 , 10.1.2.3", DENIED);
        check(b"10.1.2.3", "10.1.2.3");
        assert_eq!(behind(&[b"203.0.113.1", b"192.0.2.66"]), Ok(DENIED.parse().unwrap()));
        assert_eq!(behind(&[]), Ok("127.0.0.9".parse().unwrap()));
    }

    #[test]
    fn what_the_client_wrote_before_it_changes_nothing() {
        check(b"\xff, 192.0.2.66", DENIED);
        check(b"unknown, , 192.0.2.66", DENIED);
        check("é, 192.0.2.66, 10.1.2.3".as_bytes(), DENIED);
        assert_eq!(behind(&[b"\xff", b"192.0.2.66"]), Ok(DENIED.parse().unwrap()));
    }

    #[test]
    fn ports_brackets_and_zones_are_no_part_of_the_address() {
        check(b"192.0.2.66:4711", DENIED);
        check(b"::ffff:192.0.2.66", DENIED);
        check(b"[::ffff:192.0.2.66]:80", DENIED);
        for hop in
            ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443", "2001:db8::1%eth0", "[2001:db8::1%1]:443"]
        {
            check(hop.as_bytes(), "2001:db8::1");
        }
        check(b"::1", "::1");
    }

    #[test]
    fn a_hop_that_is_no_address_is_never_the_proxy() {
        for hop in ["", " ", "unknown", "192.0.2.66, ", "192.0.2.66,\t", "192.0.2.66, unknown, 10.1.2.3"] {
            check_refused(hop.as_bytes());
        }
        for hop in [
            "192.0.2.66:",
            "192.0.2.66:+8",
            "192.0.2.66:99999",
            "[192.0.2.66]",
            "[2001:db8::1]x",
            "[2001:db8::1",
            "1.2.3",
        ] {
            check_refused(hop.as_bytes());
        }
        check_refused(b"192.0.2.66, \xff");
    }

    #[test]
    fn from_anyone_else_the_header_means_nothing() {
        let mut headers = HeaderMap::new();
        headers.append(X_FORWARDED_FOR, HeaderValue::from_static("192.0.2.66"));
        let peer = "198.51.100.1".parse().unwrap();
        assert_eq!(TrustedProxies(vec!["127.0.0.9".parse().unwrap()]).client(peer, &headers), Ok(peer));
        assert_eq!(TrustedProxies::default().client(peer, &headers), Ok(peer));
    }
}
