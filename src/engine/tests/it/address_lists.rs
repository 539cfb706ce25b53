//! Networks in lists: kept until their end, with who put them there and why.
use crate::world::{World, both, keyed, refused};
use gsm_core::Millis;
use gsm_engine::AddressList;
use gsm_security::Network;

both! { a_network_is_listed_until_it_ends_or_is_taken_out, putting_is_replayed, many_are_all_read }

fn net(text: &str) -> Network {
    text.parse().unwrap()
}

async fn a_network_is_listed_until_it_ends_or_is_taken_out(w: World) {
    let (call, deny) = (w.admin(), AddressList::Deny);
    let until = call.now.saturating_add(Millis::from_secs(60));
    let put = w.engine.put_listed(&call, deny, net("192.0.2.7/24"), "flood", Some(until)).await.unwrap();
    assert_eq!((put.network.to_string().as_str(), put.row.reason.as_str()), ("192.0.2.0/24", "flood"));
    w.engine.put_listed(&call, AddressList::Allow, net("::1"), "ours", None).await.unwrap();
    assert_eq!(w.engine.listed().await.unwrap().len(), 2);
    let again =
        w.engine.put_listed(&w.admin(), deny, net("192.0.2.0/24"), "still", Some(until)).await.unwrap();
    assert_eq!(w.engine.listed().await.unwrap()[0], again);
    refused(w.engine.put_listed(&w.admin(), deny, net("::/64"), "late", Some(call.now)).await, "invalid");
    w.clock.advance_ms(60_000);
    let left = w.engine.listed().await.unwrap();
    assert_eq!((left.len(), left[0].list), (1, AddressList::Allow));
    refused(w.engine.remove_listed(&w.admin(), deny, net("::1")).await, "not_found");
    w.engine.remove_listed(&w.admin(), AddressList::Allow, net("::1")).await.unwrap();
    assert!(w.engine.listed().await.unwrap().is_empty());
}

async fn putting_is_replayed(w: World) {
    let put = async |body: &str, network: &str| {
        let call = keyed(w.admin(), "k", body);
        w.engine.put_listed(&call, AddressList::Deny, net(network), "r", None).await
    };
    let first = put("a", "::1").await.unwrap();
    w.clock.advance_ms(1_000);
    assert_eq!(put("a", "::1").await.unwrap(), first);
    refused(put("b", "::2").await, "idempotency_mismatch");
}

async fn many_are_all_read(w: World) {
    for i in 0..1_100u32 {
        let network = Network::new(std::net::Ipv4Addr::from(i << 8).into(), 24).unwrap();
        w.engine.put_listed(&w.admin(), AddressList::Deny, network, "r", None).await.unwrap();
    }
    assert_eq!(w.engine.listed().await.unwrap().len(), 1_100);
}
