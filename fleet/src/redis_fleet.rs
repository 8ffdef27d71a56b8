//! The fleet among many processes, through Redis.

use std::sync::Arc;

use async_trait::async_trait;
use redis::{Client, FromRedisValue, ScriptInvocation};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use trunkline_core::ids::{AccountSid, CallSid, TenantId};
use trunkline_core::pii::PhoneNumber;

use crate::Fleet;
use crate::link::{Connected, Link, away};
use crate::scripts;
use crate::types::{
    Admitted, Ask, Away, Claimed, FleetTimes, Holding, LiveView, NodeKey, Note, Pulse, Rate,
    SharedBooking, Shown, Verdict, Weather,
};

/// How Redis is used.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// Its address, which may hold a password.
    pub url: SecretString,
    /// What every key begins with, so that fleets can share a Redis: letters,
    /// digits, `-` and `_`.
    pub prefix: String,
    /// The fleet's clocks.
    pub times: FleetTimes,
}

impl RedisSettings {
    /// Whether an address is one that could lead to a Redis.
    #[must_use]
    pub fn can_use(url: &str) -> bool {
        Client::open(url).is_ok()
    }
}

/// A slot that is given back. Nobody waits for it.
#[derive(Debug)]
struct Release {
    call: CallSid,
    tenant: TenantId,
    fence: u64,
}

/// One node's side of a fleet in Redis.
#[derive(Debug)]
pub struct RedisFleet {
    desk: Arc<Desk>,
    releases: mpsc::UnboundedSender<Release>,
    notes: tokio::sync::Mutex<mpsc::UnboundedReceiver<Note>>,
}

/// What runs scripts.
#[derive(Debug)]
struct Desk {
    me: NodeKey,
    /// `{prefix}:`: the braces keep every key on one shard of a Redis cluster.
    base: String,
    times: FleetTimes,
    link: Link,
}

fn ms(duration: std::time::Duration) -> String {
    duration.as_millis().max(1).to_string()
}

impl Desk {
    fn prepare<'a>(&self, script: &'a redis::Script) -> ScriptInvocation<'a> {
        let mut call = script.key(&self.base);
        call.arg(self.me.as_str()).arg(ms(self.times.lease)).arg(ms(self.times.gap()));
        call
    }

    async fn run<T: FromRedisValue>(
        &self,
        connected: &Connected,
        call: ScriptInvocation<'_>,
    ) -> Result<T, Away> {
        let mut connection = connected.connection.clone();
        call.invoke_async(&mut connection).await.map_err(|error| {
            self.link.give_up(connected);
            away(&error)
        })
    }

    async fn ask<T: FromRedisValue>(&self, call: ScriptInvocation<'_>) -> Result<T, Away> {
        self.run(&self.link.connected()?, call).await
    }

    async fn release(&self, release: Release) -> Result<(), Away> {
        let Release { call, tenant, fence } = release;
        let mut run = self.prepare(&scripts::RELEASE);
        run.arg(call.as_str()).arg(tenant.as_str()).arg(fence).arg(ms(self.times.token_ttl));
        self.ask::<i64>(run).await.map(drop)
    }
}

impl RedisFleet {
    /// A node's side; not connected until its first beat. To be called on the
    /// thread whose runtime is to carry the connection.
    ///
    /// # Errors
    /// When the address is none of a Redis.
    pub fn new(settings: &RedisSettings, me: NodeKey) -> Result<Arc<Self>, Away> {
        let client = Client::open(settings.url.expose_secret()).map_err(|error| away(&error))?;
        let base = format!("{{{}}}:", settings.prefix);
        let (heard, notes) = mpsc::unbounded_channel();
        let link = Link::new(client, format!("{base}node:{}", me.as_str()), heard);
        let desk = Arc::new(Desk { me, base, times: settings.times, link });
        let (releases, mut waiting) = mpsc::unbounded_channel();
        let doing = Arc::clone(&desk);
        drop(tokio::spawn(async move {
            while let Some(release) = waiting.recv().await {
                if let Err(error) = doing.release(release).await {
                    // The lease frees what is not given back.
                    tracing::debug!(%error, "a slot could not be given back");
                }
            }
        }));
        Ok(Arc::new(Self { desk, releases, notes: tokio::sync::Mutex::new(notes) }))
    }
}

#[async_trait]
impl Fleet for RedisFleet {
    fn me(&self) -> &NodeKey {
        &self.desk.me
    }

    async fn admit(&self, ask: &Ask) -> Result<Admitted, Away> {
        let mut run = self.desk.prepare(&scripts::ADMIT);
        run.arg(ask.call.as_str()).arg(ask.tenant.as_str());
        match &ask.slot {
            None => run.arg(-1).arg("").arg("").arg("").arg(""),
            Some(slot) => run
                .arg(slot.cap)
                .arg(slot.account.as_ref().map_or("", AccountSid::as_str))
                .arg(slot.from.expose())
                .arg(slot.to.expose())
                .arg(slot.token.as_str()),
        };
        run.arg(ms(self.desk.times.token_ttl + self.desk.times.lease)).arg(ask.rates.len());
        for rate in &ask.rates {
            run.arg(&rate.key).arg(rate.limit).arg(ms(rate.window));
        }
        let said: Vec<String> = self.desk.ask(run).await?;
        let (weather, rest) = weather(&said)?;
        let verdict = match rest {
            [word, fence] if word == "granted" => Verdict::Granted { fence: number(fence)? },
            [word, which] if word == "limited" => {
                let which = usize::try_from(number(which)?).ok();
                let rate = which.and_then(|which| ask.rates.get(which));
                Verdict::Limited(rate.ok_or_else(strange)?.kind)
            }
            [word] if word == "counted" => Verdict::Counted,
            [word] if word == "known" => Verdict::Known,
            [word] if word == "full" => Verdict::Full,
            _ => return Err(strange()),
        };
        Ok(Admitted { verdict, weather })
    }

    async fn claim(&self, shown: &Shown) -> Result<Claimed, Away> {
        let mut run = self.desk.prepare(&scripts::CLAIM);
        run.arg(shown.call.as_str())
            .arg(shown.account.as_str())
            .arg(shown.token.as_str())
            .arg(ms(self.desk.times.token_ttl))
            .arg(if shown.verified { "1" } else { "0" });
        let said: Vec<String> = self.desk.ask(run).await?;
        claimed(&said).ok_or_else(strange)
    }

    fn release(&self, call: &CallSid, tenant: &TenantId, fence: u64) {
        let release = Release { call: call.clone(), tenant: tenant.clone(), fence };
        if self.releases.send(release).is_err() {
            tracing::debug!("nobody is left to give the slot back");
        }
    }

    async fn forget(&self, call: &CallSid) -> Result<bool, Away> {
        let mut run = self.desk.prepare(&scripts::FORGET);
        run.arg(call.as_str()).arg(ms(self.desk.times.token_ttl));
        Ok(self.desk.ask::<i64>(run).await? == 1)
    }

    async fn count(&self, rate: &Rate, member: &str) -> Result<bool, Away> {
        let mut run = self.desk.prepare(&scripts::COUNT);
        run.arg(&rate.key).arg(rate.limit).arg(ms(rate.window)).arg(member);
        let said: Vec<String> = self.desk.ask(run).await?;
        match weather(&said)?.1 {
            [word] => Ok(word == "1"),
            _ => Err(strange()),
        }
    }

    async fn beat(&self, holdings: &[Holding]) -> Result<Pulse, Away> {
        let connected = self.desk.link.connect().await?;
        let mut run = self.desk.prepare(&scripts::BEAT);
        run.arg(&connected.run).arg(ms(self.desk.times.token_ttl));
        for held in holdings {
            run.arg(held.call.as_str())
                .arg(held.tenant.as_str())
                .arg(held.fence)
                .arg(held.live.as_deref().unwrap_or(""));
        }
        let said: Vec<String> = self.desk.run(&connected, run).await?;
        let (weather, rest) = weather(&said)?;
        let mut pulse = Pulse { weather, lost: Vec::new(), fences: Vec::new() };
        for pair in rest.chunks_exact(2) {
            if let [call, what] = pair
                && let Ok(call) = CallSid::parse(call)
            {
                match what.as_str() {
                    "lost" => pulse.lost.push(call),
                    fence => pulse.fences.push((call, number(fence)?)),
                }
            }
        }
        Ok(pulse)
    }

    async fn live(&self) -> Result<Vec<LiveView>, Away> {
        let said: Vec<String> = self.desk.ask(self.desk.prepare(&scripts::LIVE)).await?;
        let view = |pair: &[String]| match pair {
            [node, view] => {
                Some(LiveView { node: NodeKey::from_wire(node.clone()), view: view.clone() })
            }
            _ => None,
        };
        Ok(said.chunks_exact(2).filter_map(view).collect())
    }

    async fn owner(&self, call: &CallSid) -> Result<Option<NodeKey>, Away> {
        let mut run = self.desk.prepare(&scripts::OWNER);
        run.arg(call.as_str());
        let node: String = self.desk.ask(run).await?;
        Ok((!node.is_empty()).then(|| NodeKey::from_wire(node)))
    }

    async fn send(&self, to: &NodeKey, note: &Note) -> Result<bool, Away> {
        let connected = self.desk.link.connected()?;
        let text = serde_json::to_string(note).map_err(|_| strange())?;
        let channel = format!("{}node:{}", self.desk.base, to.as_str());
        let mut connection = connected.connection.clone();
        let mut publish = redis::cmd("PUBLISH");
        let heard = publish.arg(channel).arg(text).query_async::<i64>(&mut connection).await;
        match heard {
            Ok(listeners) => Ok(listeners > 0),
            Err(error) => {
                self.desk.link.give_up(&connected);
                Err(away(&error))
            }
        }
    }

    async fn note(&self) -> Note {
        match self.notes.lock().await.recv().await {
            Some(note) => note,
            None => std::future::pending().await,
        }
    }

    fn disconnect(&self) {
        self.desk.link.disconnect();
    }

    async fn leave(&self) -> Result<(), Away> {
        self.desk.ask::<i64>(self.desk.prepare(&scripts::LEAVE)).await.map(drop)
    }
}

/// A script that answers otherwise is not ours: somebody else uses these keys.
fn strange() -> Away {
    Away("an answer that makes no sense".to_owned())
}

fn number(text: &str) -> Result<u64, Away> {
    text.parse().map_err(|_| strange())
}

fn weather(said: &[String]) -> Result<(Weather, &[String]), Away> {
    let [nodes, unsettled, rest @ ..] = said else {
        return Err(strange());
    };
    let nodes = u32::try_from(number(nodes)?).unwrap_or(u32::MAX).max(1);
    Ok((Weather { nodes, settling: unsettled == "1" }, rest))
}

fn claimed(said: &[String]) -> Option<Claimed> {
    let words: Vec<&str> = said.iter().map(String::as_str).collect();
    Some(match words.as_slice() {
        ["claimed", fence, tenant, account, from, to] => Claimed::Yes {
            fence: fence.parse().ok()?,
            booking: (!from.is_empty()).then_some(SharedBooking {
                tenant: TenantId::parse(tenant).ok()?,
                account: AccountSid::parse(account).ok(),
                from: PhoneNumber::new(from),
                to: PhoneNumber::new(to),
            }),
        },
        ["unknown"] => Claimed::Unknown,
        ["wrong_token"] => Claimed::WrongToken,
        ["wrong_account"] => Claimed::WrongAccount,
        ["used"] => Claimed::Used,
        ["expired"] => Claimed::Expired,
        ["full"] => Claimed::Full,
        _ => return None,
    })
}
