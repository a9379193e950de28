//! Starts `papr`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // SAFETY: the first line of the program: there is no other thread yet that could read the environment.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("ORT_DISABLE_TELEMETRY", "1");
    }
    if let Some(code) = papr_engine::serve() {
        return code;
    }
    papr_cli::main(std::env::args_os())
}
