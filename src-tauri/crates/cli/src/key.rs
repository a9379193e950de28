//! Where `papr login` gets its key from: a prompt that shows nothing, or standard input. Never an argument.

use std::io::{self, BufRead, Read};

use papr_ipc::Typed;

use crate::output::{Failure, Output};

/// The variable that a key may come from.
pub(crate) const KEY_VARIABLE: &str = "PAPR_MEMORY_API_KEY";

/// Far longer than any key.
const LONGEST: u64 = 8_192;

/// Whether it holds one.
pub(crate) fn is_in_environment() -> bool {
    std::env::var_os(KEY_VARIABLE).is_some_and(|key| !key.is_empty())
}

/// Refuses what a key must not come from.
pub(crate) fn check_source(argument: &[String]) -> Result<(), Failure> {
    if !argument.is_empty() {
        return Err(Failure::Usage(
            "a key is never given as an argument: every program on this machine could read it there, and the \
             shell's history keeps it. Run `papr login` and paste it, or pipe it in: `papr login < file`. The one \
             that was given is best replaced by a new one"
                .to_owned(),
        ));
    }
    if is_in_environment() {
        return Err(Failure::Usage(format!(
            "{KEY_VARIABLE} is set, and its key is used by every command without signing in. Unset it to sign in \
             with another one"
        )));
    }
    Ok(())
}

/// Asks for the key at a terminal; otherwise reads the first line of standard input.
pub(crate) fn read(output: &Output) -> Result<Typed, Failure> {
    if output.around().input_is_terminal {
        return ask(output);
    }
    let mut key = String::new();
    output.input().take(LONGEST).read_line(&mut key).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Failure::Usage("standard input is not text".to_owned()),
        _ => Failure::Usage(format!("the key cannot be read from standard input: {error}")),
    })?;
    let key = Typed::new(key);
    if key.expose().trim().is_empty() {
        return Err(Failure::Usage(
            "there is no key on standard input: pipe it in as one line, or run `papr login` at a terminal"
                .to_owned(),
        ));
    }
    Ok(key)
}

fn ask(output: &Output) -> Result<Typed, Failure> {
    let asked = output.secret("Papr key, from your dashboard (not shown while you paste it): ");
    asked.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::Usage("there is no terminal to ask for the key on: pipe it in as one line".to_owned())
        }
        io::ErrorKind::UnexpectedEof => Failure::Interrupted,
        _ => error.into(),
    })
}
