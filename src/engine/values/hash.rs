//! Hashes: one listpack of field, value, field, value … while small, a table of fields after that.

use holdfast_formats::{DecimalBuffer, Element, Listpack, Position};

use super::encodings::Encodings;
use crate::hashing::HashSeed;
use crate::packed::Packed;
use crate::table::SharedTable;

/// A hash.
#[derive(Clone, Debug)]
pub struct HashValue(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Listpack(Listpack),
    Table(Box<Fields>),
}

/// Fields in a table.
#[derive(Clone, Debug)]
struct Fields {
    table: SharedTable<Field>,
    seed: HashSeed,
    /// Bytes of the fields' own allocations.
    bytes: usize,
}

/// A field and its value in one allocation; the header is the field's length.
type Field = Packed<u32>;

/// What became of a field that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetField {
    /// It is new.
    Added,
    /// It had another value, or the same.
    Replaced,
}

fn new_field(name: &[u8], value: &[u8]) -> Field {
    let length = u32::try_from(name.len()).expect("arguments are bounded by proto-max-bulk-len");
    Packed::new(length, &[name, value])
}

fn split(field: &Field) -> (&[u8], &[u8]) {
    field.bytes().split_at(*field.header() as usize)
}

impl Fields {
    fn new(seed: HashSeed) -> Self {
        Self {
            table: SharedTable::new(),
            seed,
            bytes: 0,
        }
    }

    fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let found = self
            .table
            .get(self.seed.hash(name), |field| split(field).0 == name)?;
        Some(split(found).1)
    }

    fn set(&mut self, name: &[u8], value: &[u8]) -> SetField {
        let hash = self.seed.hash(name);
        if let Some(known) = self.table.get_mut(hash, |known| split(known).0 == name) {
            // In place: most values are replaced by others of about their length.
            self.bytes -= known.allocated_bytes();
            known.replace_tail(name.len(), &[value]);
            self.bytes += known.allocated_bytes();
            return SetField::Replaced;
        }
        let field = new_field(name, value);
        self.bytes += field.allocated_bytes();
        let seed = self.seed;
        self.table
            .insert_unique(hash, field, |field| seed.hash(split(field).0));
        SetField::Added
    }

    fn remove(&mut self, name: &[u8]) -> bool {
        let seed = self.seed;
        let rehash = |field: &Field| seed.hash(split(field).0);
        let removed = self
            .table
            .remove(seed.hash(name), |field| split(field).0 == name, rehash);
        if let Some(field) = &removed {
            self.bytes -= field.allocated_bytes();
        }
        removed.is_some()
    }
}

impl Default for HashValue {
    fn default() -> Self {
        Self::new()
    }
}

impl HashValue {
    /// A hash without fields.
    pub fn new() -> Self {
        Self(Inner::Listpack(Listpack::new()))
    }

    /// A hash from a listpack of distinct fields and their values, in a table if that is due.
    pub fn from_listpack(block: Listpack, encodings: &Encodings) -> Self {
        let fits = block.len() / 2 <= encodings.hash_max_listpack_entries
            && block
                .iter()
                .all(|element| element.bytes_len() <= encodings.hash_max_listpack_value);
        let mut hash = Self(Inner::Listpack(block));
        if !fits {
            hash.convert(encodings.seed);
        }
        hash
    }

    /// The packed form, while it is in use.
    pub const fn as_listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Inner::Listpack(block) => Some(block),
            Inner::Table(_) => None,
        }
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        match &self.0 {
            Inner::Listpack(block) => block.len() / 2,
            Inner::Table(fields) => fields.table.len(),
        }
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a field.
    pub fn get(&self, name: &[u8]) -> Option<Element<'_>> {
        match &self.0 {
            Inner::Listpack(block) => block.element(value_position(block, name)?),
            Inner::Table(fields) => fields.get(name).map(Element::Text),
        }
    }

    /// Whether there is such a field.
    pub fn contains(&self, name: &[u8]) -> bool {
        match &self.0 {
            Inner::Listpack(block) => block.find(name, 1).is_some(),
            Inner::Table(fields) => fields.get(name).is_some(),
        }
    }

    /// Sets a field.
    pub fn set(&mut self, name: &[u8], value: &[u8], encodings: &Encodings) -> SetField {
        self.convert_if_due(name, value, encodings);
        match &mut self.0 {
            Inner::Listpack(block) => {
                if let Some(at) = value_position(block, name) {
                    block.replace(at, value);
                    return SetField::Replaced;
                }
                block.append_pair(name, value);
                if block.len() / 2 > encodings.hash_max_listpack_entries {
                    self.convert(encodings.seed);
                }
                SetField::Added
            }
            Inner::Table(fields) => fields.set(name, value),
        }
    }

    fn convert_if_due(&mut self, name: &[u8], value: &[u8], encodings: &Encodings) {
        let Inner::Listpack(block) = &self.0 else {
            return;
        };
        let is_long = name.len().max(value.len()) > encodings.hash_max_listpack_value;
        if is_long || !block.has_room_for(name.len() + value.len(), 2) {
            self.convert(encodings.seed);
        }
    }

    fn convert(&mut self, seed: HashSeed) {
        let mut fields = Fields::new(seed);
        let (mut name_text, mut value_text) = (DecimalBuffer::new(), DecimalBuffer::new());
        for (name, value) in self.iter() {
            fields.set(
                name.to_bytes(&mut name_text),
                value.to_bytes(&mut value_text),
            );
        }
        self.0 = Inner::Table(Box::new(fields));
    }

    /// Removes a field; says whether it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        match &mut self.0 {
            Inner::Listpack(block) => {
                let Some(at) = block.find(name, 1) else {
                    return false;
                };
                block.remove_at(at, 2);
                true
            }
            Inner::Table(fields) => fields.remove(name),
        }
    }

    /// All fields with their values: in order of insertion while packed, in no order after that.
    pub fn iter(&self) -> impl Iterator<Item = (Element<'_>, Element<'_>)> {
        let (block, fields) = match &self.0 {
            Inner::Listpack(block) => (Some(block), None),
            Inner::Table(fields) => (None, Some(fields)),
        };
        let in_table = fields.into_iter().flat_map(|fields| fields.table.iter());
        let in_table = in_table.map(|field| {
            let (name, value) = split(field);
            (Element::Text(name), Element::Text(value))
        });
        block.into_iter().flat_map(pairs).chain(in_table)
    }

    /// Visits about `count` fields from a position on; `None` once all have been visited. A packed
    /// hash is visited as a whole.
    pub fn scan(
        &self,
        from: u64,
        count: usize,
        visit: &mut dyn FnMut(Element<'_>, Element<'_>),
    ) -> Option<u64> {
        match &self.0 {
            Inner::Listpack(block) => {
                pairs(block).for_each(|(name, value)| visit(name, value));
                None
            }
            Inner::Table(fields) => {
                let seed = fields.seed;
                let rehash = |field: &Field| seed.hash(split(field).0);
                fields.table.scan(from, count, rehash, &mut |field| {
                    let (name, value) = split(field);
                    visit(Element::Text(name), Element::Text(value));
                })
            }
        }
    }

    /// One field at random, each with the same chance.
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<(Element<'_>, Element<'_>)> {
        match &self.0 {
            Inner::Listpack(block) => {
                let count = u64::try_from(block.len() / 2)
                    .ok()
                    .filter(|&count| count > 0)?;
                let nth = i64::try_from(random() % count).ok()? * 2;
                Some((block.get(nth)?, block.get(nth + 1)?))
            }
            Inner::Table(fields) => {
                let (name, value) = split(fields.table.random(random)?);
                Some((Element::Text(name), Element::Text(value)))
            }
        }
    }

    /// The name that `OBJECT ENCODING` answers.
    pub const fn encoding_name(&self) -> &'static str {
        match &self.0 {
            Inner::Listpack(_) => "listpack",
            Inner::Table(_) => "hashtable",
        }
    }

    /// The bytes of its allocations.
    pub fn allocated_bytes(&self) -> usize {
        match &self.0 {
            Inner::Listpack(block) => block.allocated_bytes(),
            Inner::Table(fields) => {
                size_of::<Fields>() + fields.table.allocated_bytes() + fields.bytes
            }
        }
    }

    /// How many allocations freeing it takes.
    pub fn weight(&self) -> usize {
        match &self.0 {
            Inner::Listpack(_) => 1,
            Inner::Table(fields) => fields.table.len(),
        }
    }
}

fn value_position(block: &Listpack, name: &[u8]) -> Option<Position> {
    block.next(block.find(name, 1)?)
}

fn pairs(block: &Listpack) -> impl Iterator<Item = (Element<'_>, Element<'_>)> {
    let mut elements = block.iter();
    std::iter::from_fn(move || Some((elements.next()?, elements.next()?)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn contents(hash: &HashValue) -> BTreeMap<Vec<u8>, Vec<u8>> {
        hash.iter()
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect()
    }

    proptest! {
        #[test]
        fn a_hash_behaves_like_a_map_in_either_encoding(
            steps in prop::collection::vec((0_u8..40, "[a-z0-9]{0,12}", any::<bool>()), 1..200),
            entries_max in 0_usize..20,
        ) {
            let encodings = Encodings { hash_max_listpack_entries: entries_max, hash_max_listpack_value: 10, ..Encodings::default() };
            let mut hash = HashValue::new();
            let mut model = BTreeMap::new();
            for (name, value, is_set) in steps {
                let name = format!("f{name}").into_bytes();
                let value = value.into_bytes();
                if is_set {
                    let was_there = model.insert(name.clone(), value.clone()).is_some();
                    prop_assert_eq!(hash.set(&name, &value, &encodings) == SetField::Replaced, was_there);
                } else {
                    prop_assert_eq!(hash.remove(&name), model.remove(&name).is_some());
                }
                prop_assert_eq!(hash.len(), model.len());
                prop_assert_eq!(hash.get(&name).map(Element::to_vec), model.get(&name).cloned());
            }
            prop_assert_eq!(contents(&hash), model.clone());
            prop_assert_eq!(contents(&hash.clone()), model);
        }
    }

    #[test]
    fn encodings_change_at_the_thresholds_and_never_back() {
        let encodings = Encodings::default();
        let mut hash = HashValue::new();
        for number in 0..128_u32 {
            hash.set(number.to_string().as_bytes(), b"v", &encodings);
        }
        assert_eq!(hash.encoding_name(), "listpack");
        hash.set(b"128", b"v", &encodings);
        assert_eq!(hash.encoding_name(), "hashtable");
        hash.remove(b"128");
        assert_eq!(hash.encoding_name(), "hashtable");
        let mut long = HashValue::new();
        long.set(b"f", &[0; 65], &encodings);
        assert_eq!(long.encoding_name(), "hashtable");
    }
}
