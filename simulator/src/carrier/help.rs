//! What `trunkline simulate calls --help` says below the options.

use std::fmt::Write as _;

use super::threshold;

const STEPS: &str = "\
Steps of a script, one a line; of a --story, between semicolons:
  wait 2s, hold 30               stay silent that long; also 800ms, 1.5s
  wait greeting                  until the agent has spoken and been quiet for 600 ms
  wait reply                     the same, of speech since the caller's last step
  wait quiet 800ms               until the agent has been quiet that long
  wait speaking 2s               until the agent has been speaking that long
  play FILE.wav, say TEXT        send a recording; of TEXT, the one in --utterances
  press 12#                      keys
  hangup                         the caller hangs up
  expect hangup|dial NUMBER|text WORDS [within 10s], expect refused
                                 what the server must do, else the call has failed
 and what a broken carrier or caller does:
  no-stream                      the caller is gone before the stream is opened
  never-start                    the stream is opened, its start never sent
  drop                           the stream's connection is reset
  stall                          nothing more is sent on the stream
  garbage                        malformed messages
  forge                          every request bears a wrong signature
";

const EXAMPLES: &str = "\
Examples:
  The relay under 500 calls that are all live together for 20 s, beside
  `trunkline simulate providers --echo`, with limits:
    trunkline simulate calls --echo --pattern ramp --calls 500 --rate 50 --hold 20 \\
      --server-pid PID --html load.html --threshold p99_round_trip_ms=100,lost_frames=0
  Ten thousand short calls in a row, a third of them lost or refused:
    trunkline simulate calls --calls 10000 --rate 150 --concurrency 500 --server-pid PID \\
      --story 'wait 200ms; hangup:14' --story no-stream:2 --story never-start:1 \\
      --story 'wait 100ms; drop:2' --story 'forge; expect refused:2' \\
      --threshold memory_kib_per_1000_calls=400
";

const EXIT_CODES: &str = "\
Exit codes:
  0  every call was good, and every threshold held
  1  a call failed (unless max_failed allows it), or a threshold was broken
  2  an option is wrong, or a file cannot be read or written
  3  the simulator itself was late: the result says little about the server, and is
     refused
";

/// The text, which ends with a line's end.
pub(super) fn text() -> String {
    let mut text = String::from(
        "Thresholds. What was not measured in a run keeps no limit that is set on it:\n",
    );
    for (name, meaning) in threshold::measures() {
        // Writing to a String cannot fail.
        writeln!(text, "  {name:<28} {meaning}").unwrap_or_default();
    }
    for part in [STEPS, EXAMPLES, EXIT_CODES] {
        text.push('\n');
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::script::parse;
    use super::*;

    #[test]
    fn every_step_that_the_parser_knows_is_explained() {
        // The parser's own complaint names all steps.
        let complaint = parse("sing").err().map(|error| error.to_string()).unwrap_or_default();
        let names = complaint.split_once("there are ").map_or("", |(_, names)| names);
        let names: Vec<_> = names.split([',', ' ']).filter(|name| !name.is_empty()).collect();
        assert!(names.len() > 10, "{complaint}");
        for name in names.iter().filter(|name| **name != "and") {
            assert!(STEPS.contains(name), "{name} is not explained");
        }
    }
}
