//! What modules saved: rows of opcodes and values that can be passed over without the module.
//!
//! Called for type code 7, module AUX fields and key metadata. Always holds: the copy that is
//! handed over means the same as what stood in the file; strings in it are plain, lengths shortest.

use std::io::Read;

use super::codes::module_opcode;
use super::input::Input;
use super::output::{put_length, put_plain_string};
use crate::error::FormatError;

/// Reads up to and including the end mark, and gives a copy.
pub(super) fn read_values<R: Read>(input: &mut Input<R>) -> Result<Vec<u8>, FormatError> {
    let mut copy = Vec::new();
    let mut text = Vec::new();
    loop {
        let code = input.length()?;
        put_length(&mut copy, code);
        match code {
            module_opcode::END => return Ok(copy),
            module_opcode::SIGNED | module_opcode::UNSIGNED => {
                put_length(&mut copy, input.length()?);
            }
            module_opcode::FLOAT => copy.extend(input.array::<4>()?),
            module_opcode::DOUBLE => copy.extend(input.array::<8>()?),
            module_opcode::STRING => {
                input.string(&mut text)?;
                put_plain_string(&mut copy, &text);
            }
            _ => return Err(input.corrupt("an unknown opcode in a module's value")),
        }
    }
}
