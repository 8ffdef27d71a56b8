//! The tools that one tenant's calls may use.

use std::fmt;

use super::{ALL, Prepared, Tool, ToolContext, ToolError};
use crate::tenant::Tenant;
use crate::wire::realtime::ToolSpec;

/// Longest part of a wrong name that is kept, in characters: a provider's own
/// limit for names.
const MAX_NAME_CHARS: usize = 64;

/// A tenant's tools: those that its file allows and that suit it.
#[derive(Clone)]
pub struct Toolbox {
    tools: Vec<&'static dyn Tool>,
}

/// A tenant's file allows a tool that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no tool {name:?}; there are: {}", known.join(", "))]
pub struct UnknownTool {
    /// What the file says.
    pub name: String,
    /// What it could say.
    pub known: Vec<&'static str>,
}

impl Toolbox {
    /// The tools a tenant's file allows, in its order, without those that do
    /// not suit it (a transfer where there is no human number).
    ///
    /// # Errors
    /// When the file allows a tool that does not exist.
    pub fn for_tenant(tenant: &Tenant) -> Result<Self, UnknownTool> {
        let mut tools: Vec<&'static dyn Tool> = Vec::new();
        for name in &tenant.tools {
            let tool = find(ALL, name)
                .ok_or_else(|| UnknownTool { name: name.clone(), known: names(ALL) })?;
            if tool.suits(tenant) && find(&tools, name).is_none() {
                tools.push(tool);
            }
        }
        Ok(Self { tools })
    }

    /// These tools, whatever a tenant's file says.
    #[must_use]
    pub fn of(tools: Vec<&'static dyn Tool>) -> Self {
        Self { tools }
    }

    /// Whether a function call changes something outside of the call.
    #[must_use]
    pub fn has_side_effect(&self, name: &str) -> bool {
        self.get(name).is_some_and(Tool::side_effect)
    }

    /// What the model is told about the tools.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        let spec = |tool: &&'static dyn Tool| ToolSpec {
            name: tool.name().to_owned(),
            description: tool.description().to_owned(),
            parameters: tool.schema(),
        };
        self.tools.iter().map(spec).collect()
    }

    /// The tool of that name, if it is offered.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'static dyn Tool> {
        find(&self.tools, name)
    }

    /// The names of the tools offered.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        names(&self.tools)
    }

    /// Reads a function call of the model's and says what is to be done.
    ///
    /// # Errors
    /// When the tool is not offered or its arguments are wrong.
    pub fn prepare(
        &self,
        name: &str,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Prepared, ToolError> {
        let Some(tool) = self.get(name) else {
            let name = name.chars().take(MAX_NAME_CHARS).collect();
            return Err(ToolError::Unknown { name, known: self.names() });
        };
        tool.prepare(arguments, context)
    }
}

impl fmt::Debug for Toolbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Toolbox").field(&self.names()).finish()
    }
}

fn find(tools: &[&'static dyn Tool], name: &str) -> Option<&'static dyn Tool> {
    tools.iter().copied().find(|tool| tool.name() == name)
}

fn names(tools: &[&'static dyn Tool]) -> Vec<&'static str> {
    tools.iter().map(|tool| tool.name()).collect()
}
