//! `mettled`: the server as a program of the real world.

#[cfg(not(madsim))]
fn main() -> std::process::ExitCode {
    real::main()
}

#[cfg(madsim)]
#[allow(clippy::print_stderr, reason = "the one sentence this build has to say")]
fn main() {
    eprintln!("mettled is built for the simulator here: build it without --cfg madsim");
    std::process::exit(4);
}

#[cfg(not(madsim))]
mod real {
    //! Flags, logs, runtime and signals.

    use std::io::IsTerminal;
    use std::process::ExitCode;

    use clap::Parser;
    use mettle_server::flags::{Flags, LogFormat, LogLevel};
    use mettle_server::platform::real;
    use mettle_server::server;
    use real_tokio::signal::unix::{SignalKind, signal};
    use tracing::level_filters::LevelFilter;

    /// Exit code for anything that stops the server but a signal: usage, input, or what it cannot trust.
    const EXIT_FAILED: u8 = 4;

    pub(super) fn main() -> ExitCode {
        let flags = match Flags::try_parse() {
            Ok(flags) => flags,
            Err(error) => {
                let _ = error.print();
                return if error.use_stderr() { EXIT_FAILED.into() } else { ExitCode::SUCCESS };
            }
        };
        log(&flags);
        end_on_panic();
        let config = match flags.config() {
            Ok(config) => config,
            Err(error) => return fail(&error.to_string()),
        };
        let data_dir = flags.data_dir();
        let platform = match real::platform(&data_dir) {
            Ok(platform) => platform,
            Err(error) => {
                return fail(&format!("data directory {}: {error}", data_dir.display()));
            }
        };
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return fail(&format!("start the runtime: {error}")),
        };
        tracing::info!(name = config.name, data_dir = %data_dir.display(), "starting");
        let ended = runtime.block_on(async { server::run(config, platform, stopped()).await });
        // Tasks that still hold files are not waited for: what matters is durable.
        runtime.shutdown_background();
        match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.to_string()),
        }
    }

    /// A panic ends the process: whatever the panicking task held, nobody shall go on without it.
    ///
    /// But for one of redb on a damaged page, which becomes an error of the state.
    fn end_on_panic() {
        let say = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if mettle_server::mvcc::panics_are_caught() {
                tracing::error!("redb cannot read a page: {panic}");
                return;
            }
            say(panic);
            tracing::error!("a panic ends the member: {panic}");
            std::process::abort();
        }));
    }

    fn fail(why: &str) -> ExitCode {
        tracing::error!("{why}");
        ExitCode::from(EXIT_FAILED)
    }

    async fn stopped() {
        let (Ok(mut term), Ok(mut int)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }

    fn log(flags: &Flags) {
        let level = match flags.log_level {
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Error | LogLevel::Panic | LogLevel::Fatal => LevelFilter::ERROR,
        };
        let terminal = std::io::stderr().is_terminal();
        let builder = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::stderr)
            .with_ansi(terminal);
        let console = if terminal { LogFormat::Console } else { LogFormat::Json };
        match flags.log_format.unwrap_or(console) {
            LogFormat::Json => builder.json().flatten_event(true).init(),
            LogFormat::Console => builder.init(),
        }
    }
}
