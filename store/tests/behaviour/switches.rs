//! Switches are thrown one at a time, and whoever throws one is written down.

use crate::support::{at, tenant};
use serde_json::json;
use trunkline_store::{Scope, StreamSwitch, SwitchChange};

on_both_databases! {
    fn a_switch_leaves_the_others_as_they_are(database) {
        let store = &database.store;
        assert_eq!(store.switches(Scope::AllTenants).unwrap(), []);
        let salon = Some(tenant("salon"));
        let change = |channel, stream, bridge| SwitchChange {
            tenant_id: salon.clone(),
            channel_enabled: channel,
            stream_enabled: stream,
            bridge_only: bridge,
        };
        let row = store.set_switch(&change(Some(false), None, None), "ann", at(1)).unwrap();
        assert_eq!((row.channel_enabled, row.stream_enabled, row.bridge_only), (false, None, false));
        let row = store.set_switch(&change(None, Some(StreamSwitch::Off), None), "bob", at(2)).unwrap();
        assert_eq!((row.channel_enabled, row.stream_enabled, row.bridge_only), (false, Some(false), false));
        let row = store.set_switch(&change(Some(true), Some(StreamSwitch::File), Some(true)), "eve", at(3)).unwrap();
        assert_eq!((row.channel_enabled, row.stream_enabled, row.bridge_only), (true, None, true));
        assert_eq!((row.updated_by.as_str(), row.updated_at), ("eve", at(3)));
        assert_eq!(store.switches(Scope::AllTenants).unwrap(), [row]);
    }

    fn everybodys_switch_is_its_own_row(database) {
        let store = &database.store;
        let emergency = SwitchChange { bridge_only: Some(true), ..SwitchChange::default() };
        store.set_switch(&emergency, "ann", at(1)).unwrap();
        let one = SwitchChange { tenant_id: Some(tenant("salon")), ..SwitchChange::default() };
        store.set_switch(&one, "ann", at(2)).unwrap();
        let rows = store.switches(Scope::AllTenants).unwrap();
        assert_eq!(rows.iter().map(|r| r.tenant_id.clone()).collect::<Vec<_>>(), [None, Some(tenant("salon"))]);
        assert_eq!(rows.iter().map(|r| r.bridge_only).collect::<Vec<_>>(), [true, false]);
    }

    fn who_threw_it_is_in_the_log(database) {
        let store = &database.store;
        let off = SwitchChange { tenant_id: Some(tenant("salon")), channel_enabled: Some(false), ..SwitchChange::default() };
        store.set_switch(&off, "ann", at(1)).unwrap();
        let events = store.events_without_call(Scope::Tenant(&tenant("salon")), at(0), 10).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].kind.as_str(), &events[0].call_sid), ("switch_changed", &None));
        assert_eq!(events[0].data.0["by"], json!("ann"));
        assert_eq!(events[0].data.0["channel_enabled"], json!(false));
        assert_eq!(store.events_without_call(Scope::Tenant(&tenant("garage")), at(0), 10).unwrap(), []);
    }
}
