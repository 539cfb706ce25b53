//! TLS by the server itself, with clients of rustls.
use crate::world::{World, eventually};
use gsm_server::config::{ClientAuth, ClientCertificate, ClientRole, TlsSettings};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key (PEM), by an authority.
fn issued(by: &Authority, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
    let names = [(DnType::OrganizationName, "Studio"), (DnType::CommonName, name)];
    issued_to(by, names, usage)
}

fn issued_to<const N: usize>(
    by: &Authority,
    names: [(DnType, &str); N],
    usage: ExtendedKeyUsagePurpose,
) -> (String, String) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for (kind, name) in names {
        params.distinguished_name.push(kind, name);
    }
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

fn server_files(dir: &Path, by: &Authority, name: &str) -> TlsSettings {
    let (cert, key) = issued(by, name, ExtendedKeyUsagePurpose::ServerAuth);
    // The key first: a pair that does not fit is not taken.
    for (file, text) in [("tls.key", key), ("tls.crt", cert)] {
        std::fs::write(dir.join("new"), text).unwrap();
        std::fs::rename(dir.join("new"), dir.join(file)).unwrap();
    }
    TlsSettings {
        cert_file: dir.join("tls.crt"),
        key_file: dir.join("tls.key"),
        client_ca_file: None,
        client_certificates: ClientAuth::Optional,
        clients: Vec::new(),
    }
}

fn connector(root: &Authority, client: Option<(String, String)>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let cert = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![cert], key).unwrap()
        }
    };
    TlsConnector::from(Arc::new(config))
}

/// The status of a GET, and the server's certificate.
async fn get(
    connector: &TlsConnector,
    addr: SocketAddr,
    path: &str,
    token: Option<&str>,
) -> std::io::Result<(u16, Vec<u8>)> {
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let (status, _, certificate) = ask(connector, addr, &format!("GET {path}"), &token).await?;
    Ok((status, certificate))
}

/// The status of an answer, all of it, and the server's certificate.
async fn ask(
    connector: &TlsConnector,
    addr: SocketAddr,
    what: &str,
    headers: &str,
) -> std::io::Result<(u16, String, Vec<u8>)> {
    let stream = TcpStream::connect(addr).await?;
    let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
    let request = format!("{what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok());
    let certificate = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    Ok((status.ok_or_else(|| std::io::Error::other("no answer"))?, text, certificate))
}

#[test]
fn a_key_of_another_certificate_is_seen_before_a_start() {
    let (dir, root) = (tempfile::tempdir().unwrap(), authority("root"));
    let tls = server_files(dir.path(), &root, "first");
    assert_eq!(gsm_server::inspect::tls_fault(&tls.cert_file, &tls.key_file), None);
    std::fs::write(&tls.key_file, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(gsm_server::inspect::tls_fault(&tls.cert_file, &tls.key_file).is_some());
    std::fs::write(&tls.key_file, "junk").unwrap();
    let told = gsm_server::inspect::tls_fault(&tls.cert_file, &tls.key_file).unwrap();
    assert!(told.contains("tls.key"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_without_a_restart() {
    let (dir, root) = (tempfile::tempdir().unwrap(), authority("root"));
    let tls = server_files(dir.path(), &root, "first");
    let mut world = World::with(|settings| settings.tls = Some(tls)).await;
    let (addr, client) = (world.anyone.addr, connector(&root, None));
    let (status, first) = get(&client, addr, "/healthz", None).await.unwrap();
    assert_eq!(status, 200);
    assert_eq!(get(&client, addr, "/v1/queues", Some(&world.keys.server_key)).await.unwrap().0, 200);
    assert_eq!(get(&client, addr, "/v1/queues", None).await.unwrap().0, 401);
    let stranger = connector(&authority("another"), None);
    assert!(get(&stranger, addr, "/healthz", None).await.is_err(), "the client checks whom it speaks to");
    // In the clear nothing is answered.
    let mut plain = TcpStream::connect(addr).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    // Both handshakes are counted as what they were.
    let line = "gsm_wire_refusals_total{reason=\"tls_handshake\"} 2";
    eventually(async || {
        let (_, metrics, _) = ask(&client, addr, "GET /metrics", "").await.unwrap();
        metrics.lines().any(|found| found == line).then_some(())
    })
    .await;

    // A certificate that does not fit its key changes nothing.
    std::fs::write(dir.path().join("tls.crt"), "nonsense").unwrap();
    assert_eq!(get(&client, addr, "/healthz", None).await.unwrap().1, first);
    server_files(dir.path(), &root, "second");
    eventually(async || (get(&client, addr, "/healthz", None).await.unwrap().1 != first).then_some(())).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_certificate_speaks_for_whom_the_settings_say() {
    let (dir, root, clients) = (tempfile::tempdir().unwrap(), authority("root"), authority("clients"));
    let mut tls = server_files(dir.path(), &root, "server");
    let ca = dir.path().join("clients.crt");
    std::fs::write(&ca, clients.pem()).unwrap();
    tls.client_ca_file = Some(ca);
    let client = |name: &str, role| ClientCertificate {
        subject: format!("O=Studio, CN={name}"),
        name: name.into(),
        role,
    };
    let auditor = ClientRole::Admin(gsm_engine::AdminRole::Auditor);
    let owner = ClientRole::Admin(gsm_engine::AdminRole::Owner);
    tls.clients =
        vec![client("game-1", ClientRole::Server), client("auditor-1", auditor), client("owner-1", owner)];
    let required = TlsSettings { client_certificates: ClientAuth::Required, ..tls.clone() };
    let mut world = World::with(|settings| settings.tls = Some(tls)).await;
    let addr = world.anyone.addr;
    let with = |name: &str, by: &Authority| {
        connector(&root, Some(issued(by, name, ExtendedKeyUsagePurpose::ClientAuth)))
    };
    let status = async |client: &TlsConnector, path: &str, token: Option<&str>| {
        get(client, addr, path, token).await.unwrap().0
    };
    let game = with("game-1", &clients);
    assert_eq!(status(&game, "/v1/matches", None).await, 200);
    assert_eq!(status(&game, "/v1/admin/keys", None).await, 403);
    assert_eq!(
        status(&game, "/v1/matches", Some("x.y.z")).await,
        401,
        "a bad token is bad, whoever sends it"
    );
    assert_eq!(
        status(&game, "/v1/admin/keys", Some(&world.keys.admin_key)).await,
        200,
        "a token speaks first"
    );
    let auditor = with("auditor-1", &clients);
    assert_eq!(status(&auditor, "/v1/admin/keys", None).await, 200);
    // A browser shows the certificate of who looks at a page, whosever page it is.
    let owner = with("owner-1", &clients);
    let rotates = async |headers: &str| {
        let headers = format!("Content-Length: 0\r\n{headers}");
        let (status, text, _) =
            ask(&owner, addr, "POST /v1/admin/signing-keys/rotate", &headers).await.unwrap();
        (status, text.contains("\"cross_site\""))
    };
    let token = format!("Authorization: Bearer {}\r\n", world.keys.admin_key);
    let foreign = "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n";
    assert_eq!(rotates(foreign).await, (403, true));
    assert_eq!(rotates("Sec-Fetch-Site: same-site\r\n").await, (403, true));
    assert_eq!(rotates(&format!("{foreign}{token}")).await, (200, false), "no page has a token by itself");
    assert_eq!(rotates("Origin: https://localhost\r\nSec-Fetch-Site: same-origin\r\n").await, (200, false));
    assert_eq!(rotates("").await, (200, false), "no browser");
    let (read, ..) = ask(&owner, addr, "GET /v1/admin/keys", foreign).await.unwrap();
    assert_eq!(read, 200, "what is read no browser shows to that page");
    assert_eq!(
        status(&with("game-2", &clients), "/v1/matches", None).await,
        401,
        "nobody has named that subject"
    );
    // One value that reads like two is not the two.
    let names = [(DnType::OrganizationName, "Studio, CN=game-1")];
    let forged = issued_to(&clients, names, ExtendedKeyUsagePurpose::ClientAuth);
    assert_eq!(status(&connector(&root, Some(forged)), "/v1/matches", None).await, 401);
    assert_eq!(status(&connector(&root, None), "/v1/matches", None).await, 401);
    assert!(get(&with("game-1", &root), addr, "/healthz", None).await.is_err(), "signed by another");
    world.stop().await;

    let mut world = World::with(|settings| settings.tls = Some(required)).await;
    let addr = world.anyone.addr;
    assert!(
        get(&connector(&root, None), addr, "/healthz", None).await.is_err(),
        "nobody without a certificate"
    );
    assert_eq!(get(&game, addr, "/healthz", None).await.unwrap().0, 200);
    world.stop().await;
}
