//! What everything is called in Redis.

use tenancy_core::KeySpace;

use crate::CacheError;

/// The name that stands in front of all keys of one cache.
#[derive(Clone, Debug)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn new(name: &str) -> Result<Self, CacheError> {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if (1..=63).contains(&name.len()) && name.bytes().all(plain) {
            Ok(Self(name.to_owned()))
        } else {
            Err(CacheError::Name)
        }
    }

    /// Where a space's mark lies: `NAME:{SPACE}`. The braces are a cluster's hash tag: one tenant's
    /// keys are in one slot, so that a mark and a value can be read and written in one step.
    pub(super) fn mark(&self, space: KeySpace<'_>) -> Vec<u8> {
        format!("{}:{{{space}}}", self.0).into_bytes()
    }

    /// Where the value of `key` lies: `NAME:{SPACE}:KEY`. Neither a name nor a space holds a `:` or a
    /// brace, so the first two parts end where they end, whatever the key is.
    pub(super) fn value(&self, space: KeySpace<'_>, key: &[u8]) -> Vec<u8> {
        let mut whole = self.mark(space);
        whole.push(b':');
        whole.extend_from_slice(key);
        whole
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use tenancy_core::TenantId;

    use super::*;

    #[test]
    fn names_are_plain() {
        for name in ["a", "reports", "my-app_2"] {
            assert!(Name::new(name).is_ok(), "{name}");
        }
        let long = "a".repeat(64);
        for name in [
            "",
            "a:b",
            "{a}",
            "A",
            "a*",
            "ä",
            "a b",
            "a\0",
            long.as_str(),
        ] {
            assert!(matches!(Name::new(name), Err(CacheError::Name)), "{name}");
        }
    }

    /// Names, ids and keys out of few characters, so that they collide if they can.
    fn near() -> impl Strategy<Value = (String, TenantId, Vec<u8>)> {
        let id = "[ab][ab_-]{0,2}[ab]|[ab]".prop_map(|id| TenantId::new(id).unwrap());
        let byte = prop::sample::select(&b"ab:{}=*?[]\\\0\xff\r\n"[..]);
        ("[ab-]{1,3}", id, prop::collection::vec(byte, 0..5))
    }

    proptest! {
        #[test]
        fn no_two_keys_are_one(all in prop::collection::vec(near(), 2..60)) {
            let mut seen = HashMap::new();
            for (name, tenant, key) in &all {
                let space = KeySpace::to_remove(tenant);
                let named = Name::new(name).unwrap();
                let marked = (name, tenant, None);
                prop_assert_eq!(*seen.entry(named.mark(space)).or_insert(marked), marked);
                let valued = (name, tenant, Some(key));
                prop_assert_eq!(*seen.entry(named.value(space, key)).or_insert(valued), valued);
            }
        }

        #[test]
        fn a_clusters_hash_tag_is_the_tenant_alone((name, tenant, key) in near()) {
            let whole = Name::new(&name).unwrap().value(KeySpace::to_remove(&tenant), &key);
            // As the specification has it: between the first `{` and the first `}` behind it.
            let from = whole.iter().position(|byte| *byte == b'{').unwrap() + 1;
            let to = from + whole[from..].iter().position(|byte| *byte == b'}').unwrap();
            let expected = format!("tenant={tenant}");
            prop_assert_eq!(&whole[from..to], expected.as_bytes());
        }
    }
}
