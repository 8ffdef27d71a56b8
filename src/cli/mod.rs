//! The commands of `trunkline`, one file each.

pub mod check;
pub mod check_report;
