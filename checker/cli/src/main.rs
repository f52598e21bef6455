//! `mettle-check FILE...`: judges recorded histories; see [`command`].

mod command;

fn main() -> std::process::ExitCode {
    command::run()
}
