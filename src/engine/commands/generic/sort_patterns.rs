//! The patterns of SORT's BY and GET: a key, or a field of a hash, with a place for the element.

use holdfast_formats::Element;

use crate::context::ReadContext;
use crate::value::ValueRef;
use crate::values::string::IntegerText;

/// Where to look something up about an element.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// A pattern without a place for the element: no key is meant.
    Nothing,
    /// `before*after`, or `before*after->field`.
    Key {
        before: &'a [u8],
        after: &'a [u8],
        field: Option<&'a [u8]>,
    },
}

impl<'a> Pattern<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        if text == b"#" {
            return Self::Element;
        }
        let Some(star) = text.iter().position(|&byte| byte == b'*') else {
            return Self::Nothing;
        };
        let (before, after) = (&text[..star], &text[star + 1..]);
        let arrow = after.windows(2).position(|pair| pair == b"->");
        match arrow.filter(|&at| at + 2 < after.len()) {
            Some(at) => Self::Key {
                before,
                after: &after[..at],
                field: Some(&after[at + 2..]),
            },
            None => Self::Key {
                before,
                after,
                field: None,
            },
        }
    }

    /// What the keyspace knows of `element`.
    pub(super) fn look_up(self, context: &ReadContext<'_>, element: &[u8]) -> Option<Vec<u8>> {
        let (before, after, field) = match self {
            Self::Element => return Some(element.to_vec()),
            Self::Nothing => return None,
            Self::Key {
                before,
                after,
                field,
            } => (before, after, field),
        };
        let name = [before, element, after].concat();
        match (context.value(context.key(&name))?, field) {
            (ValueRef::String(string), None) => {
                Some(string.bytes(&mut IntegerText::default()).to_vec())
            }
            (ValueRef::Hash(hash), Some(field)) => hash.get(field).map(Element::to_vec),
            _ => None,
        }
    }
}
