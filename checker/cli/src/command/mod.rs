//! The command line: arguments ([`args`]), one file after another ([`judged`]), the output for each
//! file ([`page`], [`json`]) and for all files ([`junit`]). Or one growing file ([`follow`]), or
//! one file in another form ([`export`]).

mod args;
mod export;
mod follow;
mod json;
mod judged;
mod junit;
mod page;
mod progress;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use mettle_check::import;

use args::Args;
use export::Form;
use judged::{Exit, Judged};
use junit::Junit;
use progress::Progress;

/// Runs the command line.
pub(crate) fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::BadInput } else { Exit::Legal }.code();
        }
    };
    if args.follow {
        return follow::follow(&args).code();
    }
    match args.export() {
        Ok(None) => judge_all(&args),
        Ok(Some((form, to))) => export_one(&args, form, to),
        Err(usage) => {
            complain(&format!("{usage}; see --help"));
            Exit::BadInput
        }
    }
    .code()
}

fn export_one(args: &Args, form: Form, to: &Path) -> Exit {
    let file = &args.files[0];
    let read = import::read(file, args.format(), args.limits());
    let history = match read.and_then(|input| export::history(file, input)) {
        Ok(history) => history,
        Err(error) => {
            complain(&error.to_string());
            return Exit::BadInput;
        }
    };
    match export::export(&history, form, to) {
        Ok(left) => {
            if !left.is_empty() {
                complain(&format!("{}: left out: {left}", to.display()));
            }
            Exit::Legal
        }
        Err(error) => {
            complain(&error.to_string());
            Exit::BadInput
        }
    }
}

fn judge_all(args: &Args) -> Exit {
    if args.html.is_some() && args.files.len() > 1 {
        complain("--html shows one history; see --help");
        return Exit::BadInput;
    }
    let mut worst = Exit::Legal;
    let mut junit = Junit::default();
    for (place, path) in args.files.iter().enumerate() {
        let name = path.display().to_string();
        let progress = Progress::new(&name, place + 1, args.files.len());
        let judged = Judged::of(path, args, &progress);
        drop(progress);
        say(args, &judged);
        if let (Some(path), Ok((input, report))) = (&args.html, &judged.outcome) {
            match mettle_check::page::page(&judged.file, input, report, args.options().memory_bytes)
            {
                Ok(page) => worst = worst.max(written(path, std::fs::write(path, page))),
                Err(needed) => complain(&args.no_page(path, needed)),
            }
        }
        junit.add(&judged);
        worst = worst.max(judged.exit());
    }
    if let Some(path) = &args.junit {
        worst = worst.max(written(path, std::fs::write(path, junit.document())));
    }
    worst
}

/// Prints the result for one file. A closed pipe is no error: the exit code carries the verdict
/// too.
fn say(args: &Args, judged: &Judged) {
    if let Err(error) = &judged.outcome {
        complain(&error.to_string());
    }
    let text = if args.json { json::line(judged) } else { page::page(judged) };
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The exit code after an output file was written or failed.
fn written(path: &Path, done: io::Result<()>) -> Exit {
    match done {
        Ok(()) => Exit::Legal,
        Err(error) => {
            complain(&format!("{}: cannot be written: {error}; check the path", path.display()));
            Exit::BadInput
        }
    }
}

fn complain(what: &str) {
    let _ = writeln!(io::stderr(), "mettle-check: {what}");
}
