//! Every resolver, with what a hostile client sends.

use tenancy_core::{
    Claim, Custom, CustomDomain, Extracted, Header, Host, InvalidHostMap, PathSegment, RequestView,
    Resolver, Subdomain,
};

use crate::support::{Fake, domain, id};

#[track_caller]
fn invalid(found: &Extracted) {
    assert!(matches!(found, Extracted::Invalid(_)), "{found:?}");
}

/// Values that are no id, in any place that holds one.
const NO_IDS: &[&str] = &[
    "",
    " ",
    "acme ",
    " acme",
    "Acme",
    "ACME",
    "acme,beta",
    "acme, acme",
    "acme;beta",
    "acme\n",
    "acme\r\nx-evil: 1",
    "acme\0",
    "acme\t",
    "acme/..",
    "..",
    ".",
    "../acme",
    "acme%00",
    "acm%65",
    "-acme",
    "acme-",
    "_acme",
    "acme_",
    "аcme",
    "ａcme",
    "acmé",
    "acme\u{200b}",
    "acme\u{202e}",
    "acme.example.com",
    "acme@beta",
    "acme:80",
    "'acme'",
    "acme' OR '1'='1",
    "${acme}",
    "acme*",
];

#[test]
fn header() {
    let resolver = Header::named("X-Tenant-Id");
    let ask = |request: &Fake| resolver.resolve(request);
    let with = |value: &[u8]| Fake::path("/").header("x-tenant-id", value);
    assert_eq!(ask(&Fake::path("/")), Extracted::None);
    assert_eq!(ask(&with(b"acme")), Extracted::Id(id("acme")));
    assert_eq!(
        ask(&Fake::path("/").header("x-tenant", "acme")),
        Extracted::None
    );
    for bad in NO_IDS {
        invalid(&ask(&with(bad.as_bytes())));
    }
    invalid(&ask(&with(&[b'a'; 64])));
    invalid(&ask(&with(&vec![b'a'; 1_000_000])));
    invalid(&ask(&with(b"acme\xff")));
    for second in ["beta", "acme", ""] {
        invalid(&ask(&with(b"acme").header("x-tenant-id", second)));
    }
}

#[test]
fn claim() {
    let resolver = Claim::named("tenant");
    assert_eq!(resolver.resolve(&Fake::path("/")), Extracted::None);
    let with = |value| Fake::path("/").claim("tenant", value);
    assert_eq!(resolver.resolve(&with("acme")), Extracted::Id(id("acme")));
    for bad in NO_IDS {
        invalid(&resolver.resolve(&with(bad)));
    }
}

/// Hosts that are malformed for every resolver that reads the host.
fn bad_hosts() -> Vec<Vec<u8>> {
    let mut bad: Vec<Vec<u8>> = [
        "",
        " ",
        ".",
        "..",
        "acme.example.com.",
        ".example.com",
        "acme..example.com",
        "acme.example.com:",
        "acme.example.com:0",
        "acme.example.com:080",
        "acme.example.com:65536",
        "acme.example.com:99999999999",
        "acme.example.com:80:80",
        "acme.example.com:+80",
        "acme.example.com:-1",
        "acme.example.com:80 ",
        "acme.example.com: 80",
        "acme.example.com:http",
        "beta@acme.example.com",
        "beta:pw@acme.example.com",
        "acme.example.com@beta.example.com",
        "acme.example.com,beta.example.com",
        "acme.example.com, acme.example.com",
        " acme.example.com",
        "acme.example.com ",
        "acme example.com",
        "acme\t.example.com",
        "acme.example.com\r\n",
        "acme.example.com\0",
        "acme\0.example.com",
        "acme.example.com/",
        "acme.example.com/x",
        "acme.example.com?x",
        "acme.example.com#x",
        "http://acme.example.com",
        "acme\\.example.com",
        "acme%2eexample.com",
        "%61cme.example.com",
        "аcme.example.com",
        "ａcme.example.com",
        "acme。example.com",
        "acme.exаmple.com",
        "acmé.example.com",
        "-acme.example.com",
        "acme-.example.com",
        "ac_me.example.com",
        "*.example.com",
        "127.0.0.1",
        "127.0.0.1:8080",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::1]:8080",
        "::1",
        "[acme.example.com]",
        "acme.example.0x0",
        "acme.example.42",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    bad.push([b"a".repeat(64), b".example.com".to_vec()].concat());
    bad.push([b"a.".repeat(200), b"example.com".to_vec()].concat());
    bad.push(vec![b'a'; 1_000_000]);
    bad.push(b"acme\xff.example.com".to_vec());
    bad
}

#[test]
fn hosts_that_are_malformed_are_invalid_everywhere() {
    let subdomain = Subdomain::of("example.com");
    let custom = CustomDomain::except("example.com");
    let listed = Host::map([("acme.example.com", "acme")]).unwrap();
    for host in bad_hosts() {
        let request = Fake::host(&host);
        for found in [
            subdomain.resolve(&request),
            custom.resolve(&request),
            listed.resolve(&request),
        ] {
            let shown = String::from_utf8_lossy(&host[..host.len().min(80)]).into_owned();
            assert!(
                matches!(found, Extracted::Invalid(_)),
                "{shown:?}: {found:?}"
            );
        }
        // A good authority does not heal it.
        let text = String::from_utf8_lossy(&host).into_owned();
        invalid(&subdomain.resolve(&Fake::host(&host).authority("acme.example.com")));
        invalid(&subdomain.resolve(&Fake::host("acme.example.com").authority(&text)));
    }
}

#[test]
fn two_hosts_are_invalid() {
    let resolver = Subdomain::of("example.com");
    let acme = || Fake::host("acme.example.com");
    invalid(&resolver.resolve(&acme().header("host", "beta.example.com")));
    invalid(&resolver.resolve(&acme().header("host", "acme.example.com")));
    invalid(&resolver.resolve(&acme().authority("beta.example.com")));
    invalid(&resolver.resolve(&Fake::host("acme.example.com:1").authority("acme.example.com:2")));
    let agreed = Extracted::Id(id("acme"));
    assert_eq!(
        resolver.resolve(&acme().authority("ACME.example.com:443")),
        agreed
    );
    assert_eq!(
        resolver.resolve(&Fake::path("/").authority("acme.example.com")),
        agreed
    );
    assert_eq!(resolver.resolve(&Fake::path("/")), Extracted::None);
    // What a proxy adds is not read.
    let forwarded = acme().header("x-forwarded-host", "beta.example.com");
    assert_eq!(
        resolver.resolve(&forwarded.header("forwarded", "host=beta.example.com")),
        agreed
    );
}

#[test]
fn subdomain() {
    let resolver = Subdomain::of("Example.com");
    let ask = |host: &str| resolver.resolve(&Fake::host(host));
    for host in [
        "acme.example.com",
        "ACME.Example.COM",
        "acme.example.com:8080",
    ] {
        assert_eq!(ask(host), Extracted::Id(id("acme")), "{host}");
    }
    for outside in [
        "example.com",
        "example.com:80",
        "localhost",
        "acme.example.org",
        "acme.evilexample.com",
        "evilexample.com",
        "acme-example.com",
        "example.com.evil.org",
        "acme.example.com.evil.org",
    ] {
        assert_eq!(ask(outside), Extracted::None, "{outside}");
    }
    for bad in [
        "a.acme.example.com",
        "acme.example.com.example.com",
        "xn--cme-5cd.example.com",
        "XN--cme-5cd.example.com",
    ] {
        invalid(&ask(bad));
    }
    assert!(Subdomain::try_of("https://example.com").is_err());
    let develop = Subdomain::of("localhost");
    assert_eq!(
        develop.resolve(&Fake::host("acme.localhost:3000")),
        Extracted::Id(id("acme"))
    );
    assert_eq!(
        develop.resolve(&Fake::host("localhost:3000")),
        Extracted::None
    );
}

#[test]
#[should_panic(expected = "Subdomain::of")]
fn a_base_that_is_no_domain_does_not_start() {
    let _ = Subdomain::of("example.com:8080");
}

#[test]
fn custom_domain() {
    let resolver = CustomDomain::except("example.com");
    let ask = |host: &str| resolver.resolve(&Fake::host(host));
    for host in ["Shop.Acme.org", "shop.acme.org:8443"] {
        assert_eq!(
            ask(host),
            Extracted::Domain(domain("shop.acme.org")),
            "{host}"
        );
    }
    let evil = Extracted::Domain(domain("evilexample.com"));
    assert_eq!(ask("evilexample.com"), evil);
    let idn = Extracted::Domain(domain("xn--mnchen-3ya.de"));
    assert_eq!(ask("xn--mnchen-3ya.de"), idn, "looked up as it is written");
    for own in [
        "example.com",
        "EXAMPLE.com:80",
        "acme.example.com",
        "a.b.example.com",
    ] {
        assert_eq!(ask(own), Extracted::None, "{own}");
    }
    invalid(&ask("localhost"));
    let develop = CustomDomain::except("localhost");
    assert_eq!(
        develop.resolve(&Fake::host("acme.localhost")),
        Extracted::None
    );
    assert_eq!(
        develop.resolve(&Fake::host("localhost:3000")),
        Extracted::None
    );
}

#[test]
fn host_map() {
    let resolver = Host::map([("Acme.org", "acme"), ("www.acme.org", "acme")]).unwrap();
    let ask = |host: &str| resolver.resolve(&Fake::host(host));
    assert_eq!(ask("acme.ORG:80"), Extracted::Id(id("acme")));
    assert_eq!(ask("www.acme.org"), Extracted::Id(id("acme")));
    assert_eq!(ask("x.acme.org"), Extracted::None);
    let error = |hosts: [(&str, &str); 2]| Host::map(hosts).unwrap_err();
    let good = ("acme.org", "acme");
    assert_eq!(
        error([good, ("acme", "acme")]),
        InvalidHostMap::Host { position: 1 }
    );
    assert_eq!(
        error([good, ("b.org", "B")]),
        InvalidHostMap::Id { position: 1 }
    );
    assert_eq!(
        error([good, ("ACME.org", "beta")]),
        InvalidHostMap::Twice { position: 1 }
    );
}

#[test]
fn path_after_a_prefix() {
    let resolver = PathSegment::after("/t");
    let ask = |path: &str| resolver.resolve(&Fake::path(path));
    for path in ["/t/acme", "/t/acme/", "/t/acme/notes", "/t/acme/a%20b//c"] {
        assert_eq!(ask(path), Extracted::Id(id("acme")), "{path}");
    }
    for path in [
        "/",
        "",
        "*",
        "/t",
        "/t/",
        "/tx/acme",
        "/T/acme",
        "/x/t/acme",
        "/about",
    ] {
        assert_eq!(ask(path), Extracted::None, "{path}");
    }
    for path in [
        "/t//acme",
        "//t/acme",
        "/./t/acme",
        "/t/./acme",
        "/t/../t/acme",
        "/x/../t/acme/..",
        "/t/acme/../beta",
        "/t/acme/%2e%2e/beta",
        "/t/acme/%2E./beta",
        "/t/acme/..;/beta",
        "/t/acme/..%2fbeta",
        "/t/acme/x%2F..%2f..%2fbeta",
        "/t/acme/..\\beta",
        "/t/acme%5c..",
        "/t/acme/x%5c..%5c..%5cbeta",
        "/t/acm%65",
        "/t/acme%2fx",
        "/t/acme;v=1",
        "/%74/acme",
        "/t/%2e%2e/acme",
        "/t\\acme",
        "/t/Acme",
        "/t/acme.",
        "/t/acme\0",
        "/t/аcme",
        "/t/ acme",
    ] {
        let found = ask(path);
        let elsewhere = path.starts_with("/x/") || path.starts_with("/t\\");
        assert!(
            elsewhere || matches!(found, Extracted::Invalid(_)),
            "{path}: {found:?}"
        );
        assert!(!matches!(found, Extracted::Id(_)), "{path}: {found:?}");
    }
}

#[test]
fn path_by_position() {
    let first = PathSegment::nth(0);
    let third = PathSegment::nth(2);
    assert_eq!(
        first.resolve(&Fake::path("/acme/x")),
        Extracted::Id(id("acme"))
    );
    assert_eq!(first.resolve(&Fake::path("/")), Extracted::None);
    assert_eq!(
        third.resolve(&Fake::path("/a/b/acme")),
        Extracted::Id(id("acme"))
    );
    assert_eq!(third.resolve(&Fake::path("/a/b")), Extracted::None);
    assert_eq!(third.resolve(&Fake::path("/a/b/")), Extracted::None);
    for path in [
        "//acme",
        "/a//acme",
        "/a/../acme",
        "/%2e/b/acme",
        "/a/b/acme/..",
    ] {
        invalid(&third.resolve(&Fake::path(path)));
    }
}

#[test]
fn custom() {
    let by_principal = Custom::trusted("session", |request: &dyn RequestView| {
        request
            .principal_as::<String>()
            .map_or(Extracted::None, |text| Extracted::id(text))
    });
    assert_eq!(by_principal.name(), "session");
    assert_eq!(by_principal.resolve(&Fake::path("/")), Extracted::None);
    let with = |text: &str| Fake::path("/").principal(text.to_owned());
    assert_eq!(
        by_principal.resolve(&with("acme")),
        Extracted::Id(id("acme"))
    );
    invalid(&by_principal.resolve(&with("Acme")));
}
