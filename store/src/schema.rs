//! The tables as the queries see them. `migrations/` makes them; a test compares.

diesel::table! {
    nodes (node_id) {
        node_id -> Text,
        started_at -> Timestamp,
        last_seen_at -> Timestamp,
        stopped_at -> Nullable<Timestamp>,
        version -> Text,
        pid -> BigInt,
        address -> Text,
    }
}

diesel::table! {
    tenant_switches (tenant_id) {
        tenant_id -> Text,
        channel_enabled -> Bool,
        stream_enabled -> Nullable<Bool>,
        bridge_only -> Bool,
        updated_at -> Timestamp,
        updated_by -> Text,
    }
}

diesel::table! {
    calls (id) {
        id -> Text,
        call_sid -> Text,
        tenant_id -> Text,
        account_sid -> Nullable<Text>,
        stream_sid -> Nullable<Text>,
        direction -> Text,
        channel -> Text,
        from_number -> Text,
        to_number -> Text,
        status -> Text,
        phase -> Text,
        outcome -> Nullable<Text>,
        mode -> Text,
        handoff -> Bool,
        handoff_reason -> Nullable<Text>,
        error -> Nullable<Text>,
        turn_count -> Integer,
        barge_in_count -> Integer,
        tool_call_count -> Integer,
        duration_ms -> Nullable<BigInt>,
        realtime_provider -> Nullable<Text>,
        model -> Nullable<Text>,
        voice -> Nullable<Text>,
        persona -> Nullable<Text>,
        node_id -> Nullable<Text>,
        seed -> Nullable<BigInt>,
        captured_fields -> Text,
        created_at -> Timestamp,
        stream_started_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        updated_at -> Timestamp,
        words_gone_at -> Nullable<Timestamp>,
        numbers_gone_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    call_events (id) {
        id -> Text,
        call_sid -> Nullable<Text>,
        tenant_id -> Nullable<Text>,
        seq -> Integer,
        at -> Timestamp,
        at_us -> BigInt,
        kind -> Text,
        channel -> Text,
        data -> Text,
    }
}

diesel::table! {
    transcripts (id) {
        id -> Text,
        call_sid -> Text,
        tenant_id -> Text,
        turn -> Integer,
        speaker -> Text,
        generated -> Text,
        heard -> Nullable<Text>,
        item_id -> Nullable<Text>,
        interrupted -> Bool,
        started_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    stream_handshakes (call_sid) {
        call_sid -> Text,
        tenant_id -> Text,
        elapsed_ms -> Nullable<BigInt>,
        first_audio_ms -> Nullable<BigInt>,
        fell_back -> Bool,
        error_message -> Nullable<Text>,
        started_at -> Timestamp,
    }
}

diesel::table! {
    side_effects (key) {
        key -> Text,
        tenant_id -> Text,
        call_sid -> Text,
        operation -> Text,
        inputs_hash -> Text,
        state -> Text,
        result -> Nullable<Text>,
        attempts -> Integer,
        begun_by -> Text,
        begun_at -> Timestamp,
        done_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    appointments (id) {
        id -> Text,
        tenant_id -> Text,
        resource -> Text,
        confirmation_number -> Text,
        customer_name -> Text,
        phone_number -> Text,
        email -> Nullable<Text>,
        service -> Nullable<Text>,
        status -> Text,
        starts_at -> Timestamp,
        ends_at -> Timestamp,
        call_sid -> Nullable<Text>,
        request_hash -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        cancelled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    holds (id) {
        id -> Text,
        tenant_id -> Text,
        resource -> Text,
        token_hash -> Text,
        starts_at -> Timestamp,
        ends_at -> Timestamp,
        expires_at -> Timestamp,
        call_sid -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    handoffs (call_sid) {
        call_sid -> Text,
        tenant_id -> Text,
        reason -> Text,
        target -> Text,
        announced_at -> Timestamp,
        outcome -> Nullable<Text>,
        outcome_at -> Nullable<Timestamp>,
        talk_s -> Nullable<Integer>,
    }
}

diesel::table! {
    recordings (id) {
        id -> Text,
        tenant_id -> Text,
        call_sid -> Text,
        account_sid -> Text,
        recording_sid -> Text,
        state -> Text,
        attempts -> Integer,
        next_attempt_at -> Nullable<Timestamp>,
        node_id -> Nullable<Text>,
        error -> Nullable<Text>,
        path -> Nullable<Text>,
        bytes -> Nullable<BigInt>,
        duration_s -> Nullable<Integer>,
        channels -> Nullable<Integer>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    blocked_numbers (tenant_id, pattern) {
        tenant_id -> Text,
        pattern -> Text,
        created_at -> Timestamp,
        created_by -> Text,
    }
}

diesel::table! {
    call_costs (call_sid) {
        call_sid -> Text,
        tenant_id -> Text,
        node_id -> Text,
        day -> Text,
        nanos -> BigInt,
        unpriced -> Bool,
        estimated -> Bool,
        breakdown -> Text,
        created_at -> Timestamp,
        incomplete -> Bool,
    }
}

diesel::table! {
    tenant_costs (tenant_id, day, node_id) {
        tenant_id -> Text,
        day -> Text,
        node_id -> Text,
        nanos -> BigInt,
        calls -> Integer,
        unpriced_calls -> Integer,
        incomplete_calls -> Integer,
    }
}

diesel::table! {
    early_records (id) {
        id -> Text,
        call_sid -> Text,
        tenant_id -> Text,
        kind -> Text,
        subject -> Text,
        record -> Text,
        kept_at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(early_records, calls, handoffs);
