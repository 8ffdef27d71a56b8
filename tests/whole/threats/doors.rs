//! Every path there is, and who may pass: read out of the routes, so that a new
//! one without a decision fails here.

use std::collections::BTreeSet;
use std::time::Duration;

use awc::http::Method;

use crate::support::{OPS_TOKEN, PUBLIC_URL, World, client};

/// Who may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Anybody.
    Open,
    /// The carrier, by its signature.
    Signed,
    /// Whoever may look.
    Read,
    /// Whoever may act.
    Admin,
}

/// Whether it can be asked for one tenant's things alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoped {
    /// By `?tenant=`.
    ByQuery,
    /// The tenant is a part of the path.
    ByPath,
    /// It holds nothing of a tenant, or says itself whose.
    No,
}

/// A decision.
#[derive(Debug)]
pub struct Decision {
    pub path: &'static str,
    pub method: &'static str,
    pub door: Door,
    pub scoped: Scoped,
}

const fn at(path: &'static str, method: &'static str, door: Door, scoped: Scoped) -> Decision {
    Decision { path, method, door, scoped }
}

/// What was decided.
pub const DOORS: &[Decision] = &[
    at("/api/v1/blocked-numbers", "GET", Door::Read, Scoped::ByQuery),
    at("/api/v1/blocked-numbers", "POST", Door::Admin, Scoped::No),
    at("/api/v1/blocked-numbers/{pattern}", "DELETE", Door::Admin, Scoped::ByQuery),
    at("/api/v1/calls/live", "GET", Door::Read, Scoped::ByQuery),
    at("/api/v1/calls/{call_sid}", "GET", Door::Read, Scoped::ByQuery),
    at("/api/v1/calls/{call_sid}/hangup", "POST", Door::Admin, Scoped::ByQuery),
    at("/api/v1/calls/{call_sid}/recording", "GET", Door::Read, Scoped::ByQuery),
    at("/api/v1/calls/{call_sid}/transfer", "POST", Door::Admin, Scoped::ByQuery),
    at("/api/v1/costs", "GET", Door::Read, Scoped::ByQuery),
    at("/api/v1/switches", "GET", Door::Read, Scoped::ByQuery),
    at("/api/v1/switches", "PUT", Door::Admin, Scoped::No),
    at("/api/v1/tenants/{tenant}/appointments", "GET", Door::Read, Scoped::ByPath),
    at("/api/v1/tenants/{tenant}/appointments", "POST", Door::Admin, Scoped::ByPath),
    at("/api/v1/tenants/{tenant}/appointments/{confirmation}", "GET", Door::Read, Scoped::ByPath),
    at(
        "/api/v1/tenants/{tenant}/appointments/{confirmation}",
        "PATCH",
        Door::Admin,
        Scoped::ByPath,
    ),
    at(
        "/api/v1/tenants/{tenant}/appointments/{confirmation}",
        "DELETE",
        Door::Admin,
        Scoped::ByPath,
    ),
    at("/api/v1/tenants/{tenant}/holds", "GET", Door::Read, Scoped::ByPath),
    at("/api/v1/tenants/{tenant}/holds", "POST", Door::Admin, Scoped::ByPath),
    at("/api/v1/tenants/{tenant}/holds/{hold}", "DELETE", Door::Admin, Scoped::ByPath),
    at("/health", "GET", Door::Open, Scoped::No),
    at("/media-stream", "GET", Door::Signed, Scoped::No),
    at("/metrics", "GET", Door::Open, Scoped::No),
    at("/ops/actors", "GET", Door::Read, Scoped::ByQuery),
    at("/ops/faults", "POST", Door::Admin, Scoped::No),
    at("/ready", "GET", Door::Open, Scoped::No),
    at("/twilio-stream", "GET", Door::Signed, Scoped::No),
    at("/twilio/amd", "POST", Door::Signed, Scoped::No),
    at("/twilio/connect-action", "POST", Door::Signed, Scoped::No),
    at("/twilio/dial-action", "POST", Door::Signed, Scoped::No),
    at("/twilio/fallback", "POST", Door::Signed, Scoped::No),
    at("/twilio/menu", "POST", Door::Signed, Scoped::No),
    at("/twilio/recording", "POST", Door::Signed, Scoped::No),
    at("/twilio/status", "POST", Door::Signed, Scoped::No),
    at("/twilio/stream", "GET", Door::Signed, Scoped::No),
    at("/twilio/voice", "POST", Door::Signed, Scoped::No),
    at("/voice", "POST", Door::Signed, Scoped::No),
    at("/voice-action", "POST", Door::Signed, Scoped::No),
    at("/voice-answer", "POST", Door::Signed, Scoped::No),
    at("/voice-status", "POST", Door::Signed, Scoped::No),
    at("/voice-stream", "GET", Door::Signed, Scoped::No),
];

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

/// A path as it is asked for.
pub fn address(path: &str, call: &str) -> String {
    path.replace("{call_sid}", call)
        .replace("{pattern}", "+15550179999")
        .replace("{tenant}", "shop")
        .replace("{confirmation}", "ABCD-EFGH")
        .replace("{hold}", "0190a0b0-0000-7000-8000-000000000000")
}

struct Answered {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answered {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Asks as a browser or anybody would.
async fn ask(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Answered {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let url = format!("{}{}", world.server.base(), address(path, "CA0123456789"));
    let mut request = client().request(method, url).timeout(Duration::from_secs(15));
    for (name, value) in headers {
        request = request.insert_header((*name, *value));
    }
    let mut answer = request.send_body("{}").await.expect("the server answers");
    let body = answer.body().limit(1 << 24).await.unwrap_or_default();
    let text = |value: &awc::http::header::HeaderValue| value.to_str().expect("text").to_owned();
    Answered {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().map(|(n, v)| (n.to_string(), text(v))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

fn guarded() -> impl Iterator<Item = &'static Decision> {
    DOORS.iter().filter(|decision| matches!(decision.door, Door::Read | Door::Admin))
}

#[test]
fn every_path_has_a_decision() {
    let code = include_str!("../../../src/http/routes.rs");
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    // Every second piece between quotes is a text.
    let texts = code.split('"').skip(1).step_by(2);
    let routed: BTreeSet<&str> = texts.filter(|text| text.starts_with('/')).collect();
    let decided: BTreeSet<&str> = DOORS.iter().map(|decision| decision.path).collect();
    assert_eq!(routed, decided, "decide in DOORS who may pass");
    let handlers = code.matches(".to(").count() - code.matches("twilio::").count();
    let ours = DOORS.iter().filter(|decision| decision.door != Door::Signed).count();
    assert_eq!(handlers, ours, "a method of a known path has no decision");
}

#[actix_rt::test]
async fn whoever_brings_no_token_in_its_header_is_refused_whatever_else_they_bring() {
    let world = World::start().await;
    let bearer = format!("Bearer {OPS_TOKEN}");
    let cookie = format!("token={OPS_TOKEN}; Authorization={bearer}");
    let basic = "Basic b3BzOm9wcy10b2tlbi1vZi10aGUtdGVzdHM=";
    for decision in guarded() {
        for headers in [
            &[][..],
            &[("cookie", cookie.as_str())],
            &[("authorization", basic)],
            &[("authorization", OPS_TOKEN)],
            &[("x-authorization", bearer.as_str()), ("proxy-authorization", bearer.as_str())],
        ] {
            let query = format!("{}?token={OPS_TOKEN}&access_token={OPS_TOKEN}", decision.path);
            let with_query = ask(&world, decision.method, &query, headers).await;
            assert!([400, 401].contains(&with_query.status), "{decision:?} {headers:?}");
            let plain = ask(&world, decision.method, decision.path, headers).await;
            assert_eq!(plain.status, 401, "{decision:?} {headers:?}: {}", plain.body);
            assert_eq!(plain.header("www-authenticate"), Some("Bearer"), "no browser asks for it");
        }
    }
    for decision in DOORS.iter().filter(|decision| decision.door == Door::Signed) {
        let plain = ask(&world, decision.method, decision.path, &[]).await;
        assert_eq!(plain.status, 403, "{decision:?}: {}", plain.body);
    }
}

#[actix_rt::test]
async fn a_foreign_page_cannot_have_a_browser_act_here() {
    let world = World::start().await;
    let bearer = format!("Bearer {OPS_TOKEN}");
    for decision in guarded() {
        for origin in
            ["https://evil.test", "null", "http://voice.test", "https://voice.test.evil.test"]
        {
            let headers = [("authorization", bearer.as_str()), ("origin", origin)];
            let answer = ask(&world, decision.method, decision.path, &headers).await;
            assert_eq!(answer.status, 403, "{decision:?} {origin}: {}", answer.body);
        }
        let own = [("authorization", bearer.as_str()), ("origin", PUBLIC_URL)];
        let answer = ask(&world, decision.method, decision.path, &own).await;
        assert_ne!(answer.status, 403, "{decision:?}: {}", answer.body);
    }
    for decision in DOORS {
        let asked = [
            ("origin", "https://evil.test"),
            ("access-control-request-method", decision.method),
            ("access-control-request-headers", "authorization"),
        ];
        let answer = ask(&world, "OPTIONS", decision.path, &asked).await;
        assert!(answer.status >= 400, "{decision:?}: {}", answer.status);
        let allows = answer.headers.iter().find(|(name, _)| name.starts_with("access-control"));
        assert_eq!(allows, None, "{decision:?}");
    }
}

#[actix_rt::test]
async fn no_path_does_more_by_another_method() {
    let world = World::start().await;
    for decision in DOORS {
        for method in METHODS {
            if DOORS.iter().any(|known| known.path == decision.path && known.method == method) {
                continue;
            }
            let answer = ask(&world, method, decision.path, &[]).await;
            assert!(
                (400..500).contains(&answer.status),
                "{method} {decision:?}: {}",
                answer.status
            );
        }
    }
}

#[actix_rt::test]
async fn every_answer_tells_browsers_to_leave_it_alone() {
    let world = World::start().await;
    for path in DOORS.iter().map(|decision| decision.path).chain(["/", "/nowhere"]) {
        for method in ["GET", "POST"] {
            let answer = ask(&world, method, path, &[]).await;
            let has = |name: &str, value: &str| {
                assert_eq!(
                    answer.header(name),
                    Some(value),
                    "{method} {path}: {:?}",
                    answer.headers
                );
            };
            has("x-content-type-options", "nosniff");
            has("cache-control", "no-store");
            has("referrer-policy", "no-referrer");
            has("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
            let kind = answer.header("content-type").unwrap_or_default();
            assert!(!kind.contains("html"), "{method} {path}: {kind}");
            for name in ["set-cookie", "server", "x-powered-by"] {
                assert_eq!(answer.header(name), None, "{method} {path}");
            }
            assert!(answer.body.len() < 100_000, "{method} {path}");
        }
    }
    assert_eq!(ask(&world, "GET", "/health", &[]).await.status, 200);
    let shown = ask(&world, "GET", "/nowhere/%3Cscript%3Ealert(1)", &[]).await;
    assert!(!shown.body.contains("<script>"), "{}", shown.body);
}
