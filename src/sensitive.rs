//! Which arguments of a command are secrets: the slow log and MONITOR show `(redacted)`
//! in their place.

/// What stands in the place of a secret.
pub const REDACTED: &[u8] = b"(redacted)";

/// Options whose values are secrets, as `CONFIG SET` names them.
const SECRET_OPTIONS: [&[u8]; 5] = [
    b"masterauth",
    b"masteruser",
    b"requirepass",
    b"tls-client-key-file-pass",
    b"tls-key-file-pass",
];

/// Whether the argument at `at` of a command line is a secret.
pub fn is_secret(arguments: &[&[u8]], at: usize) -> bool {
    let word = |at: usize| arguments.get(at).copied().unwrap_or_default();
    let is = |at: usize, wanted: &[u8]| word(at).eq_ignore_ascii_case(wanted);
    if at == 0 {
        return false;
    }
    if is(0, b"auth") {
        return true;
    }
    if is(0, b"acl") {
        let hides_all = is(1, b"setuser") || is(1, b"deluser");
        return at >= 2 && (hides_all || is(1, b"getuser") && at == 2);
    }
    if is(0, b"config") && is(1, b"set") {
        // Names and values take turns from the third word on.
        let is_value = at >= 3 && at % 2 == 1;
        return is_value
            && SECRET_OPTIONS
                .iter()
                .any(|option| word(at - 1).eq_ignore_ascii_case(option));
    }
    if is(0, b"hello") {
        return follows(arguments, at, b"auth", 2, 2);
    }
    if is(0, b"migrate") {
        return follows(arguments, at, b"auth", 6, 1) || follows(arguments, at, b"auth2", 6, 2);
    }
    false
}

/// Whether `at` is among the `count` arguments behind `word`, which stands at `from` or later.
fn follows(arguments: &[&[u8]], at: usize, word: &[u8], from: usize, count: usize) -> bool {
    (1..=count).any(|distance| {
        at >= from + distance
            && arguments
                .get(at - distance)
                .is_some_and(|found| found.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_and_nothing_else_is() {
        for (line, want) in [
            ("auth user password", "auth ? ?"),
            (
                "HELLO 3 AUTH user password SETNAME me",
                "HELLO 3 AUTH ? ? SETNAME me",
            ),
            (
                "config set port 1 requirepass s",
                "config set port 1 requirepass ?",
            ),
            ("config set masterauth", "config set masterauth"),
            ("acl setuser a >b", "acl setuser ? ?"),
            ("acl list", "acl list"),
            ("migrate h 1 k 0 5 AUTH p", "migrate h 1 k 0 5 AUTH ?"),
            ("migrate h 1 k 0 5 AUTH2 u p", "migrate h 1 k 0 5 AUTH2 ? ?"),
            ("migrate h 1 auth 0 5", "migrate h 1 auth 0 5"),
            ("set auth b", "set auth b"),
        ] {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let shown: Vec<_> = line
                .split(' ')
                .enumerate()
                .map(|(at, word)| if is_secret(&words, at) { "?" } else { word })
                .collect();
            assert_eq!(shown.join(" "), want);
        }
    }
}
