//! One run of `trunkline simulate calls`, and its exit code.

use super::load::{Counts, place_mix};
use super::options::SimulateCallsOptions;
use super::print::{self, Display};
use super::sampler::Sample;
use super::summary::LoadReport;

/// A call failed, or a threshold was broken.
const BROKEN: i32 = 1;
/// The options are wrong, or the page cannot be written.
const UNUSABLE: i32 = 2;
/// The result says little about the server.
const LIMITED: i32 = 3;

/// Places the calls, shows how it goes, prints the report. Returns the process's
/// exit code: 0 when all is well, 1 when a call failed or a threshold was broken,
/// 2 when the options are wrong or the page cannot be written, 3 when the
/// simulator itself was too slow for what it measured to mean anything. Must run
/// on an actix runtime.
pub async fn run(options: SimulateCallsOptions) -> i32 {
    let (mix, load) = match options.mix().and_then(|mix| Ok((mix, options.load()?))) {
        Ok(both) => both,
        Err(error) => {
            print::error(&error);
            return UNUSABLE;
        }
    };
    let mut display = Display::new(load.calls, options.json);
    let told = |counts: Counts, sample: Option<&Sample>| display.update(counts, sample);
    let mut summary = Box::pin(place_mix(mix, load, told)).await;
    display.finish();
    summary.judge(&options.threshold);
    print::report(&summary, options.json);
    if let Some(path) = &options.html
        && let Err(error) = std::fs::write(path, super::html::page(&summary))
    {
        print::error(&format!("cannot write {}: {error}", path.display()));
        return UNUSABLE;
    }
    exit_code(&summary)
}

fn exit_code(summary: &LoadReport) -> i32 {
    if let Some(why) = &summary.limited {
        print::error(&format!(
            "the result is refused: {why}; use fewer calls, or a faster machine for the simulator"
        ));
        return LIMITED;
    }
    if summary.broken.is_empty() { 0 } else { BROKEN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_result_exits_with_three_even_where_a_limit_was_broken() {
        let mut summary = LoadReport::default();
        assert_eq!(exit_code(&summary), 0);
        summary.broken.push("max_failed=0, but it is 1".to_owned());
        assert_eq!(exit_code(&summary), 1);
        summary.limited = Some("late".to_owned());
        assert_eq!(exit_code(&summary), 3);
    }
}
