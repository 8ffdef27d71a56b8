//! Whoever is not the carrier gets nothing: no call, no slot, no stream; and it
//! is written down that they tried.

use crate::support::{AUTH_TOKEN, PUBLIC_URL, RawStream, Webhook, World, WorldPlan, new_call};
use trunkline_core::wire::twilio::signature::sign;

const WEBHOOKS: [&str; 9] = [
    "/twilio/voice",
    "/twilio/fallback",
    "/twilio/status",
    "/twilio/connect-action",
    "/twilio/menu",
    "/voice",
    "/voice-answer",
    "/voice-status",
    "/voice-action",
];
const STREAMS: [&str; 4] = ["/twilio/stream", "/media-stream", "/voice-stream", "/twilio-stream"];

#[actix_rt::test]
async fn a_webhook_that_the_carrier_did_not_sign_is_refused_and_written_down() {
    let world = World::start().await;
    for path in WEBHOOKS {
        let good = Webhook::new(path, &new_call());
        let changed_later = good.clone().with("To", "+15550170002");
        for bad in [
            good.clone().unsigned(),
            good.clone().signature(""),
            good.clone().signature("not base64 at all"),
            good.clone().token("somebody-else's-token"),
            good.clone().origin("https://another-server.test"),
            changed_later.signature(&good.signed().unwrap()),
        ] {
            let answer = bad.send(&world.server).await;
            assert_eq!(answer.status, 403, "{path}: {}", answer.text);
            assert!(!answer.text.contains('<'), "no TwiML: {}", answer.text);
        }
    }
    let events = world.server.audited("signature_failure", WEBHOOKS.len() * 6).await;
    let metrics = world.metrics().await;
    for path in WEBHOOKS {
        let here = events.iter().filter(|event| event.data.0["path"] == path).count();
        assert_eq!(here, 6, "{path}: {events:?}");
        assert_eq!(metrics.with("trunkline_signature_failures_total", &[("path", path)]), 6.0);
    }
    assert!(
        events
            .iter()
            .all(|event| event.call_sid.is_none() && event.data.0["source"] == "127.0.0.1")
    );
    assert_eq!(world.server.rows(), 0);
    assert_eq!(metrics.sum("trunkline_slots_held"), 0.0);
}

#[actix_rt::test]
async fn a_stream_that_the_carrier_did_not_sign_is_not_opened() {
    let world = World::start().await;
    let wss = PUBLIC_URL.replace("https", "wss");
    for path in STREAMS {
        let over = |url: String| sign(AUTH_TOKEN, &url, &[]);
        for signature in [
            None,
            Some(String::new()),
            Some(sign("somebody-else's-token", &format!("{wss}{path}"), &[])),
            // A signature that the carrier made for another kind of request.
            Some(over(format!("{PUBLIC_URL}{path}"))),
            Some(over(format!("{wss}/twilio/other"))),
        ] {
            let refused = RawStream::try_open_at(&world.server, path, signature.as_deref()).await;
            assert_eq!(refused.err(), Some(403), "{path} {signature:?}");
        }
        let good = over(format!("{wss}{path}"));
        assert!(RawStream::try_open_at(&world.server, path, Some(&good)).await.is_ok(), "{path}");
    }
    world.server.audited("signature_failure", STREAMS.len() * 5).await;
    let metrics = world.metrics().await;
    for path in STREAMS {
        assert_eq!(metrics.with("trunkline_signature_failures_total", &[("path", path)]), 5.0);
    }
    world.assert_not_dialled();
}

#[actix_rt::test]
async fn both_tokens_are_good_while_one_is_replaced_by_the_other() {
    let world = World::plan().env("TWILIO_AUTH_TOKEN_SECONDARY", "the-next-token").start().await;
    for token in [AUTH_TOKEN, "the-next-token"] {
        let voice = Webhook::new("/twilio/voice", &new_call()).token(token);
        assert_eq!(voice.send(&world.server).await.status, 200, "{token}");
        let url = format!("{}/twilio/stream", PUBLIC_URL.replace("https", "wss"));
        let stream = RawStream::try_open(&world.server, Some(&sign(token, &url, &[]))).await;
        assert!(stream.is_ok(), "{token}");
    }
}

#[actix_rt::test]
async fn a_tenant_with_an_account_of_its_own_is_called_under_its_own_token() {
    let branch = "company = \"Branch\"\nnumbers = [\"+15550170002\"]\npersona = \"shop\"\nhuman_number = \"+15550170098\"\n[credentials]\ntwilio_auth_token_env = \"BRANCH_TOKEN\"\n";
    let plan = World::plan().tenant("branch", branch).env("BRANCH_TOKEN", "the-branch's-own-token");
    let world = plan.start().await;
    let call = || Webhook::new("/twilio/voice", &new_call()).with("To", "+15550170002");
    assert_eq!(call().token("the-branch's-own-token").send(&world.server).await.status, 200);
    assert_eq!(
        call().send(&world.server).await.status,
        403,
        "the server's token is not the branch's"
    );
    let shop = Webhook::new("/twilio/voice", &new_call()).token("the-branch's-own-token");
    assert_eq!(shop.send(&world.server).await.status, 403, "nor the branch's the shop's");
}

#[actix_rt::test]
async fn signatures_can_be_left_unchecked_and_the_log_says_so() {
    let world = World::plan().env("ENABLE_WEBHOOK_VALIDATION", "false").start().await;
    let mut plan = world.call("wait greeting\nhangup");
    plan.auth_token = None;
    let report = trunkline_simulator::carrier::place_call(&plan, None).await;
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(report.streams.len(), 1);
    assert!(
        world.server.log().contains("signatures are not checked (ENABLE_WEBHOOK_VALIDATION=false)")
    );
    world.assert_idle().await;
}

fn behind_a_proxy(plan: WorldPlan) -> (WorldPlan, Webhook) {
    let voice = Webhook::new("/twilio/voice", &new_call())
        .origin("https://calls.proxy.test:8443")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "calls.proxy.test:8443");
    (plan, voice)
}

#[actix_rt::test]
async fn a_trusted_proxy_says_under_which_name_the_carrier_called() {
    let (plan, voice) = behind_a_proxy(World::plan().env("TRUST_FORWARDED_HEADERS", "true"));
    let world = plan.start().await;
    let stream = voice.send(&world.server).await.stream();
    assert_eq!(stream.url, "wss://calls.proxy.test:8443/twilio/stream");
    assert_eq!(
        stream.action.as_deref(),
        Some("https://calls.proxy.test:8443/twilio/connect-action")
    );
    // Without the headers it is the configured name that counts.
    let direct = Webhook::new("/twilio/voice", &new_call()).send(&world.server).await;
    assert_eq!(direct.stream().url, "wss://voice.test/twilio/stream");
}

#[actix_rt::test]
async fn nobody_else_says_under_which_name_the_carrier_called() {
    let (plan, voice) = behind_a_proxy(World::plan());
    let world = plan.start().await;
    assert_eq!(voice.send(&world.server).await.status, 403);
}
