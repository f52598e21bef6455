//! `mettle-sim`, run as `cargo sim …`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mettle_sim::cli::main()
}
