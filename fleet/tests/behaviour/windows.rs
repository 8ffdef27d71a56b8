//! Windows: so many within so long, counted once each, for all nodes together.

use std::time::Duration;

use futures_util::future::join_all;
use trunkline_fleet::{Ask, Rate, RateKind, Verdict, caller_key, source_key, tenant_key};

use crate::support::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn of_caller(limit: u32) -> Rate {
    Rate { kind: RateKind::Caller, key: caller_key(&shop(), &caller()), limit, window: HOUR }
}

fn of_tenant(limit: u32) -> Rate {
    Rate { kind: RateKind::Tenant, key: tenant_key(&shop()), limit, window: HOUR }
}

fn counted(number: usize, rates: &[Rate]) -> Ask {
    Ask { call: call(number), tenant: shop(), rates: rates.to_vec(), slot: None }
}

on_both! {
    async fn the_eleventh_call_of_ten_is_too_many_whichever_node_it_rings_at(two: Two) {
        let rates = [of_caller(10), of_tenant(100)];
        let arrivals = (0..30).map(|number| {
            let node = if number % 2 == 0 { two.a.clone() } else { two.b.clone() };
            let ask = counted(number, &rates);
            async move { node.admit(&ask).await.unwrap().verdict }
        });
        let verdicts = join_all(arrivals).await;
        let let_in = verdicts.iter().filter(|verdict| **verdict == Verdict::Counted).count();
        assert_eq!(let_in, 10);
        let refused = Verdict::Limited(RateKind::Caller);
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == refused).count(), 20);
        // Those that were refused count for nobody.
        for number in 100..190 {
            let verdict = two.a.admit(&counted(number, &rates[1..])).await.unwrap().verdict;
            assert_eq!(verdict, Verdict::Counted, "{number}");
        }
        let over = two.b.admit(&counted(500, &rates[1..])).await.unwrap().verdict;
        assert_eq!(over, Verdict::Limited(RateKind::Tenant));
    }

    async fn a_call_counts_once_however_often_its_webhook_is_delivered(two: Two) {
        for _ in 0..5 {
            let verdict = two.a.admit(&counted(1, &[of_caller(1)])).await.unwrap().verdict;
            assert_eq!(verdict, Verdict::Counted);
            let verdict = two.b.admit(&counted(1, &[of_caller(1)])).await.unwrap().verdict;
            assert_eq!(verdict, Verdict::Counted);
        }
        let verdict = two.b.admit(&counted(2, &[of_caller(1)])).await.unwrap().verdict;
        assert_eq!(verdict, Verdict::Limited(RateKind::Caller));
    }

    async fn a_window_slides(two: Two) {
        let window = Duration::from_secs(3);
        let rate = Rate { kind: RateKind::Source, key: source_key("192.0.2.1"), limit: 2, window };
        assert!(two.a.count(&rate, "1").await.unwrap());
        assert!(two.b.count(&rate, "2").await.unwrap());
        assert!(two.b.count(&rate, "2").await.unwrap(), "it has been counted");
        assert!(!two.a.count(&rate, "3").await.unwrap(), "it is full");
        wait_for("room", async || two.a.count(&rate, "5").await.unwrap().then_some(())).await;
        let other = Rate { key: source_key("192.0.2.2"), ..rate };
        assert!(two.a.count(&other, "6").await.unwrap(), "another source has its own");
    }

    async fn a_call_over_the_cap_counts_in_its_windows_and_holds_no_slot(two: Two) {
        fence_of(admit(&two.a, 1, 1).await);
        let mut over = ask(2, 1, "token");
        over.rates = vec![of_caller(1)];
        assert_eq!(two.b.admit(&over).await.unwrap().verdict, Verdict::Full);
        let mut next = ask(3, 0, "token");
        next.rates = vec![of_caller(1)];
        assert_eq!(two.b.admit(&next).await.unwrap().verdict, Verdict::Limited(RateKind::Caller));
    }
}
