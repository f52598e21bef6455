//! `--json`: one object a line, one line a file.

use mettle_checker::Report;
use serde::Serialize;

use super::judged::Judged;

#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    #[serde(flatten)]
    report: &'a Report,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    file: &'a str,
    verdict: &'static str,
    error: Bad<'a>,
}

#[derive(Serialize)]
struct Bad<'a> {
    /// The file inside the folder, if the argument is a folder.
    file: &'a str,
    line: Option<u64>,
    cause: &'a str,
    remedy: &'a str,
}

/// `{"file":…,"verdict":"legal",…}`; for an unreadable file `"verdict":"error"`.
pub(crate) fn line(judged: &Judged) -> String {
    let file = &judged.file[..];
    let json = match &judged.outcome {
        Ok((_, report)) => serde_json::to_string(&Line { file, report }),
        Err(error) => {
            let bad = Bad {
                file: &error.file,
                line: error.line,
                cause: &error.cause,
                remedy: &error.remedy,
            };
            serde_json::to_string(&ErrorLine { file, verdict: "error", error: bad })
        }
    };
    let mut line = json.expect("plain values serialize");
    line.push('\n');
    line
}
