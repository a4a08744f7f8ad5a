//! Writes elements of collections into replies.

use holdfast_formats::{DecimalBuffer, Element};
use holdfast_resp::Reply;

/// Writes an element as a bulk string.
pub(crate) fn write_element(reply: &mut Reply, element: Element<'_>) {
    reply.bulk(element.to_bytes(&mut DecimalBuffer::new()));
}
