//! `trunkline bench`.

use serde_json::Value;

use crate::commands::{told, trunkline};

/// One scene of each kind: that the command measures, and that what it says adds up.
#[actix_rt::test]
async fn interruptions_are_measured_over_real_sockets() {
    let arguments = ["bench", "barge-in", "--most", "2", "--json"];
    let (code, shown, complaints) = told(&trunkline(&arguments, &[]).await);
    // 3: this machine was late, which says nothing of the command.
    assert!(matches!(code, Some(0 | 1 | 3)), "{code:?} {complaints}");
    let report: Value = serde_json::from_str(&shown).unwrap();
    let interruptions = &report["interruptions"];
    assert_eq!(interruptions["scenes"], 2, "{report:#}");
    let others = report["others"].as_array().unwrap();
    assert_eq!(others.len(), 6, "{report:#}");
    assert!(others.iter().all(|kind| kind["scenes"] == 2), "{report:#}");
    if code == Some(3) {
        return;
    }
    assert_eq!(interruptions["missed"], 0, "{report:#}");
    assert!(interruptions["stop_ms"]["max"].as_u64().unwrap() > 0, "{report:#}");
    assert_eq!(report["close_rate"], 1.0, "{report:#}");
    let quiet = others.iter().find(|kind| kind["label"] == "comfort_noise").unwrap();
    assert_eq!((&quiet["resumed"], &quiet["gave_up"]), (&0.into(), &0.into()), "{report:#}");
}

#[actix_rt::test]
async fn what_cannot_be_measured_is_said() {
    let none = trunkline(&["bench", "barge-in", "--sounds", "/nowhere"], &[]).await;
    let (code, _, complaints) = told(&none);
    assert_eq!(code, Some(2));
    assert!(complaints.contains("/nowhere/manifest.json cannot be read"), "{complaints}");
    let (code, _, complaints) =
        told(&trunkline(&["bench", "barge-in", "--only", "sneeze"], &[]).await);
    assert_eq!(code, Some(2));
    assert!(complaints.contains("there is no such kind; there are interruption,"), "{complaints}");
}
