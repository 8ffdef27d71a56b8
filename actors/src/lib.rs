//! The actor tree: one supervised actor per call, its children, and the node-wide services.
