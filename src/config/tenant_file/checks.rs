//! Whether the keys of a tenant's file suit each other.

use trunkline_core::tenant::{Mode, OverCap, Tenant, Turns};
use trunkline_core::tools::{Toolbox, UnknownTool};

use crate::config::section::Section;
use crate::config::suggest::did_you_mean;

/// Whether the tools exist, and suit the tenant.
pub(super) fn tools(section: &mut Section<'_>, tenant: &mut Tenant) {
    let toolbox = loop {
        match Toolbox::for_tenant(tenant) {
            Ok(toolbox) => break toolbox,
            Err(UnknownTool { name, known }) => {
                section.error(
                    "tools",
                    format!("there is no tool {name:?}"),
                    did_you_mean(&name, &known),
                );
                tenant.tools.retain(|tool| *tool != name);
            }
        }
    };
    let offered = toolbox.names();
    for name in tenant.tools.iter().filter(|name| !offered.contains(&name.as_str())) {
        section.warning(
            "tools",
            format!("{name} is not offered to callers, as the tenant lacks what it needs"),
            "remove it, or add what it needs (a transfer needs human_number)",
        );
    }
}

/// Whether there is somebody to decide when a turn ends: a pipeline's services
/// only report speech.
pub(super) fn turns(section: &mut Section<'_>, tenant: &Tenant) {
    let pipeline = tenant.mode == Mode::Pipeline || tenant.pipeline.takes_over;
    if pipeline && tenant.turns == Turns::Model {
        section.error(
            "turns",
            "is \"model\", and no service of a pipeline decides when a turn ends",
            "write turns = \"ours\", or remove the line",
        );
    }
}

/// Whether callers who are recorded are told.
pub(super) fn recording(section: &mut Section<'_>, tenant: &Tenant) {
    if tenant.recording.enabled && tenant.consent.is_none() {
        section.warning(
            "consent",
            "is missing, and calls are recorded, so callers are not told",
            "add consent = \"This call may be recorded.\"",
        );
    }
}

/// Whether whoever needs a human reaches one. `chosen` is whether the file
/// names one, or says properly that there is none.
pub(super) fn human(section: &mut Section<'_>, tenant: &Tenant, chosen: bool) {
    const FIX: &str = "add human_number = \"+…\"";
    let Some(human) = &tenant.human_number else {
        // A number that was written wrongly has been complained of.
        if section.has("human_number") && !chosen {
            return;
        }
        if tenant.mode == Mode::Bridge {
            section.error(
                "human_number",
                "is missing, and mode = \"bridge\" sends every call there",
                FIX,
            );
        } else if tenant.limits.over_cap == OverCap::Human {
            section.error(
                "human_number",
                "is missing, and over_cap = \"human\" sends calls there",
                FIX,
            );
        } else if !chosen {
            section.warning(
                "human_number",
                "is missing, so a call that fails ends with an apology",
                format!("{FIX}, or \"none\" if that is meant"),
            );
        }
        return;
    };
    if tenant.numbers.contains(human) {
        section.error(
            "human_number",
            "is one of the tenant's own numbers, so a transfer would come back",
            "write the number of a person's phone",
        );
    }
}
