//! Starts one child, gives it a plan, and takes back its answer and the times it used.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use mettle_reports::verdict::Verdict;
use mettle_scenarios::Plan;

use super::Answer;
use crate::error::HarnessError;

/// How much of a failed child's standard error is shown.
const STDERR_LINES: usize = 40;

/// One run to be made.
#[derive(Clone, Debug)]
pub(crate) struct RunJob {
    /// What to run.
    pub(crate) plan: Plan,
    /// Where to write the report, absolute; none is written otherwise.
    pub(crate) report: Option<PathBuf>,
    /// Show the servers' log.
    pub(crate) verbose: bool,
    /// Extra environment.
    pub(crate) env: Vec<(&'static str, OsString)>,
    /// The child's working folder; the parent's when absent.
    pub(crate) folder: Option<PathBuf>,
    /// Let what the child says on standard error through, instead of keeping it for errors.
    pub(crate) loud: bool,
}

impl RunJob {
    /// A quiet run without a report.
    pub(crate) fn new(plan: Plan) -> RunJob {
        let env = Vec::new();
        RunJob { plan, report: None, verbose: false, env, folder: None, loud: false }
    }
}

/// How a child ended.
#[derive(Debug)]
pub(crate) struct RunEnd {
    /// The verdict; or what went wrong with the harness.
    pub(crate) verdict: Result<Verdict, HarnessError>,
    /// What it took.
    pub(crate) cost: Cost,
}

/// What a child's process took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Real time, in seconds.
    pub(crate) wall_seconds: f64,
    /// User and system time of the process, in seconds.
    pub(crate) cpu_seconds: f64,
    /// The most memory it held, in MB.
    pub(crate) peak_mb: f64,
}

/// Runs a job in a process of its own.
pub(crate) fn run(job: &RunJob) -> RunEnd {
    #[allow(clippy::disallowed_methods, reason = "the parent measures real time")]
    let begin = std::time::Instant::now();
    let (verdict, used) = match start(job) {
        Ok(child) => finish(child, job),
        Err(error) => (Err(error), Used::default()),
    };
    let wall_seconds = begin.elapsed().as_secs_f64();
    let Used { cpu_seconds, peak_mb } = used;
    RunEnd { verdict, cost: Cost { wall_seconds, cpu_seconds, peak_mb } }
}

/// This very program, also when another build has taken its place on the disk meanwhile.
fn myself() -> Result<PathBuf, HarnessError> {
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        return Ok(running.to_owned());
    }
    std::env::current_exe().map_err(|cause| HarnessError::NoProgram { cause })
}

fn start(job: &RunJob) -> Result<Child, HarnessError> {
    let mut command = Command::new(myself()?);
    command.arg("child").stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(if job.loud { Stdio::inherit() } else { Stdio::piped() });
    if let Some(report) = &job.report {
        command.arg("--report").arg(report);
    }
    if job.verbose {
        command.arg("--verbose");
    }
    if let Some(folder) = &job.folder {
        command.current_dir(folder);
    }
    // Ctrl-C on a terminal is the parent's.
    command.process_group(0);
    command.envs(job.env.iter().map(|(name, value)| (name, value)));
    command.spawn().map_err(|cause| HarnessError::NoChild { cause })
}

fn finish(mut child: Child, job: &RunJob) -> (Result<Verdict, HarnessError>, Used) {
    let plan = job.plan.print();
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take();
    let mut said = Vec::new();
    // A child that ends before it has read or said everything shows in its exit.
    let complained = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(plan.as_bytes()));
        let complaints = scope.spawn(|| {
            let mut complained = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = stderr.read_to_end(&mut complained);
            }
            complained
        });
        let _ = stdout.read_to_end(&mut said);
        complaints.join().unwrap_or_default()
    });
    let (exit, used) = reap(&child);
    let complained = String::from_utf8_lossy(&complained).into_owned();
    (answer(&said, exit, &complained), used)
}

fn answer(said: &[u8], exit: Exit, complained: &str) -> Result<Verdict, HarnessError> {
    let line = said.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
    match line.map(serde_json::from_slice::<Answer>) {
        Some(Ok(Answer::Judged(verdict))) if exit == Exit::Code(0) => Ok(*verdict),
        Some(Ok(Answer::Harness { reason, trace })) => Err(HarnessError::InChild { reason, trace }),
        _ => Err(HarnessError::Unanswered { exit: exit.to_string(), complaints: tail(complained) }),
    }
}

/// The last lines of what a child complained of.
fn tail(complained: &str) -> Vec<String> {
    let lines: Vec<&str> = complained.lines().collect();
    let last = &lines[lines.len().saturating_sub(STDERR_LINES)..];
    last.iter().map(ToString::to_string).collect()
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Code(i32),
    Signal(i32),
    Lost,
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Exit::Code(0) => f.write_str("ended without an answer"),
            Exit::Code(code) => write!(f, "ended with exit code {code}"),
            Exit::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Exit::Lost => f.write_str("was lost"),
        }
    }
}

/// What a process used.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    cpu_seconds: f64,
    peak_mb: f64,
}

/// Waits for a child and takes its usage, which `std` does not give.
#[allow(unsafe_code, reason = "wait4 is the only way to one child's own CPU time")]
fn reap(child: &Child) -> (Exit, Used) {
    let pid = child.id() as libc::pid_t;
    let mut status = 0;
    // SAFETY: rusage is plain integers, for which all zero bytes are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live locals of the right type; the pid is a child of ours
        // that nobody else waits for.
        let reaped = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
        if reaped == pid {
            break;
        }
        if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
            return (Exit::Lost, Used::default());
        }
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let used = Used {
        cpu_seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        peak_mb: usage.ru_maxrss as f64 / 1024.0,
    };
    let exit = if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    };
    (exit, used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::zombie_processes, reason = "reaping is what is tested")]
    fn a_child_is_reaped_with_its_exit_and_its_times() {
        let child = Command::new("sh").args(["-c", "exit 7"]).spawn().unwrap();
        let (exit, used) = reap(&child);
        assert_eq!(exit, Exit::Code(7));
        assert!(used.peak_mb > 0.0);
        let child = Command::new("sh").args(["-c", "kill -9 $$"]).spawn().unwrap();
        assert_eq!(reap(&child).0, Exit::Signal(9));
    }

    #[test]
    fn a_child_without_an_answer_is_a_harness_error_with_its_last_words() {
        let says = answer(b"", Exit::Code(101), "panicked at x\nindex out of range\n").unwrap_err();
        assert_eq!(
            says.to_string(),
            "the child process ended with exit code 101\n  panicked at x\n  index out of range"
        );
        let line = br#"{"harness":{"reason":"stuck","trace":["a","b"]}}"#;
        let says = answer(line, Exit::Code(0), "").unwrap_err();
        assert_eq!(says.to_string(), "stuck; last events:\n  a\n  b");
    }
}
