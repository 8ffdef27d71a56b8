//! The Lua scripts. Each is one step for Redis, and each begins with the same
//! words.

use std::sync::LazyLock;

use redis::Script;

macro_rules! script {
    ($(#[$doc:meta])* $name:ident, $file:literal) => {
        $(#[$doc])*
        pub(crate) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(include_str!("lua/prelude.lua"), include_str!($file)))
        });
    };
}

script!(
    /// Counts a call and takes its slot.
    ADMIT,
    "lua/admit.lua"
);
script!(
    /// Uses a token.
    CLAIM,
    "lua/claim.lua"
);
script!(
    /// Gives a slot back.
    RELEASE,
    "lua/release.lua"
);
script!(
    /// Closes a reservation.
    FORGET,
    "lua/forget.lua"
);
script!(
    /// Counts one in a window.
    COUNT,
    "lua/count.lua"
);
script!(
    /// Says that the node lives and what it holds.
    BEAT,
    "lua/beat.lua"
);
script!(
    /// Lists the live calls.
    LIVE,
    "lua/live.lua"
);
script!(
    /// Finds a call's node.
    OWNER,
    "lua/owner.lua"
);
script!(
    /// Says goodbye.
    LEAVE,
    "lua/leave.lua"
);
