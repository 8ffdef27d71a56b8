//! The services of a pipeline, as scripts call them.

use crate::support::{Health, Service, World};

use super::token::Token::{self, W};
use super::token::{number, unknown};

pub fn is_service(word: &str) -> bool {
    service(word).is_ok()
}

pub fn service(word: &str) -> Result<Service, String> {
    match word {
        "recogniser" => Ok(Service::Recogniser),
        "chat" => Ok(Service::Chat),
        "voice" => Ok(Service::Voice),
        _ => Err(format!("{word:?} is no service; there are recogniser, chat, voice")),
    }
}

/// The same of all of a kind.
pub fn services(word: &str) -> Result<Service, String> {
    service(word.strip_suffix('s').unwrap_or(word))
}

/// Its place in the tenant's list, which scripts count from 1.
pub fn place(word: &str) -> Result<usize, String> {
    let n: usize = number(word)?;
    n.checked_sub(1).ok_or_else(|| "services are counted from 1".to_owned())
}

pub fn health(tokens: &[Token<'_>]) -> Result<Health, String> {
    match tokens {
        [W("away")] => Ok(Health::Away),
        [W("back")] => Ok(Health::Well),
        [W("mute")] => Ok(Health::Hangs),
        _ => Err(unknown(tokens, "nothing that a service is; it is away, mute or back")),
    }
}

/// How often a service was asked.
pub fn asked(world: &World, service: Service, place: usize) -> usize {
    let services = &world.services;
    match service {
        Service::Recogniser => services.dialled.iter().filter(|n| **n == place).count(),
        Service::Chat => services.asked.iter().filter(|n| **n == place).count(),
        Service::Voice => services.said.iter().filter(|said| said.voice == place).count(),
    }
}
