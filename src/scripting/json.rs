//! The `cjson` library: JSON, nested at most so deep, with the switches of lua-cjson.
//!
//! - `writer` values to text · `reader` text to values

mod reader;
mod writer;

use std::cell::RefCell;
use std::rc::Rc;

use mlua::{Lua, String as LuaString, Table, Value};

use super::native::{self, Problem, text};

/// The deepest nesting that a script may ask for: beyond it our own stack would be at risk.
const DEPTH_LIMIT: usize = 1000;

/// What a script has switched.
#[derive(Clone, Copy, Debug)]
struct Switches {
    encode_depth_max: usize,
    decode_depth_max: usize,
    precision: usize,
    keeps_buffer: bool,
    /// Arrays with holes: whether they become objects, and from which ratio and size on.
    sparse: (bool, usize, usize),
    encode_invalid: Invalid,
    decode_invalid: Invalid,
}

/// What becomes of numbers that JSON does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Invalid {
    Refused,
    Written,
    Null,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            encode_depth_max: DEPTH_LIMIT,
            decode_depth_max: DEPTH_LIMIT,
            precision: 14,
            keeps_buffer: true,
            sparse: (false, 2, 10),
            encode_invalid: Invalid::Refused,
            decode_invalid: Invalid::Written,
        }
    }
}

type Shared = Rc<RefCell<Switches>>;

/// Makes a table of the library's functions, with switches of its own.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    library.raw_set("_NAME", "cjson")?;
    library.raw_set("_VERSION", "2.1.0")?;
    library.raw_set("null", Value::NULL)?;
    let shared = Shared::default();
    let switches = Rc::clone(&shared);
    let encode = move |lua: &Lua, value: Value| {
        let switches = *switches.borrow();
        let json = writer::write(lua, &value, &switches)?;
        Ok::<_, Problem>(lua.create_string(&json)?)
    };
    library.raw_set("encode", native::function(lua, encode)?)?;
    let switches = Rc::clone(&shared);
    let decode = move |lua: &Lua, json: LuaString| {
        let switches = *switches.borrow();
        reader::read(lua, &json.as_bytes(), &switches)
    };
    library.raw_set("decode", native::function(lua, decode)?)?;
    sizes(lua, &library, &shared)?;
    choices(lua, &library, &shared)?;
    Ok(library)
}

/// The switches that are numbers.
fn sizes(lua: &Lua, library: &Table, shared: &Shared) -> mlua::Result<()> {
    type Place = fn(&mut Switches) -> &mut usize;
    let all: [(&str, usize, Place); 3] = [
        ("encode_max_depth", DEPTH_LIMIT, |all| {
            &mut all.encode_depth_max
        }),
        ("decode_max_depth", DEPTH_LIMIT, |all| {
            &mut all.decode_depth_max
        }),
        ("encode_number_precision", 16, |all| &mut all.precision),
    ];
    for (name, largest, place) in all {
        let shared = Rc::clone(shared);
        let set = move |_: &Lua, wanted: Option<f64>| {
            let mut switches = shared.borrow_mut();
            let value = place(&mut switches);
            if let Some(wanted) = wanted {
                *value = whole(wanted, 1, largest)?;
            }
            Ok(*value as f64)
        };
        library.raw_set(name, native::function(lua, set)?)?;
    }
    Ok(())
}

fn whole(number: f64, least: usize, largest: usize) -> Result<usize, Problem> {
    if number >= least as f64 && number <= largest as f64 {
        Ok(number as usize)
    } else {
        text(format!(
            "bad argument #1 (expected integer between {least} and {largest})"
        ))
    }
}

/// The switches that are words.
fn choices(lua: &Lua, library: &Table, shared: &Shared) -> mlua::Result<()> {
    type Place = fn(&mut Switches) -> &mut Invalid;
    let all: [(&str, Place); 2] = [
        ("encode_invalid_numbers", |all| &mut all.encode_invalid),
        ("decode_invalid_numbers", |all| &mut all.decode_invalid),
    ];
    for (name, place) in all {
        let shared = Rc::clone(shared);
        let set = move |_: &Lua, wanted: Option<Value>| {
            let mut switches = shared.borrow_mut();
            let value = place(&mut switches);
            match wanted {
                None | Some(Value::Nil) => {}
                Some(Value::Boolean(false)) => *value = Invalid::Refused,
                Some(Value::Boolean(true)) => *value = Invalid::Written,
                Some(Value::String(word)) if &*word.as_bytes() == b"null" => *value = Invalid::Null,
                Some(_) => return text("bad argument #1 (invalid option)"),
            }
            Ok(*value != Invalid::Refused)
        };
        library.raw_set(name, native::function(lua, set)?)?;
    }
    let keeping = Rc::clone(shared);
    let keep = move |_: &Lua, wanted: Option<bool>| {
        let mut switches = keeping.borrow_mut();
        switches.keeps_buffer = wanted.unwrap_or(switches.keeps_buffer);
        Ok(switches.keeps_buffer)
    };
    library.raw_set("encode_keep_buffer", native::function(lua, keep)?)?;
    let sparse = Rc::clone(shared);
    let set = move |_: &Lua, (convert, ratio, safe): (Option<bool>, Option<f64>, Option<f64>)| {
        const LARGEST: usize = i32::MAX as usize;
        let place = &mut sparse.borrow_mut().sparse;
        place.0 = convert.unwrap_or(place.0);
        if let Some(ratio) = ratio {
            place.1 = whole(ratio, 0, LARGEST)?;
        }
        if let Some(safe) = safe {
            place.2 = whole(safe, 0, LARGEST)?;
        }
        Ok((place.0, place.1 as f64, place.2 as f64))
    };
    library.raw_set("encode_sparse_array", native::function(lua, set)?)
}
