//! How much of everything a tenant's calls may have.

use serde::{Deserialize, Serialize};

use crate::block_list::BlockList;

/// Caps and clocks of a tenant's calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Calls at once; 0 is no cap.
    pub concurrent_calls: u32,
    /// Calls of one number within an hour; 0 is no limit.
    #[serde(default)]
    pub calls_per_number_per_hour: u32,
    /// Calls within an hour; 0 is no limit.
    #[serde(default)]
    pub calls_per_hour: u32,
    /// Callers who are turned away, everybody's list included. They are no part of a
    /// call that was taken, so no recording of one names them.
    #[serde(default, skip_serializing)]
    pub blocked_numbers: BlockList,
    /// What the call over the cap gets.
    pub over_cap: OverCap,
    /// Longest call, in milliseconds; 0 is no limit.
    pub max_call_duration_ms: u64,
    /// Most caller turns in one call; 0 is no limit.
    pub max_turns: u32,
    /// From the stream's start until the model must have shown life, in milliseconds.
    pub watchdog_ms: u64,
    /// Longest a hang-up waits for the last words to be played, in milliseconds.
    pub farewell_timeout_ms: u64,
    /// How long a tool may run before a filler is spoken, in milliseconds.
    pub slow_tool_ms: u64,
    /// How long a tool may run at all, in milliseconds.
    pub tool_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent_calls: 5,
            calls_per_number_per_hour: 10,
            calls_per_hour: 100,
            blocked_numbers: BlockList::default(),
            over_cap: OverCap::Busy,
            max_call_duration_ms: 600_000,
            max_turns: 20,
            watchdog_ms: 3_000,
            farewell_timeout_ms: 8_000,
            slow_tool_ms: 1_200,
            tool_timeout_ms: 15_000,
        }
    }
}

/// What the call over the cap gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverCap {
    /// "All lines are busy", then the carrier hangs up.
    Busy,
    /// The human number.
    Human,
}
