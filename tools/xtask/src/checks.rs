//! The rules that a machine can check, one file each; `verify` runs them all.

mod imports;
mod places;
mod shape;
mod unsafety;
mod vocabulary;

use crate::finding::Finding;
use crate::tree::Tree;

/// Every finding, in the order of the files.
pub(crate) fn all(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    imports::check(tree, &mut findings);
    places::check(tree, &mut findings);
    shape::check(tree, &mut findings);
    unsafety::check(tree, &mut findings);
    vocabulary::check(tree, &mut findings);
    findings.sort();
    findings
}
