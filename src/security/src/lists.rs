//! Sets of networks: who is refused whatever is asked, and who is never limited.
use gsm_core::Timestamp;
use hashbrown::HashMap;
use ipnet::IpNet;
use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

/// Networks of one list.
pub const LIST_ENTRIES_MAX: usize = 100_000;

/// A network: an address and how many of its first bits count. Addresses of IPv4 written as IPv6 are those of IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpNet);

/// A text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a network such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct NetworkError {
    text: String,
}

impl Network {
    /// The network of an address; refuses a length that it has not. Bits behind the length do not count.
    pub fn new(address: IpAddr, length: u8) -> Result<Self, NetworkError> {
        let wrong = || NetworkError { text: format!("{address}/{length}") };
        let net = IpNet::new(address, length).map_err(|_| wrong())?.trunc();
        let IpNet::V6(six) = net else { return Ok(Self(net)) };
        match six.addr().to_ipv4_mapped() {
            Some(four) if length >= 96 => {
                IpNet::new(four.into(), length - 96).map(|net| Self(net.trunc())).map_err(|_| wrong())
            }
            _ => Ok(Self(net)),
        }
    }

    /// Its first address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.0.addr()
    }

    /// How many bits count.
    #[must_use]
    pub fn length(self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether an address lies in it.
    #[must_use]
    pub fn has(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// The bits that count, as those of an IPv6 address, and how many these are then.
    fn bits(self) -> (u128, u8) {
        let length = self.length() + if self.0.addr().is_ipv4() { 96 } else { 0 };
        (masked(wide(self.0.addr()), length), length)
    }
}

impl FromStr for Network {
    type Err = NetworkError;
    /// As `address/length`, or an address alone.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError { text: text.chars().take(64).collect() };
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = |l: &str| if l.bytes().all(|b| b.is_ascii_digit()) { l.parse().ok() } else { None };
        let length = length.map_or(Some(most), digits).ok_or_else(wrong)?;
        Self::new(address, length).map_err(|_| wrong())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn wide(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn masked(bits: u128, length: u8) -> u128 {
    bits & u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0)
}

/// A network of a list, and until when it is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The network.
    pub network: Network,
    /// From then on it is not in the list; `None`: for ever.
    pub until: Option<Timestamp>,
}

/// A set of networks. A look-up costs a hash for each length of prefix that occurs, however many networks there are.
#[derive(Debug, Clone, Default)]
pub struct NetworkSet {
    /// By length, the longest first.
    by_length: Vec<(u8, HashMap<u128, Option<Timestamp>>)>,
    len: usize,
}

impl NetworkSet {
    /// Of networks that come twice the later end counts.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut set = Self::default();
        for entry in entries {
            let known = set.end(entry.network);
            let until = match (known, entry.until) {
                (Some(None), _) | (_, None) => None,
                (Some(Some(known)), Some(new)) => Some(known.max(new)),
                (None, until) => until,
            };
            set.put(Entry { until, ..entry });
        }
        set
    }

    /// Puts a network in, or gives it another end.
    pub fn put(&mut self, entry: Entry) {
        let (bits, length) = entry.network.bits();
        let at = self.place(length).unwrap_or_else(|at| {
            self.by_length.insert(at, (length, HashMap::new()));
            at
        });
        let Some((_, nets)) = self.by_length.get_mut(at) else { return };
        self.len += usize::from(nets.insert(bits, entry.until).is_none());
    }

    /// Takes a network out.
    pub fn remove(&mut self, network: Network) {
        let (bits, length) = network.bits();
        let Ok(at) = self.place(length) else { return };
        let Some((_, nets)) = self.by_length.get_mut(at) else { return };
        self.len -= usize::from(nets.remove(&bits).is_some());
        if nets.is_empty() {
            self.by_length.remove(at);
        }
    }

    /// Where the networks of a length are, or would be.
    fn place(&self, length: u8) -> Result<usize, usize> {
        self.by_length.binary_search_by(|(known, _)| length.cmp(known))
    }

    /// The end of a network, if it is in the set.
    fn end(&self, network: Network) -> Option<Option<Timestamp>> {
        let (bits, length) = network.bits();
        let (_, nets) = self.by_length.get(self.place(length).ok()?)?;
        nets.get(&bits).copied()
    }

    /// Whether a network that `address` lies in is in the set at `now`.
    #[must_use]
    pub fn has(&self, address: IpAddr, now: Timestamp) -> bool {
        if self.is_empty() {
            return false;
        }
        let bits = wide(address);
        // A short IPv6 network would else have every IPv4 address.
        let least = if address.to_canonical().is_ipv4() { 96 } else { 0 };
        self.by_length.iter().take_while(|(length, _)| *length >= least).any(|(length, nets)| {
            nets.get(&masked(bits, *length)).is_some_and(|until| until.is_none_or(|until| now < until))
        })
    }

    /// The networks whose time is not over at `now`, by length and bits.
    fn at(&self, now: Timestamp) -> impl Iterator<Item = (u8, u128)> {
        let all = self.by_length.iter().flat_map(|(length, nets)| nets.iter().map(|net| (*length, net)));
        all.filter(move |(_, (_, until))| until.is_none_or(|until| now < until))
            .map(|(length, (bits, _))| (length, *bits))
    }

    /// Its networks, each with its end, the narrowest first.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let all = self.by_length.iter().flat_map(|(length, nets)| nets.iter().map(|net| (*length, net)));
        all.filter_map(|(length, (bits, until))| {
            let network = Network::new(IpAddr::V6((*bits).into()), length).ok()?;
            Some(Entry { network, until: *until })
        })
    }

    /// Whether this very network is in the set at `now`.
    fn lists(&self, (length, bits): (u8, u128), now: Timestamp) -> bool {
        let nets = self.place(length).ok().and_then(|at| self.by_length.get(at));
        nets.and_then(|(_, nets)| nets.get(&bits)).is_some_and(|until| until.is_none_or(|until| now < until))
    }

    /// Networks, those included whose time is over.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A list: what is written about it, and what operators put into it, which changes one by one.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Of files and the profile.
    pub written: Arc<NetworkSet>,
    /// Of operators.
    pub stored: Arc<NetworkSet>,
}

impl List {
    /// Its networks in their order, each once, with the later end where it has two.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let all = NetworkSet::new(self.written.entries().chain(self.stored.entries()));
        let mut entries: Vec<Entry> = all.entries().collect();
        entries.sort_unstable_by_key(|entry| entry.network);
        entries
    }

    /// Whether a network that `address` lies in is in the list at `now`.
    #[must_use]
    pub fn has(&self, address: IpAddr, now: Timestamp) -> bool {
        self.written.has(address, now) || self.stored.has(address, now)
    }

    /// Networks whose time is not over at `now`. Cost: a look at each.
    #[must_use]
    pub fn len_at(&self, now: Timestamp) -> usize {
        let only_stored = self.stored.at(now).filter(|network| !self.written.lists(*network, now));
        self.written.at(now).count() + only_stored.count()
    }

    /// At most so many networks, however much time has passed. Cost: none.
    #[must_use]
    pub fn len_max(&self) -> usize {
        self.written.len() + self.stored.len()
    }
}

/// Both lists.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Refused whatever is asked.
    pub deny: List,
    /// Never limited.
    pub allow: List,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> Network {
        text.parse().unwrap()
    }
    fn set(texts: &[&str]) -> NetworkSet {
        NetworkSet::new(texts.iter().map(|text| Entry { network: net(text), until: None }))
    }
    fn check(texts: &[&str], address: &str, has: bool) {
        assert_eq!(set(texts).has(address.parse().unwrap(), Timestamp::EPOCH), has, "{address} in {texts:?}");
    }

    #[test]
    fn networks_are_read_and_shown_in_one_form() {
        for (text, shown) in [
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(net(text).to_string(), shown);
        }
        for bad in
            ["", "x", "192.0.2.0/33", "::/129", "192.0.2.0/", "192.0.2.0/+4", "192.0.2.0/24/1", "192.0.2/24"]
        {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_in_a_set_if_a_network_of_it_has_it() {
        check(&["192.0.2.0/24"], "192.0.2.255", true);
        check(&["192.0.2.0/24"], "192.0.3.0", false);
        check(&["192.0.2.0/24"], "::ffff:192.0.2.1", true);
        check(&["10.0.0.0/8", "192.0.2.1"], "10.255.0.1", true);
        check(&["0.0.0.0/0"], "203.0.113.1", true);
        check(&["0.0.0.0/0"], "2001:db8::1", false);
        check(&["::/0"], "2001:db8::1", true);
        check(&["::/0"], "192.0.2.1", false);
        check(&[], "::1", false);
    }

    #[test]
    fn an_entry_ends_and_the_later_end_counts() {
        let at = |s: i64| Timestamp::from_millis(s * 1_000);
        let entry = |text, until: Option<i64>| Entry { network: net(text), until: until.map(at) };
        let address = "192.0.2.1".parse().unwrap();
        let set = NetworkSet::new([entry("192.0.2.1", Some(10)), entry("192.0.2.1", Some(5))]);
        assert!(set.has(address, at(9)) && !set.has(address, at(10)) && set.len() == 1);
        let set = NetworkSet::new([entry("192.0.2.1", Some(10)), entry("192.0.2.1", None)]);
        assert!(set.has(address, at(99)));
        let set = NetworkSet::new([entry("192.0.2.0/24", Some(10)), entry("192.0.2.1", Some(5))]);
        assert!(set.has(address, at(9)), "a wider network still has it");
    }

    #[test]
    fn a_network_is_put_in_and_taken_out() {
        let at = |s: i64| Timestamp::from_millis(s * 1_000);
        let entry = |text, until: Option<i64>| Entry { network: net(text), until: until.map(at) };
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let mut set = NetworkSet::new([entry("192.0.2.0/24", Some(10)), entry("::1", None)]);
        set.put(entry("192.0.2.0/24", Some(5)));
        assert!(!set.has(address, at(5)) && set.len() == 2, "the newest end counts");
        set.remove(net("192.0.2.0/25"));
        set.remove(net("192.0.2.0/24"));
        assert!(!set.has(address, at(0)) && set.len() == 1);
        set.put(entry("192.0.2.1", None));
        assert!(set.has(address, at(99)) && set.len() == 2);
    }

    #[test]
    fn what_is_written_and_stored_is_one_network() {
        let now = Timestamp::EPOCH;
        let over = Entry { network: net("10.0.0.3"), until: Some(now) };
        let mut stored = set(&["10.0.0.2", "10.0.0.0/8"]);
        stored.put(over);
        let list = List { written: Arc::new(set(&["10.0.0.1", "10.0.0.2"])), stored: Arc::new(stored) };
        assert_eq!((list.len_at(now), list.len_max()), (3, 5));
        for (address, has) in [("10.0.0.1", true), ("10.9.9.9", true), ("11.0.0.1", false)] {
            assert_eq!(list.has(address.parse().unwrap(), now), has, "{address}");
        }
    }

    #[test]
    fn a_list_gives_its_networks_in_order_each_once() {
        let texts = ["10.0.0.1/32", "0.0.0.0/0", "192.0.2.0/24", "::/0", "2001:db8::/32", "::1/128"];
        let ends = Entry { network: net("192.0.2.0/24"), until: Some(Timestamp::EPOCH) };
        let list = List {
            written: Arc::new(NetworkSet::new(set(&texts[..2]).entries().chain([ends]))),
            stored: Arc::new(set(&texts[1..])),
        };
        let mut wanted: Vec<Network> = texts.iter().map(|text| net(text)).collect();
        wanted.sort_unstable();
        let found = list.entries();
        assert_eq!(found.iter().map(|entry| entry.network).collect::<Vec<_>>(), wanted);
        assert!(found.iter().all(|entry| entry.until.is_none()), "{found:?}");
    }

    proptest! {
        #[test]
        fn a_set_agrees_with_asking_each_network(
            nets in prop::collection::vec((any::<u32>(), 0u8..=32), 0..40), address in any::<u32>(), near in 0usize..40,
        ) {
            let four = |bits: u32| IpAddr::from(bits.to_be_bytes());
            let nets: Vec<_> = nets.into_iter().map(|(bits, length)| Network::new(four(bits), length).unwrap()).collect();
            // Half of the addresses lie near a network, else none would ever be found.
            let address = nets.get(near).map_or(four(address), |net| net.address());
            let set = NetworkSet::new(nets.iter().map(|network| Entry { network: *network, until: None }));
            prop_assert_eq!(set.has(address, Timestamp::EPOCH), nets.iter().any(|net| net.has(address)));
        }
    }
}
