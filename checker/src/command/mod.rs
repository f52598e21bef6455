//! The command line: what was asked ([`args`]), one file after another ([`judged`]), and what is
//! said of each ([`page`], [`json`]).

mod args;
mod json;
mod judged;
mod page;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::Args;
use judged::{Exit, Judged};

/// Does what the command line says.
pub(crate) fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::BadInput } else { Exit::Legal }.code();
        }
    };
    let mut worst = Exit::Legal;
    for file in &args.files {
        let judged = Judged::of(file, &args);
        say(&args, &judged);
        worst = worst.max(judged.exit());
    }
    worst.code()
}

/// Prints what one file came to. Nobody may be reading any more; the exit code says it all the same.
fn say(args: &Args, judged: &Judged) {
    if let Err(error) = &judged.outcome {
        let _ = writeln!(std::io::stderr(), "mettle-check: {error}");
    }
    let text = if args.json { json::line(judged) } else { page::page(judged) };
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
