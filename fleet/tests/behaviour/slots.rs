//! Slots: never more than the cap, and none that stays with the dead.

use std::time::Instant;

use futures_util::future::join_all;
use trunkline_fleet::{Note, Verdict};

use crate::support::*;

on_both! {
    async fn of_many_that_arrive_at_once_at_two_nodes_the_cap_gets_in(two: Two) {
        let arrivals = (0..200).map(|number| {
            let node = if number % 2 == 0 { two.a.clone() } else { two.b.clone() };
            async move { admit(&node, number, 50).await }
        });
        let verdicts = join_all(arrivals).await;
        let granted = verdicts.iter().filter(|v| matches!(v, Verdict::Granted { .. })).count();
        assert_eq!(granted, 50);
        assert!(verdicts.iter().all(|v| matches!(v, Verdict::Granted { .. } | Verdict::Full)));
    }

    async fn a_cap_of_none_is_none(two: Two) {
        for number in 0..60 {
            fence_of(admit(&two.a, number, 0).await);
        }
    }

    async fn a_slot_that_is_given_back_is_free_for_the_other_node(two: Two) {
        let fence = fence_of(admit(&two.a, 1, 1).await);
        assert_eq!(admit(&two.b, 2, 1).await, Verdict::Full);
        two.a.release(&call(1), &shop(), fence);
        wait_for("the slot", async || {
            matches!(admit(&two.b, 2, 1).await, Verdict::Granted { .. }).then_some(())
        })
        .await;
    }

    async fn a_webhook_that_is_delivered_again_takes_no_second_slot(two: Two) {
        fence_of(admit(&two.a, 1, 2).await);
        fence_of(admit(&two.a, 1, 2).await);
        assert_eq!(admit(&two.b, 1, 2).await, Verdict::Known);
        fence_of(admit(&two.b, 2, 2).await);
        assert_eq!(admit(&two.b, 3, 2).await, Verdict::Full);
    }

    async fn a_dead_nodes_slots_are_free_once_its_lease_has_run_out(two: Two) {
        let began = Instant::now();
        let fences = [fence_of(admit(&two.a, 1, 2).await), fence_of(admit(&two.b, 2, 2).await)];
        two.a.beat(&[holding(1, fences[0], Some("{}"))]).await.unwrap();
        // Now nothing is heard of the first node; the second goes on.
        wait_for("the slot of the dead", async || {
            two.b.beat(&[holding(2, fences[1], Some("{}"))]).await.unwrap();
            matches!(admit(&two.b, 3, 2).await, Verdict::Granted { .. }).then_some(())
        })
        .await;
        assert!(began.elapsed() >= LEASE, "{:?}", began.elapsed());
        assert_eq!(admit(&two.b, 4, 2).await, Verdict::Full, "the living keep theirs");
        assert_eq!(two.b.beat(&[]).await.unwrap().weather.nodes, 1);
    }

    async fn a_late_word_of_an_earlier_holder_frees_nothing(two: Two) {
        let before = fence_of(admit(&two.a, 1, 1).await);
        let claimed = two.b.claim(&shown(1, "token")).await.unwrap();
        assert!(matches!(claimed, trunkline_fleet::Claimed::Yes { fence, .. } if fence > before));
        assert_eq!(two.a.note().await, Note::Moved(call(1)));
        two.a.release(&call(1), &shop(), before);
        let pulse = two.a.beat(&[holding(1, before, None)]).await.unwrap();
        assert_eq!(pulse.lost, [call(1)]);
        assert_eq!(admit(&two.a, 2, 1).await, Verdict::Full);
    }

    async fn what_was_taken_without_the_fleet_counts_once_it_is_told(two: Two) {
        let pulse = two.a.beat(&[holding(1, 0, Some("{}")), holding(2, 0, None)]).await.unwrap();
        assert_eq!(pulse.fences.len(), 2, "{pulse:?}");
        assert_eq!(admit(&two.b, 3, 2).await, Verdict::Full);
        let fence = pulse.fences[0].1;
        two.a.release(&pulse.fences[0].0, &shop(), fence);
        wait_for("the slot", async || {
            matches!(admit(&two.b, 3, 2).await, Verdict::Granted { .. }).then_some(())
        })
        .await;
    }

    async fn every_node_sees_the_live_calls_of_all(two: Two) {
        let (one, other) = (fence_of(admit(&two.a, 1, 0).await), fence_of(admit(&two.b, 2, 0).await));
        let claimed = two.a.claim(&shown(1, "token")).await.unwrap();
        assert!(matches!(claimed, trunkline_fleet::Claimed::Yes { fence, .. } if fence > one));
        two.a.beat(&[holding(1, one + 2, Some("{\"phase\":1}"))]).await.unwrap();
        two.b.beat(&[holding(2, other, None)]).await.unwrap();
        for node in [&two.a, &two.b] {
            let live = node.live().await.unwrap();
            assert_eq!(live.len(), 1, "{live:?}");
            assert_eq!((live[0].node.node(), live[0].view.as_str()), ("a", "{\"phase\":1}"));
            assert_eq!(node.owner(&call(1)).await.unwrap(), Some(key("a")));
            assert_eq!(node.owner(&call(2)).await.unwrap(), None, "only reserved");
        }
        assert_eq!(two.b.beat(&[]).await.unwrap().weather.nodes, 2);
        two.a.leave().await.unwrap();
        assert_eq!(two.b.live().await.unwrap(), []);
        assert_eq!(two.b.beat(&[]).await.unwrap().weather.nodes, 1);
    }

    async fn nodes_speak_to_each_other(two: Two) {
        let order = Note::Asked {
            id: "7".to_owned(),
            from: key("a"),
            call: call(1),
            order: "{\"command\":\"Hangup\"}".to_owned(),
        };
        assert!(two.a.send(&key("b"), &order).await.unwrap());
        assert_eq!(two.b.note().await, order);
        let nobody = two.a.send(&key("c"), &order).await.unwrap();
        assert!(!nobody, "nobody listens there");
    }
}
