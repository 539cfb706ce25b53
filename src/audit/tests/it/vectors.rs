//! Published figures.
use gsm_audit::{Checkpoint, Note, Rows, SigningKey, Tile, VerifierKey, leaf_hash, root_of};

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Leaves and roots of RFC 6962 trees from the reference implementation of Certificate Transparency
/// (`transparency-dev/merkle`, `testonly/constants.go`: `LeafInputs`, `RootHashes`).
const TREE: [(&str, &str); 8] = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
];

#[test]
fn roots_are_those_of_rfc_6962() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(root_of(&[]).to_vec(), hex(empty));
    let mut rows = Rows::default();
    assert_eq!(rows.root().to_vec(), hex(empty));
    for (leaf, root) in TREE {
        rows.push(leaf_hash(&hex(leaf)), &mut |_, _| {});
        assert_eq!(rows.root().to_vec(), hex(root));
    }
}

#[test]
fn tiles_are_named_as_c2sp_names_them() {
    // c2sp.org/tlog-tiles, "Merkle Tree": tile 1234067 and its partial form.
    let check = |tile: Tile, path: &str| {
        assert_eq!(tile.path(), path);
        let (level, place) = path.strip_prefix("tile/").unwrap().split_once('/').unwrap();
        assert_eq!(Tile::parse(level, place), Some(tile));
    };
    check(Tile { level: 0, index: 1_234_067, width: 256 }, "tile/0/x001/x234/067");
    check(Tile { level: 0, index: 1_234_067, width: 8 }, "tile/0/x001/x234/067.p/8");
    check(Tile { level: 3, index: 0, width: 256 }, "tile/3/000");
    for (level, place) in [
        ("0", "1"),
        ("0", "x000/001"),
        ("0", "001/067"),
        ("0", "001.p/0"),
        ("0", "001.p/256"),
        ("0", "001.p/01"),
        ("0", "001.p/+1"),
        ("0", "001.p/"),
        ("00", "001"),
        ("+0", "001"),
        ("8", "000"),
        ("a", "000"),
        ("0", ""),
        ("0", "x001"),
        ("0", "../001"),
        ("0", "x999/x999/x999/x999/x999/x999/x999/x999"),
    ] {
        assert_eq!(Tile::parse(level, place), None, "{level}/{place}");
    }
}

/// The keys and the note of the documentation of Go's `golang.org/x/mod/sumdb/note`, which `c2sp.org/signed-note` describes.
const SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNATURE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn notes_are_signed_and_opened_as_go_does_it() {
    let key: SigningKey = SECRET.parse().unwrap();
    assert_eq!(key.secret(), SECRET);
    assert_eq!(key.verifier().to_string(), PUBLIC);
    assert_eq!(key.verifier().name(), "PeterNeumann");
    let note = Note::sign(TEXT, &[&key]).to_string();
    assert_eq!(note, format!("{TEXT}\n{SIGNATURE}"));
    let public: VerifierKey = PUBLIC.parse().unwrap();
    assert_eq!(Note::parse(note.as_bytes()).unwrap().checked(std::slice::from_ref(&public)), Ok(TEXT));

    // A second signer's line is passed over, a changed text or signature is not.
    let other = SigningKey::of("other", [9; 32]).unwrap();
    let both = Note::sign(TEXT, &[&other, &key]).to_string();
    assert_eq!(Note::parse(both.as_bytes()).unwrap().checked(std::slice::from_ref(&public)), Ok(TEXT));
    let bad = |note: String| {
        let opened =
            Note::parse(note.as_bytes()).map(|note| note.checked(std::slice::from_ref(&public)).is_ok());
        assert_ne!(opened, Ok(true), "{note}");
    };
    bad(note.replace("answer", "Answer"));
    bad(note.replace("ZJku", "ZJkv"));
    bad(note.replace("x08go", "x08gp"));
    bad(note.replace('\u{2014}', "-"));
    bad(note.trim_end().to_owned());
    bad(format!("{note}more"));
    bad(Note::sign(TEXT, &[&other]).to_string());
    bad(String::new());
    bad("\n\n\n".to_owned());
    for text in [
        "",
        "a",
        "a+b",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "x+y+AA==",
        "+1+2",
    ] {
        assert!(text.parse::<VerifierKey>().is_err(), "{text}");
        assert!(format!("PRIVATE+KEY+{text}").parse::<SigningKey>().is_err(), "{text}");
    }
    for name in ["", "a b", "a+b", "a\nb"] {
        assert!(SigningKey::of(name, [9; 32]).is_err(), "{name}");
    }
}

#[test]
fn a_checkpoint_has_the_three_lines_of_c2sp() {
    // c2sp.org/tlog-checkpoint, the example of its text.
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let found = Checkpoint::parse(text).unwrap();
    assert_eq!((found.origin.as_str(), found.size), ("example.com/behind-the-sofa", 20_852_163));
    let key = SigningKey::of("example.com/behind-the-sofa", [1; 32]).unwrap();
    let note = found.signed(&[&key]).to_string();
    assert!(note.starts_with(text));
    assert_eq!(Checkpoint::trusted(note.as_bytes(), &[key.verifier().clone()]), Ok(found.clone()));
    // Another log's checkpoint, though signed by the key.
    let stranger = Checkpoint { origin: "x".to_owned(), ..found };
    assert!(
        Checkpoint::trusted(stranger.signed(&[&key]).to_string().as_bytes(), &[key.verifier().clone()])
            .is_err()
    );
    for bad in [
        "",
        "a\n1\n",
        "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n-1\nAA==\n",
        "a\n1\nAA==\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ] {
        assert!(Checkpoint::parse(bad).is_err(), "{bad}");
    }
}
