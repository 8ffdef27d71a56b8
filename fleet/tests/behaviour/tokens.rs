//! Tokens: good once, in the whole fleet.

use futures_util::future::join_all;
use trunkline_fleet::{Claimed, Note, Verdict};

use crate::support::*;

fn is_yes(claimed: &Claimed) -> bool {
    matches!(claimed, Claimed::Yes { .. })
}

on_both! {
    async fn of_a_hundred_uses_of_one_token_one_counts(two: Two) {
        fence_of(admit(&two.a, 1, 5).await);
        let uses = (0..100).map(|number| {
            let node = if number % 2 == 0 { two.a.clone() } else { two.b.clone() };
            async move { node.claim(&shown(1, "token")).await.unwrap() }
        });
        let outcomes = join_all(uses).await;
        assert_eq!(outcomes.iter().filter(|claimed| is_yes(claimed)).count(), 1);
        assert_eq!(outcomes.iter().filter(|claimed| **claimed == Claimed::Used).count(), 99);
    }

    async fn the_node_where_the_stream_lands_learns_what_the_webhook_knew(two: Two) {
        fence_of(admit(&two.a, 1, 5).await);
        match two.b.claim(&shown(1, "token")).await.unwrap() {
            Claimed::Yes { booking: Some(booking), .. } => {
                assert_eq!(booking.tenant, shop());
                assert_eq!(booking.account, Some(account()));
                assert_eq!(booking.from, caller());
            }
            other => panic!("{other:?}"),
        }
    }

    async fn only_what_was_given_out_is_good(two: Two) {
        fence_of(admit(&two.a, 1, 5).await);
        assert_eq!(two.b.claim(&shown(2, "token")).await.unwrap(), Claimed::Unknown);
        assert_eq!(two.b.claim(&shown(1, "made-up")).await.unwrap(), Claimed::WrongToken);
        let stranger = trunkline_core::ids::AccountSid::parse("AC2").unwrap();
        let of_another = trunkline_fleet::Shown { account: stranger, ..shown(1, "token") };
        assert_eq!(two.b.claim(&of_another).await.unwrap(), Claimed::WrongAccount);
        assert!(is_yes(&two.b.claim(&shown(1, "token")).await.unwrap()));
    }

    async fn a_webhook_delivered_to_each_node_gives_two_tokens_and_one_call(two: Two) {
        fence_of(two.a.admit(&ask(1, 5, "one")).await.unwrap().verdict);
        let again = two.b.admit(&ask(1, 5, "two")).await.unwrap().verdict;
        assert_eq!(again, Verdict::Known);
        assert!(is_yes(&two.a.claim(&shown(1, "two")).await.unwrap()));
        assert_eq!(two.b.claim(&shown(1, "one")).await.unwrap(), Claimed::Used);
    }

    async fn a_call_that_is_over_cannot_begin_anywhere(two: Two) {
        fence_of(admit(&two.a, 1, 1).await);
        assert!(two.b.forget(&call(1)).await.unwrap());
        assert!(!two.b.forget(&call(1)).await.unwrap(), "once");
        assert_eq!(two.a.note().await, Note::Forgotten(call(1)));
        assert_eq!(two.b.claim(&shown(1, "token")).await.unwrap(), Claimed::Used);
        assert_eq!(admit(&two.a, 1, 1).await, Verdict::Known, "nor be reserved again");
        fence_of(admit(&two.b, 2, 1).await);
    }

    async fn a_stream_that_comes_after_its_slot_was_given_back_takes_a_free_one(two: Two) {
        let fence = fence_of(admit(&two.a, 1, 1).await);
        two.a.release(&call(1), &shop(), fence);
        wait_for("the slot", async || {
            matches!(admit(&two.b, 2, 1).await, Verdict::Granted { .. }).then_some(())
        })
        .await;
        assert_eq!(two.b.claim(&shown(1, "token")).await.unwrap(), Claimed::Full);
        assert!(is_yes(&two.a.claim(&shown(2, "token")).await.unwrap()));
    }

    async fn a_used_token_stays_used_when_its_call_is_over(two: Two) {
        fence_of(admit(&two.a, 1, 1).await);
        let Claimed::Yes { fence, .. } = two.b.claim(&shown(1, "token")).await.unwrap() else {
            panic!("the first use");
        };
        two.b.release(&call(1), &shop(), fence);
        wait_for("the slot", async || {
            matches!(admit(&two.a, 2, 1).await, Verdict::Granted { .. }).then_some(())
        })
        .await;
        let verified = trunkline_fleet::Shown { verified: true, ..shown(1, "token") };
        assert_eq!(two.a.claim(&verified).await.unwrap(), Claimed::Used);
    }
}
