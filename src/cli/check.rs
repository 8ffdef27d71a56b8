//! `trunkline check`: is the configuration good, and what would a call do?

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check_report::{Report, Verdict};
use crate::config::{self, Configuration, Disk, Environment, Files, Problems};

/// What `trunkline check` is told.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CheckArgs {
    /// The settings file; else TRUNKLINE_CONFIG, else config/trunkline.toml.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Checks the configuration of this process and prints what it finds. Returns
/// the exit code: 0 when the server would start, else 1.
#[must_use]
pub fn run(args: CheckArgs) -> i32 {
    let report = report(args.config.as_deref(), &Environment::of_process(), Arc::new(Disk));
    let mut out = io::stdout().lock();
    let written =
        if args.json { write_json(&report, &mut out) } else { write_text(&report, &mut out) };
    // A reader that closed the pipe early has read enough.
    let broken =
        written.and_then(|()| out.flush()).is_err_and(|e| e.kind() != io::ErrorKind::BrokenPipe);
    i32::from(!report.ok || broken)
}

/// What there is to say about a configuration.
#[must_use]
pub fn report(config: Option<&Path>, env: &Environment, files: Arc<dyn Files>) -> Report {
    match config::load(config, env, files) {
        Err(problems) => Report::bad(problems),
        Ok(Configuration { settings, book, warnings, .. }) => {
            Report::good(&settings, &book.current(), warnings, env)
        }
    }
}

/// Writes a report as one JSON object.
///
/// # Errors
/// When `out` takes no more.
pub fn write_json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

/// Writes a report for a person.
///
/// # Errors
/// When `out` takes no more.
pub fn write_text(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write_problems(&report.problems, out)?;
    let Some(verdict) = &report.verdict else {
        return Ok(());
    };
    write_calls(verdict, out)?;
    writeln!(out, "\nCredentials")?;
    for credential in &verdict.credentials {
        writeln!(out, "  {:<30} {}", credential.name, credential.state)?;
    }
    writeln!(out, "\nFor the number's page in the Twilio console")?;
    for webhook in &verdict.webhooks {
        writeln!(out, "  {:<30} HTTP POST  {}", webhook.field, webhook.url)?;
    }
    writeln!(out, "\nThe configuration is good.")
}

fn write_problems(problems: &Problems, out: &mut dyn Write) -> io::Result<()> {
    for problem in problems.iter() {
        writeln!(out, "{problem}")?;
    }
    let (errors, all) = (problems.errors(), problems.len());
    if all == 0 {
        return Ok(());
    }
    let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    writeln!(out, "\n{}, {}\n", count(errors, "error"), count(all - errors, "warning"))
}

fn write_calls(verdict: &Verdict, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "What a call would do")?;
    let rows: Vec<[&str; 4]> = std::iter::once(["number", "tenant", "persona", "mode"])
        .chain(verdict.calls.iter().map(|c| [c.number.as_str(), &c.tenant, &c.persona, &c.mode]))
        .collect();
    let widths = rows.iter().fold([0; 4], |widths: [usize; 4], row| {
        let lengths = row.map(|cell| cell.chars().count());
        std::array::from_fn(|i| widths.get(i).copied().max(lengths.get(i).copied()).unwrap_or(0))
    });
    let says = std::iter::once("what happens")
        .chain(verdict.calls.iter().map(|c| c.what_happens.as_str()));
    for ([number, tenant, persona, mode], says) in rows.iter().zip(says) {
        let [w0, w1, w2, w3] = widths;
        writeln!(out, "  {number:<w0$}  {tenant:<w1$}  {persona:<w2$}  {mode:<w3$}  {says}")?;
    }
    Ok(())
}
