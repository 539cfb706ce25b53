//! serde reads a struct also from an array of its fields in order. No schema says so, therefore this deserializer
//! around another one lets structs be read from objects only, at every depth.
//!
//! Types that buffer (`untagged`, `flatten`) read their own buffer, which this does not reach.
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use std::fmt;

/// Wraps a deserializer, access, seed or visitor, so that what comes out of it is wrapped again.
pub(super) struct Named<T>(pub(super) T);

/// A visitor of a struct: of its fields by name.
struct Fields<V>(V);

macro_rules! plain {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(Named(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Named<D> {
    type Error = D::Error;

    plain! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_unit deserialize_seq deserialize_map deserialize_identifier deserialize_ignored_any
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, Named(visitor))
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, Named(visitor))
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(len, Named(visitor))
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple_struct(name, len, Named(visitor))
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, Fields(visitor))
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let read = self.0.deserialize_enum(name, variants, Named(visitor));
        read.map_err(|error| if says_nothing(&error) { one_of(variants) } else { error })
    }
    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// What `serde_json` says of anything where one of several words must stand, or an object with one of them as its only
/// member: not what was expected.
fn says_nothing(error: &impl fmt::Display) -> bool {
    let text = error.to_string();
    text.starts_with("expected value") || text.ends_with("expected string or map")
}

fn one_of<E: serde::de::Error>(words: &[&str]) -> E {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    E::custom(format_args!("expected exactly one of {}", words.join(", ")))
}

/// Scalars have nothing inside.
macro_rules! scalars {
    ($($method:ident $type:ty)*) => {
        $(fn $method<E: serde::de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Named<V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(out)
    }
    scalars! {
        visit_bool bool visit_i8 i8 visit_i16 i16 visit_i32 i32 visit_i64 i64 visit_i128 i128 visit_u8 u8 visit_u16 u16
        visit_u32 u32 visit_u64 u64 visit_u128 u128 visit_f32 f32 visit_f64 f64 visit_char char visit_str &str
        visit_borrowed_str &'de str visit_string String visit_bytes &[u8] visit_borrowed_bytes &'de [u8]
        visit_byte_buf Vec<u8>
    }
    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Named(inner))
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Named(inner))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Named(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Named(members))
    }
    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Named(variant))
    }
}

/// Everything but a map is refused by the default methods, with what `expecting` says.
impl<'de, V: Visitor<'de>> Visitor<'de> for Fields<V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(out)
    }
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Named(members))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Named<S> {
    type Value = S::Value;
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Named(inner))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Named<A> {
    type Error = A::Error;
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Named(seed))
    }
    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Named<A> {
    type Error = A::Error;
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Named(seed))
    }
    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Named<A> {
    type Error = A::Error;
    type Variant = Named<A::Variant>;
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        self.0.variant_seed(seed).map(|(name, rest)| (name, Named(rest)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Named<A> {
    type Error = A::Error;
    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Named(seed))
    }
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, Named(visitor))
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Fields(visitor))
    }
}

#[cfg(test)]
mod tests {
    use crate::front::strict_json::{JsonLimits, parse};
    use serde_json::Value;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    enum Shape {
        Dot,
        Size(u8),
        Pair(u8, u8),
        Named { a: u8 },
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        a: u8,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        list: Vec<Inner>,
        maybe: Option<Inner>,
        pair: (u8, Inner),
        shape: Vec<Shape>,
        any: Value,
    }

    fn read(list: &str, maybe: &str, pair: &str, shape: &str) -> Result<Outer, String> {
        let text =
            format!(r#"{{"list":{list},"maybe":{maybe},"pair":{pair},"shape":{shape},"any":[1,[2]]}}"#);
        parse(text.as_bytes(), &JsonLimits::NATIVE).map_err(|fault| fault.to_string())
    }

    #[test]
    fn where_one_of_several_must_stand_they_are_named() {
        let words = "expected exactly one of `Dot`, `Size`, `Pair`, `Named`";
        let of = |shape: &str| read("[]", "null", r#"[3,{"a":4}]"#, shape).unwrap_err();
        for wrong in ["[3]", "[{}]", "[null]", "[[]]", r#"["Dot", {"Size":1,"Pair":[1,2]}]"#] {
            let text = of(wrong);
            assert!(text.starts_with("`shape[") && text.ends_with(words), "{wrong}: {text}");
        }
        assert!(of(r#"[{"Size":"x"}]"#).contains("expected a whole number"));
        let found = crate::front::strict_json::from_value::<Vec<Shape>>(serde_json::json!([3]));
        assert_eq!(found.unwrap_err().to_string(), format!("`[0]`: {words}"));
    }

    #[test]
    fn structs_come_from_objects_only() {
        let good = (
            r#"[{"a":1}]"#,
            r#"{"a":2}"#,
            r#"[3,{"a":4}]"#,
            r#"["Dot",{"Size":1},{"Pair":[1,2]},{"Named":{"a":1}}]"#,
        );
        let outer = read(good.0, good.1, good.2, good.3).unwrap();
        assert_eq!(outer.list, [Inner { a: 1 }]);
        assert_eq!(outer.shape, [Shape::Dot, Shape::Size(1), Shape::Pair(1, 2), Shape::Named { a: 1 }]);
        let check = |found: Result<Outer, String>, path: &str| {
            let text = found.unwrap_err();
            assert!(
                text.starts_with(&format!("`{path}`: invalid type: sequence, expected an object")),
                "{text}"
            );
        };
        check(read("[[1]]", good.1, good.2, good.3), "list[0]");
        check(read(good.0, "[2]", good.2, good.3), "maybe");
        check(read(good.0, good.1, "[3,[4]]", good.3), "pair[1]");
        assert!(read(good.0, good.1, good.2, r#"[{"Named":[1]}]"#).is_err());
    }
}
