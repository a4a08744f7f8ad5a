//! Sets: an ordered array of integers while they are few and all integers, a table of members
//! after that (Redis 7.0 knows no listpack sets).

use holdfast_formats::{DecimalBuffer, Element, Intset, parse_i64};

use super::encodings::Encodings;
use crate::hashing::HashSeed;
use crate::packed::Packed;
use crate::table::SharedTable;

/// A set.
#[derive(Clone, Debug)]
pub struct SetValue(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Integers(Intset),
    Table(Box<Members>),
}

/// Members in a table.
#[derive(Clone, Debug)]
struct Members {
    table: SharedTable<Member>,
    seed: HashSeed,
    /// Bytes of the members' own allocations.
    bytes: usize,
}

type Member = Packed<()>;

impl Members {
    fn new(seed: HashSeed) -> Self {
        Self {
            table: SharedTable::new(),
            seed,
            bytes: 0,
        }
    }

    fn contains(&self, text: &[u8]) -> bool {
        self.table
            .get(self.seed.hash(text), |member| member.bytes() == text)
            .is_some()
    }

    fn add(&mut self, text: &[u8]) -> bool {
        let hash = self.seed.hash(text);
        if self
            .table
            .get(hash, |member| member.bytes() == text)
            .is_some()
        {
            return false;
        }
        let member = Packed::new((), &[text]);
        self.bytes += member.allocated_bytes();
        let seed = self.seed;
        self.table
            .insert_unique(hash, member, |member| seed.hash(member.bytes()));
        true
    }

    fn remove(&mut self, text: &[u8]) -> bool {
        let seed = self.seed;
        let is_it = |member: &Member| member.bytes() == text;
        let removed = self
            .table
            .remove(seed.hash(text), is_it, |member| seed.hash(member.bytes()));
        if let Some(member) = &removed {
            self.bytes -= member.allocated_bytes();
        }
        removed.is_some()
    }
}

impl Default for SetValue {
    fn default() -> Self {
        Self::new()
    }
}

impl SetValue {
    /// A set without members.
    pub fn new() -> Self {
        Self(Inner::Integers(Intset::new()))
    }

    /// A set from ordered integers, in a table if there are too many.
    pub fn from_intset(integers: Intset, encodings: &Encodings) -> Self {
        let is_small = integers.len() <= encodings.set_max_intset_entries;
        let mut set = Self(Inner::Integers(integers));
        if !is_small {
            set.convert(encodings.seed);
        }
        set
    }

    /// The array of integers, while it is in use.
    pub const fn as_intset(&self) -> Option<&Intset> {
        match &self.0 {
            Inner::Integers(integers) => Some(integers),
            Inner::Table(_) => None,
        }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        match &self.0 {
            Inner::Integers(integers) => integers.len(),
            Inner::Table(members) => members.table.len(),
        }
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has this member.
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Inner::Integers(integers) => {
                parse_i64(member).is_some_and(|integer| integers.contains(integer))
            }
            Inner::Table(members) => members.contains(member),
        }
    }

    /// Adds a member; says whether it is new.
    pub fn add(&mut self, member: &[u8], encodings: &Encodings) -> bool {
        if let Inner::Integers(integers) = &mut self.0 {
            if let Some(integer) = parse_i64(member) {
                let is_new = integers.add(integer);
                if integers.len() > encodings.set_max_intset_entries {
                    self.convert(encodings.seed);
                }
                return is_new;
            }
            self.convert(encodings.seed);
        }
        match &mut self.0 {
            Inner::Integers(_) => false,
            Inner::Table(members) => members.add(member),
        }
    }

    fn convert(&mut self, seed: HashSeed) {
        let mut members = Members::new(seed);
        let mut text = DecimalBuffer::new();
        for member in self.iter() {
            members.add(member.to_bytes(&mut text));
        }
        self.0 = Inner::Table(Box::new(members));
    }

    /// Removes a member; says whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.0 {
            Inner::Integers(integers) => {
                parse_i64(member).is_some_and(|integer| integers.remove(integer))
            }
            Inner::Table(members) => members.remove(member),
        }
    }

    /// All members: integers in order, others in no order.
    pub fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        let (integers, members) = match &self.0 {
            Inner::Integers(integers) => (Some(integers), None),
            Inner::Table(members) => (None, Some(members)),
        };
        let integers = integers.into_iter().flat_map(Intset::iter);
        let texts = members.into_iter().flat_map(|members| members.table.iter());
        integers
            .map(Element::Integer)
            .chain(texts.map(|member| Element::Text(member.bytes())))
    }

    /// Visits about `count` members from a position on; `None` once all have been visited. An
    /// array of integers is visited as a whole.
    pub fn scan(&self, from: u64, count: usize, visit: &mut dyn FnMut(Element<'_>)) -> Option<u64> {
        match &self.0 {
            Inner::Integers(integers) => {
                integers
                    .iter()
                    .for_each(|integer| visit(Element::Integer(integer)));
                None
            }
            Inner::Table(members) => {
                let seed = members.seed;
                let rehash = |member: &Member| seed.hash(member.bytes());
                members.table.scan(from, count, rehash, &mut |member| {
                    visit(Element::Text(member.bytes()));
                })
            }
        }
    }

    /// One member at random, each with the same chance.
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<Element<'_>> {
        match &self.0 {
            Inner::Integers(integers) => {
                let count = u64::try_from(integers.len())
                    .ok()
                    .filter(|&count| count > 0)?;
                let nth = usize::try_from(random() % count).ok()?;
                integers.get(nth).map(Element::Integer)
            }
            Inner::Table(members) => Some(Element::Text(members.table.random(random)?.bytes())),
        }
    }

    /// The name that `OBJECT ENCODING` answers.
    pub const fn encoding_name(&self) -> &'static str {
        match &self.0 {
            Inner::Integers(_) => "intset",
            Inner::Table(_) => "hashtable",
        }
    }

    /// The bytes of its allocations.
    pub fn allocated_bytes(&self) -> usize {
        match &self.0 {
            Inner::Integers(integers) => integers.allocated_bytes(),
            Inner::Table(members) => {
                size_of::<Members>() + members.table.allocated_bytes() + members.bytes
            }
        }
    }

    /// How many allocations freeing it takes.
    pub fn weight(&self) -> usize {
        match &self.0 {
            Inner::Integers(_) => 1,
            Inner::Table(members) => members.table.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn contents(set: &SetValue) -> BTreeSet<Vec<u8>> {
        set.iter().map(Element::to_vec).collect()
    }

    proptest! {
        #[test]
        fn a_set_behaves_like_a_set_in_either_encoding(
            steps in prop::collection::vec(("[0-9]{1,2}|[a-z]{1,2}", any::<bool>()), 1..200),
            integers_max in 0_usize..30,
        ) {
            let encodings = Encodings { set_max_intset_entries: integers_max, ..Encodings::default() };
            let mut set = SetValue::new();
            let mut model = BTreeSet::new();
            for (member, is_added) in steps {
                let member = member.into_bytes();
                if is_added {
                    prop_assert_eq!(set.add(&member, &encodings), model.insert(member.clone()));
                } else {
                    prop_assert_eq!(set.remove(&member), model.remove(&member));
                }
                prop_assert_eq!(set.len(), model.len());
                prop_assert_eq!(set.contains(&member), model.contains(&member));
            }
            prop_assert_eq!(contents(&set), model.clone());
            prop_assert_eq!(contents(&set.clone()), model);
        }
    }

    #[test]
    fn encodings_change_at_the_threshold_and_with_the_first_text() {
        let encodings = Encodings::default();
        let mut set = SetValue::new();
        for number in 0..512_u32 {
            set.add(number.to_string().as_bytes(), &encodings);
        }
        assert_eq!(set.encoding_name(), "intset");
        set.add(b"512", &encodings);
        assert_eq!(set.encoding_name(), "hashtable");
        let mut text = SetValue::new();
        text.add(b"01", &encodings);
        assert_eq!(text.encoding_name(), "hashtable");
    }
}
