//! `math.random` and `math.randomseed`: the 48-bit congruential generator of drand48, which Redis uses,
//! so that a seed gives the same numbers everywhere.

use std::cell::Cell;
use std::rc::Rc;

use mlua::{Lua, MultiValue, Table, Value};

use super::native::{self, Problem, text};

const MASK: u64 = (1 << 48) - 1;
const FACTOR: u64 = 0x5_deec_e66d;
const STEP: u64 = 0xb;
/// Where the generator begins that nobody seeded.
const UNSEEDED: u64 = 0x1234_abcd_330e;
const LARGEST: f64 = 2_147_483_647.0;

/// Puts the functions into the prelude's table.
pub(super) fn register(lua: &Lua, into: &Table) -> mlua::Result<()> {
    let state = Rc::new(Cell::new(UNSEEDED));
    let seeded = Rc::clone(&state);
    let random = move |_: &Lua, arguments: MultiValue| random(&state, &arguments);
    into.raw_set("random", native::function(lua, random)?)?;
    let seed = move |_: &Lua, seed: f64| {
        // The low 32 bits, as C's conversion of a number to an int gives.
        let low = (seed as i64).cast_unsigned() & 0xffff_ffff;
        seeded.set((low << 16) + 0x330e);
        Ok(())
    };
    into.raw_set("randomseed", native::function(lua, seed)?)
}

fn next(state: &Cell<u64>) -> f64 {
    let stepped = state.get().wrapping_mul(FACTOR).wrapping_add(STEP) & MASK;
    state.set(stepped);
    let number = (stepped >> 17) as f64;
    number % LARGEST / LARGEST
}

fn random(state: &Cell<u64>, arguments: &MultiValue) -> Result<f64, Problem> {
    let share = next(state);
    let mut bounds = Vec::new();
    for (index, value) in arguments.iter().enumerate() {
        let bound = match value {
            Value::Integer(number) => Some(*number as f64),
            Value::Number(number) => Some(number.trunc()),
            Value::String(text) => text.to_str().ok().and_then(|text| text.trim().parse().ok()),
            _ => None,
        };
        match bound {
            Some(bound) => bounds.push(bound),
            None => {
                let kind = value.type_name();
                return text(format!(
                    "bad argument #{} to 'random' (number expected, got {kind})",
                    index + 1
                ));
            }
        }
    }
    match *bounds.as_slice() {
        [] => Ok(share),
        [upper] if upper >= 1.0 => Ok((share * upper).floor() + 1.0),
        [_] => text("bad argument #1 to 'random' (interval is empty)"),
        [lower, upper] if lower <= upper => Ok((share * (upper - lower + 1.0)).floor() + lower),
        [_, _] => text("bad argument #2 to 'random' (interval is empty)"),
        _ => text("wrong number of arguments"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_redis() {
        let state = Cell::new(UNSEEDED);
        let upper = MultiValue::from_iter([Value::Integer(100)]);
        let drawn: Vec<_> = (0..3)
            .map(|_| random(&state, &upper).unwrap_or(0.0))
            .collect();
        assert_eq!(drawn, [40.0, 85.0, 36.0]);
    }
}
