//! Runs goldenscripts of etcdctl commands against a cluster.

use std::error::Error;

use goldenscript::{Argument, Command, Context, Runner};

use super::cluster::Cluster;

/// Every command is etcdctl's own; `flag=value` stands for `--flag=value`. The last word of `txn` is
/// what is typed into it; `watch` ends after `lines=N` lines.
pub(crate) struct Etcdctl<'a>(pub(crate) &'a Cluster);

impl Runner for Etcdctl<'_> {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Result<String, Box<dyn Error>> {
        let mut words = vec![command.name.clone()];
        let mut lines = 0;
        let mut stdin = String::new();
        for argument in &command.args {
            match argument {
                Argument::KeyValue(flag, value) if flag == "lines" => lines = value.parse()?,
                Argument::KeyValue(flag, value) => words.push(format!("--{flag}={value}")),
                Argument::Positional(typed) if command.name == "txn" => stdin.clone_from(typed),
                Argument::Positional(word) => words.push(word.clone()),
                other => return Err(format!("unknown kind of argument {other}").into()),
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let printed = if command.name == "watch" {
            self.0.watch(&words, lines)
        } else {
            self.0.etcdctl(&words, &stdin)
        };
        let printed = without_ids(&printed).replace("\n\n", "\n(empty)\n");
        Ok(format!("$ {}\n{printed}", words.join(" ")))
    }
}

/// JSON output without what differs from cluster to cluster.
fn without_ids(printed: &str) -> String {
    let mut kept = printed.to_owned();
    for field in ["cluster_id", "member_id", "raft_term"] {
        let name = format!("\"{field}\":");
        let mut from = 0;
        while let Some(at) = kept[from..].find(&name) {
            let start = from + at + name.len();
            let digits = kept[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
            kept.replace_range(start..start + digits, "…");
            from = start;
        }
    }
    kept
}
