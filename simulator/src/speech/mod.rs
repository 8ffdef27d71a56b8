//! Speech without a speech engine: a voice that is synthesised from text, marks
//! that say which frame of which response is heard, and ears that know a
//! recording again by its loudness contour.

pub mod alaw;
pub mod fingerprint;
pub mod level;
pub mod offline;
pub mod spelling;
pub mod synth;
pub mod watermark;
