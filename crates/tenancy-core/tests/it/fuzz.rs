//! A million identifiers, hosts, headers and paths: no panic, nothing accepted outside the rules,
//! nothing inside them refused, and what was accepted is accepted again as the same.

use std::cell::Cell;

use proptest::prelude::{any, prop_assert, prop_assert_eq};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tenancy_core::{
    CustomDomain, Domain, Extracted, Header, PathSegment, Resolver, Subdomain, TenantId,
};

use crate::support::{Fake, id};

/// Runs `check` for many seeds: proptest draws and reports them, and [`Dice`] makes the text, which
/// is much faster than drawing each character.
fn for_seeds(cases: u32, check: impl Fn(Dice) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let run = TestRunner::new(config).run(&any::<u64>(), |seed| check(Dice(seed)));
    run.unwrap();
}

/// Parts that matter to some parser.
const ODD: &[&str] = &[
    ".",
    "-",
    "_",
    "@",
    ":",
    "%",
    "/",
    "\\",
    ",",
    " ",
    "\0",
    "\n",
    "\r",
    "\t",
    "[",
    "]",
    "..",
    "//",
    "%2e",
    "%2f",
    "xn--",
    "A",
    "Z",
    "0",
    "9",
    "0x",
    "127.0.0.1",
    "а",
    "ａ",
    "。",
    "\u{200b}",
    "é",
    ".example.com",
    "example.com",
    ":80",
    ":0",
    ";",
    "?",
    "#",
    "*",
    "'",
    "\"",
    "\u{7f}",
    "\u{80}",
];

/// Makes texts from a seed.
struct Dice(u64);

impl Dice {
    /// `SplitMix64`.
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % bound as u64).unwrap()
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }

    fn of(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| char::from(alphabet[self.below(alphabet.len())]))
            .collect()
    }

    fn id(&mut self) -> String {
        let length = match self.below(10) {
            0 => 60 + self.below(8),
            _ => self.below(20),
        };
        self.of(b"abcxyz0189abcxyz0189-_", length)
    }

    fn label(&mut self) -> String {
        match self.below(12) {
            0 => self.pick(ODD).to_owned(),
            1 => self.id(),
            2 => {
                let length = 60 + self.below(8);
                self.of(b"abcXYZ019-", length)
            }
            _ => {
                let length = 1 + self.below(12);
                self.of(b"abcxyz0189abcxyz0189ABC-", length)
            }
        }
    }

    fn anything(&mut self) -> String {
        let length = self.below(40);
        let mut one = || char::from_u32(u32::try_from(self.below(0x11_0000)).unwrap());
        (0..length).filter_map(|_| one()).collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(70))
            .map(|_| self.roll().to_le_bytes()[0])
            .collect()
    }

    /// Puts something odd in, or takes a character out, now and then.
    fn mangle(&mut self, mut text: String) -> String {
        for _ in 0..self.below(3) {
            let at = self.below(text.len() + 1);
            if !text.is_char_boundary(at) {
                continue;
            }
            if self.below(3) > 0 {
                text.insert_str(at, self.pick(ODD));
            } else if at < text.len() {
                text.remove(at);
            }
        }
        text
    }

    fn host(&mut self) -> String {
        const TAILS: &[&str] = &[
            ".example.com",
            ".example.com",
            ".example.com",
            ".example.com",
            ".Example.COM",
            "example.com",
            ".example.com.",
            ".example.com:8080",
            ".example.org",
            "",
        ];
        let plain = match self.below(9) {
            0 => return self.anything(),
            1 | 2 => (0..self.below(5))
                .map(|_| self.label())
                .collect::<Vec<_>>()
                .join("."),
            _ => self.label() + self.pick(TAILS),
        };
        self.mangle(plain)
    }
}

/// The rules of an id, told another way.
fn is_id(text: &str) -> bool {
    let alphanumeric = |c: char| matches!(c, 'a'..='z' | '0'..='9');
    let inner = text
        .trim_start_matches(alphanumeric)
        .trim_end_matches(alphanumeric);
    let edges = text.chars().next().is_some_and(alphanumeric)
        && text.chars().next_back().is_some_and(alphanumeric);
    edges
        && text.len() < 64
        && inner
            .chars()
            .all(|c| alphanumeric(c) || c == '-' || c == '_')
}

/// The rules of a host name, told another way.
fn is_host_name(text: &str) -> bool {
    let good = |label: &str| {
        !label.is_empty()
            && label.len() < 64
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let last = text
        .split('.')
        .next_back()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let numeric = last.parse::<u128>().is_ok() || last.chars().all(|c| c.is_ascii_digit());
    let hex = last.starts_with("0x") && last[2..].chars().all(|c| c.is_ascii_hexdigit());
    text.len() < 254 && text.split('.').all(good) && !numeric && !hex
}

/// The name in front of a good port, or of none.
fn without_port(text: &str) -> Option<&str> {
    match text.split_once(':') {
        None => Some(text),
        Some((name, port)) => {
            let number: u16 = port.parse().ok()?;
            (number > 0 && number.to_string() == port).then_some(name)
        }
    }
}

#[test]
fn identifiers() {
    let valid = Cell::new(0);
    for_seeds(350_000, |mut dice| {
        let text = match dice.below(7) {
            0 => dice.anything(),
            _ => dice.id(),
        };
        let text = dice.mangle(text);
        let made = TenantId::new(&text);
        prop_assert_eq!(made.is_ok(), is_id(&text), "{:?}", text);
        if let Ok(made) = made {
            valid.set(valid.get() + 1);
            prop_assert_eq!(made.as_str(), &text);
            prop_assert_eq!(TenantId::new(made.as_str()), Ok(made));
        }
        Ok(())
    });
    assert!(valid.get() > 30_000, "{} were valid", valid.get());
}

#[test]
fn headers() {
    let resolver = Header::named("x-tenant-id");
    for_seeds(150_000, |mut dice| {
        let value = if dice.below(5) == 0 {
            dice.bytes()
        } else {
            let plain = dice.id();
            dice.mangle(plain).into_bytes()
        };
        let found = resolver.resolve(&Fake::path("/").header("x-tenant-id", &value));
        match std::str::from_utf8(&value).ok().filter(|text| is_id(text)) {
            Some(text) => prop_assert_eq!(found, Extracted::Id(id(text))),
            None => prop_assert!(matches!(found, Extracted::Invalid(_)), "{:?}", value),
        }
        Ok(())
    });
}

#[test]
fn hosts() {
    let subdomain = Subdomain::of("example.com");
    let custom = CustomDomain::except("example.com");
    let (ids, domains) = (Cell::new(0), Cell::new(0));
    let resolve = |text: &str| {
        let request = Fake::host(text);
        (subdomain.resolve(&request), custom.resolve(&request))
    };
    for_seeds(400_000, |mut dice| {
        let text = dice.host();
        let found = resolve(&text);
        ids.set(ids.get() + u32::from(matches!(found.0, Extracted::Id(_))));
        domains.set(domains.get() + u32::from(matches!(found.1, Extracted::Domain(_))));
        prop_assert_eq!(
            &subdomain.resolve(&Fake::path("/").authority(&text)),
            &found.0
        );

        let name = without_port(&text).filter(|name| is_host_name(name));
        let Some(name) = name.map(str::to_ascii_lowercase) else {
            let both = matches!(found, (Extracted::Invalid(_), Extracted::Invalid(_)));
            prop_assert!(both, "{:?}: {:?}", text, found);
            return Ok(());
        };
        match name.strip_suffix(".example.com") {
            None => prop_assert_eq!(&found.0, &Extracted::None),
            Some(front) if is_id(front) && !front.starts_with("xn--") => {
                prop_assert_eq!(&found.0, &Extracted::Id(id(front)));
            }
            Some(_) => prop_assert!(matches!(found.0, Extracted::Invalid(_)), "{:?}", text),
        }
        if name == "example.com" || name.ends_with(".example.com") {
            prop_assert_eq!(&found.1, &Extracted::None);
        } else if name.contains('.') {
            prop_assert_eq!(&found.1, &Extracted::Domain(Domain::new(&name).unwrap()));
        } else {
            prop_assert!(matches!(found.1, Extracted::Invalid(_)), "{:?}", text);
        }
        prop_assert_eq!(resolve(&name), found, "the canonical form says the same");
        Ok(())
    });
    assert!(
        ids.get() > 30_000 && domains.get() > 30_000,
        "{ids:?} ids, {domains:?} domains"
    );
}

#[test]
fn paths() {
    let resolver = PathSegment::after("/t");
    let ids = Cell::new(0);
    for_seeds(100_000, |mut dice| {
        let plain = match dice.below(7) {
            0 => format!("/{}", dice.label()),
            1..4 => format!("/t/{}", dice.label()),
            _ => format!("/t/{}/{}", dice.label(), dice.label()),
        };
        let path = dice.mangle(plain);
        let found = resolver.resolve(&Fake::path(&path));
        if let Extracted::Id(found) = found {
            ids.set(ids.get() + 1);
            let rest = path
                .strip_prefix("/t/")
                .and_then(|rest| rest.strip_prefix(found.as_str()));
            let whole = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            prop_assert!(whole, "{:?}", path);
            let decoded = path.to_lowercase().replace("%2e", ".").replace("%2f", "/");
            let dots = decoded.split('/').any(|part| part == ".." || part == ".");
            prop_assert!(!dots, "{:?}", path);
        } else if let Some(rest) = path.strip_prefix("/t/") {
            prop_assert!(
                !rest.split('/').all(is_id),
                "refused a plain path: {:?}",
                path
            );
        }
        Ok(())
    });
    assert!(ids.get() > 5_000, "{} were valid", ids.get());
}
