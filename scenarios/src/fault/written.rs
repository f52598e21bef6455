//! A fault in a plan's JSON: flat, its word under `kind`, its parameters beside it.

use std::fmt;
use std::sync::LazyLock;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::{Family, Fault, Kind, named, words};

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Fault::Network(fault) => fault.serialize(serializer),
            Fault::Cut(fault) => fault.serialize(serializer),
            Fault::Link(fault) => fault.serialize(serializer),
            Fault::Process(fault) => fault.serialize(serializer),
            Fault::Disk(fault) => fault.serialize(serializer),
            Fault::Image(fault) => fault.serialize(serializer),
            Fault::Clock(fault) => fault.serialize(serializer),
            Fault::Client(fault) => fault.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fault, D::Error> {
        let (family, fields) = deserializer.deserialize_map(Fields)?;
        let fault = (family.parse)(Json::Object(fields.clone())).map_err(D::Error::custom)?;
        match unread(family, &fields) {
            Some(key) => Err(D::Error::custom(format_args!("unknown field `{key}`"))),
            None => Ok(fault),
        }
    }
}

/// A key that nothing reads: serde accepts any beside a fault without parameters.
fn unread<'f>(family: &Family, fields: &'f Map<String, Json>) -> Option<&'f String> {
    fields.keys().filter(|key| *key != "kind").find(|key| {
        let mut odd = fields.clone();
        odd.insert((*key).clone(), Json::Null);
        (family.parse)(Json::Object(odd)).is_ok()
    })
}

/// Takes the fields of an object, each once, and the family that its `kind` names.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = (&'static Family, Map<String, Json>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("internally tagged enum Fault")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut family, mut fields) = (None, Map::new());
        while let Some(key) = map.next_key::<String>()? {
            if fields.contains_key(&key) {
                return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
            }
            let value = if key == "kind" {
                let Named(of, kind) = map.next_value()?;
                family = Some(of);
                Json::from(kind.word)
            } else {
                map.next_value()?
            };
            fields.insert(key, value);
        }
        let family = family.ok_or_else(|| A::Error::missing_field("kind"))?;
        Ok((family, fields))
    }
}

/// A word that names a fault.
struct Named(&'static Family, &'static Kind);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Named, D::Error> {
        struct Word;

        impl Visitor<'_> for Word {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("variant identifier")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Named, E> {
                static WORDS: LazyLock<Vec<&str>> = LazyLock::new(words);
                let found = named(word).map(|(family, kind)| Named(family, kind));
                found.ok_or_else(|| E::unknown_variant(word, &WORDS))
            }
        }

        deserializer.deserialize_str(Word)
    }
}
