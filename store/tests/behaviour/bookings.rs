//! No two bookings overlap, whoever makes them and however; the database sees to it.

use std::thread;

use crate::support::{Database, at, tenant};
use chrono::{DateTime, Utc};
use trunkline_core::ids::ResourceId;
use trunkline_core::pii::{Personal, PhoneNumber};
use trunkline_store::{
    AppointmentQuery, AppointmentRow, AppointmentStatus, Booked, BookingError, ConfirmationNumber,
    NewAppointment, NewHold, Store, TakenBy, TimeSlot, TokenHash, When,
};

fn minute(minute: i64) -> DateTime<Utc> {
    at(minute * 60_000)
}

fn slot(from: i64, to: i64) -> TimeSlot {
    TimeSlot::new(minute(from), u32::try_from(to - from).unwrap()).unwrap()
}

fn chair(name: &str) -> ResourceId {
    ResourceId::parse(name).unwrap()
}

fn new(when: When) -> NewAppointment {
    NewAppointment {
        when,
        customer_name: Personal::new("Ada Lovelace"),
        phone_number: PhoneNumber::new("+14155550123"),
        email: Some(Personal::new("ada@example.com")),
        service: Some("cut".to_owned()),
        call_sid: None,
        request: None,
    }
}

fn wanted(from: i64, to: i64) -> NewAppointment {
    new(When::At(chair("one"), slot(from, to)))
}

fn hold(from: i64, to: i64, until: i64) -> NewHold {
    NewHold {
        resource: chair("one"),
        slot: slot(from, to),
        expires_at: minute(until),
        call_sid: None,
    }
}

fn book(store: &Store, wanted: &NewAppointment) -> Result<AppointmentRow, BookingError> {
    store.book(&tenant("salon"), wanted, minute(0)).map(|booked| match booked {
        Booked::Now(row) | Booked::Before(row) => row,
    })
}

fn is_taken<T>(result: &Result<T, BookingError>) -> bool {
    matches!(result, Err(BookingError::Taken))
}

/// The times that stand, as minutes.
fn times(store: &Store) -> Vec<(i64, i64)> {
    let all = AppointmentQuery { limit: 100, ..AppointmentQuery::default() };
    let of = |time: DateTime<Utc>| (time - minute(0)).num_minutes();
    let rows = store.appointments(&tenant("salon"), &all).unwrap();
    rows.iter().map(|row| (of(row.starts_at), of(row.ends_at))).collect()
}

fn owners(database: &Database) -> usize {
    database.names("SELECT owner_id AS name FROM occupied").len()
}

on_both_databases! {
    fn what_is_booked_is_read_back(database) {
        let row = book(&database.store, &wanted(60, 90)).unwrap();
        assert_eq!((row.starts_at, row.ends_at), (minute(60), minute(90)));
        assert_eq!((row.customer_name.expose(), row.phone_number.expose()), ("Ada Lovelace", "+14155550123"));
        assert_eq!((row.service.as_deref(), row.status), (Some("cut"), AppointmentStatus::Confirmed));
        assert_eq!(row.slot().minutes(), 30);
        assert!(row.confirmation_number.to_string().starts_with("APT-"));
        let store = &database.store;
        let found = store.appointment(&tenant("salon"), row.confirmation_number).unwrap();
        assert_eq!(found.as_ref(), Some(&row));
        assert!(!format!("{row:?}").contains("Ada") && !format!("{row:?}").contains("example"));
    }

    fn what_overlaps_is_refused_and_what_adjoins_is_not(database) {
        let store = &database.store;
        book(store, &wanted(60, 90)).unwrap();
        for (from, to) in [(60, 90), (50, 61), (89, 100), (70, 80), (50, 100)] {
            assert!(is_taken(&book(store, &wanted(from, to))), "{from} to {to}");
        }
        book(store, &wanted(30, 60)).unwrap();
        book(store, &wanted(90, 120)).unwrap();
        // Another chair, and another tenant's chair of the same name.
        book(store, &new(When::At(chair("two"), slot(60, 90)))).unwrap();
        store.book(&tenant("garage"), &wanted(60, 90), minute(0)).unwrap();
        assert_eq!(times(store), [(30, 60), (60, 90), (60, 90), (90, 120)]);
        assert_eq!(owners(database), 5);
    }

    fn a_statement_behind_our_back_is_refused_as_well(database) {
        let row = book(&database.store, &wanted(60, 90)).unwrap();
        let copy = |id: &str, number: &str, starts_at: &str, ends_at: &str| database.execute(&format!(
            "INSERT INTO appointments (id, tenant_id, resource, confirmation_number, customer_name,
                phone_number, status, starts_at, ends_at, created_at, updated_at)
             SELECT '{id}', tenant_id, resource, '{number}', customer_name, phone_number, status,
                {starts_at}, {ends_at}, created_at, updated_at FROM appointments WHERE id = '{}'", row.id));
        let refused = |result: diesel::QueryResult<()>, why: &str| {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        refused(copy("x", "APT-00001", "starts_at", "ends_at"), "occupied_no_overlap");
        let hold = |id: &str| database.execute(&format!(
            "INSERT INTO holds (id, tenant_id, resource, token_hash, starts_at, ends_at, expires_at, created_at)
             SELECT '{id}', tenant_id, resource, '{}', starts_at, ends_at, ends_at, created_at
             FROM appointments WHERE id = '{}'", "0".repeat(64), row.id));
        refused(hold("h"), "occupied_no_overlap");
        // A time that is changed into another's.
        let later = book(&database.store, &wanted(90, 120)).unwrap();
        refused(database.execute(&format!(
            "UPDATE appointments SET starts_at = '{}' WHERE id = '{}'",
            minute(89).format("%F %T"), later.id)), "occupied_no_overlap");
        // A cancelled one that is revived where somebody else is by now.
        let store = &database.store;
        store.cancel(&tenant("salon"), row.confirmation_number, minute(0)).unwrap();
        hold("h").unwrap();
        refused(database.execute("UPDATE appointments SET status = 'confirmed', cancelled_at = NULL"), "occupied_no_overlap");
        // Times in another form would not compare.
        if database.url.starts_with("sqlite") {
            refused(copy("x", "APT-00001", "'2030-01-01T10:00:00'", "'2030-01-01 11:00:00'"), "CHECK");
        }
        refused(copy("x", "APT-1", "starts_at", "ends_at"), "");
        assert_eq!(times(store), [(90, 120)]);
    }

    fn what_is_deleted_behind_our_back_is_free(database) {
        let store = &database.store;
        book(store, &wanted(60, 90)).unwrap();
        store.hold(&tenant("salon"), &hold(90, 120, 10), minute(0)).unwrap();
        assert_eq!(owners(database), 2);
        // As our own connections have it.
        database.execute("PRAGMA foreign_keys = ON; DELETE FROM appointments; DELETE FROM holds").or_else(|_|
            database.execute("DELETE FROM appointments; DELETE FROM holds")).unwrap();
        assert_eq!(owners(database), 0);
        book(store, &wanted(60, 120)).unwrap();
    }

    fn a_cancelled_time_is_free_at_once(database) {
        let (store, salon) = (&database.store, tenant("salon"));
        let row = book(store, &wanted(60, 90)).unwrap();
        let cancelled = store.cancel(&salon, row.confirmation_number, minute(5)).unwrap();
        assert_eq!((cancelled.status, cancelled.cancelled_at), (AppointmentStatus::Cancelled, Some(minute(5))));
        // Again is the same.
        assert_eq!(store.cancel(&salon, row.confirmation_number, minute(6)).unwrap(), cancelled);
        book(store, &wanted(60, 90)).unwrap();
        let error = store.reschedule(&salon, row.confirmation_number, slot(200, 230), minute(7)).unwrap_err();
        assert!(matches!(error, BookingError::Cancelled), "{error}");
        let all = AppointmentQuery { with_cancelled: true, limit: 10, ..AppointmentQuery::default() };
        assert_eq!(store.appointments(&salon, &all).unwrap().len(), 2);
    }

    fn an_appointment_moves_whole_or_not_at_all(database) {
        let (store, salon) = (&database.store, tenant("salon"));
        let row = book(store, &wanted(60, 90)).unwrap();
        book(store, &wanted(90, 120)).unwrap();
        assert!(is_taken(&store.reschedule(&salon, row.confirmation_number, slot(80, 110), minute(1))));
        assert_eq!(times(store), [(60, 90), (90, 120)]);
        // Its own time does not stand in its way.
        let moved = store.reschedule(&salon, row.confirmation_number, slot(50, 80), minute(2)).unwrap();
        assert_eq!((moved.id, moved.starts_at, moved.updated_at), (row.id, minute(50), minute(2)));
        assert_eq!(times(store), [(50, 80), (90, 120)]);
        book(store, &wanted(80, 90)).unwrap();
        // An expired hold does not, either.
        store.hold(&salon, &hold(200, 230, 10), minute(1)).unwrap();
        assert!(is_taken(&store.reschedule(&salon, row.confirmation_number, slot(210, 240), minute(9))));
        store.reschedule(&salon, row.confirmation_number, slot(210, 240), minute(10)).unwrap();
        assert_eq!(owners(database), 3);
    }

    fn a_hold_keeps_its_time_until_it_runs_out(database) {
        let (store, salon) = (&database.store, tenant("salon"));
        let (held, token) = store.hold(&salon, &hold(60, 90, 10), minute(0)).unwrap();
        assert_eq!(store.holds(&salon, minute(9)).unwrap().first(), Some(&held));
        assert!(!format!("{held:?}").contains(&token));
        assert!(is_taken(&book(store, &wanted(60, 90))));
        assert!(is_taken(&store.hold(&salon, &hold(80, 95, 20), minute(9))));
        // From that moment on it is nobody's.
        assert_eq!(store.holds(&salon, minute(10)).unwrap(), []);
        let late = store.book(&salon, &new(When::Held(TokenHash::of(&token))), minute(10)).unwrap_err();
        assert!(matches!(late, BookingError::HoldExpired), "{late}");
        let (again, _) = store.hold(&salon, &hold(80, 95, 20), minute(10)).unwrap();
        let gone = store.book(&salon, &new(When::Held(TokenHash::of(&token))), minute(10)).unwrap_err();
        assert!(matches!(gone, BookingError::NoSuchHold), "{gone}");
        assert!(store.release_hold(&salon, again.id).unwrap());
        assert!(!store.release_hold(&salon, again.id).unwrap());
        assert_eq!(owners(database), 0);
    }

    fn whoever_holds_a_time_may_book_it_once(database) {
        let (store, salon) = (&database.store, tenant("salon"));
        let (held, token) = store.hold(&salon, &hold(60, 90, 10), minute(0)).unwrap();
        let with_token = || new(When::Held(TokenHash::of(&token)));
        assert!(matches!(store.book(&salon, &new(When::Held(TokenHash::of("guess"))), minute(1)), Err(BookingError::NoSuchHold)));
        let Booked::Now(row) = store.book(&salon, &with_token(), minute(1)).unwrap() else {
            panic!("it was booked before");
        };
        assert_eq!((row.slot(), &row.resource), (held.slot(), &held.resource));
        assert_eq!(store.holds(&salon, minute(1)).unwrap(), []);
        assert!(matches!(store.book(&salon, &with_token(), minute(1)), Err(BookingError::NoSuchHold)));
        assert_eq!(owners(database), 1);
    }

    fn a_request_with_a_name_is_carried_out_once(database) {
        let (store, salon) = (&database.store, tenant("salon"));
        let named = |when: When| NewAppointment { request: Some(TokenHash::of("r1")), ..new(when) };
        let at_sixty = || named(When::At(chair("one"), slot(60, 90)));
        let first = book(store, &at_sixty()).unwrap();
        assert_eq!(store.book(&salon, &at_sixty(), minute(3)).unwrap(), Booked::Before(first.clone()));
        // Another request under the same name is a mistake; another tenant's is not.
        let other = named(When::At(chair("one"), slot(90, 120)));
        assert!(matches!(store.book(&salon, &other, minute(3)), Err(BookingError::KeyReused)));
        assert!(matches!(store.book(&tenant("garage"), &at_sixty(), minute(3)), Ok(Booked::Now(_))));
        // A hold is used up by the first.
        let (_, token) = store.hold(&salon, &hold(200, 230, 10), minute(0)).unwrap();
        let held = || NewAppointment { request: Some(TokenHash::of("r2")), ..new(When::Held(TokenHash::of(&token))) };
        let row = book(store, &held()).unwrap();
        assert_eq!(store.book(&salon, &held(), minute(1)).unwrap(), Booked::Before(row));
        assert_eq!(times(store), [(60, 90), (200, 230)]);
    }

    fn a_tenant_sees_and_changes_its_own(database) {
        let (store, garage) = (&database.store, tenant("garage"));
        let row = book(store, &wanted(60, 90)).unwrap();
        let number = row.confirmation_number;
        let (held, token) = store.hold(&tenant("salon"), &hold(90, 120, 10), minute(0)).unwrap();
        let all = AppointmentQuery { with_cancelled: true, limit: 10, ..AppointmentQuery::default() };
        assert_eq!(store.appointments(&garage, &all).unwrap(), []);
        assert_eq!(store.appointment(&garage, number).unwrap(), None);
        assert_eq!(store.holds(&garage, minute(0)).unwrap(), []);
        assert!(!store.release_hold(&garage, held.id).unwrap());
        assert!(matches!(store.cancel(&garage, number, minute(1)), Err(BookingError::NoSuchAppointment)));
        assert!(matches!(store.reschedule(&garage, number, slot(200, 230), minute(1)), Err(BookingError::NoSuchAppointment)));
        assert!(matches!(store.book(&garage, &new(When::Held(TokenHash::of(&token))), minute(1)), Err(BookingError::NoSuchHold)));
        assert_eq!(store.taken_times(&garage, &chair("one"), (minute(0), minute(600)), minute(0)).unwrap(), []);
        assert_eq!(store.appointment(&tenant("salon"), number).unwrap(), Some(row));
        assert_eq!(store.holds(&tenant("salon"), minute(0)).unwrap(), [held]);
    }

    fn appointments_are_found_by_time_and_by_customer(database) {
        let (store, salon) = (&database.store, tenant("salon"));
        for (from, number) in [(60, "+14155550123"), (90, "+14155550124"), (120, "+14155550123")] {
            let customer = PhoneNumber::new(number);
            book(store, &NewAppointment { phone_number: customer, ..wanted(from, from + 30) }).unwrap();
        }
        let found = |query: AppointmentQuery| -> Vec<i64> {
            let rows = store.appointments(&salon, &query).unwrap();
            rows.iter().map(|row| (row.starts_at - minute(0)).num_minutes()).collect()
        };
        let any = || AppointmentQuery { limit: 10, ..AppointmentQuery::default() };
        assert_eq!(found(any()), [60, 90, 120]);
        assert_eq!(found(AppointmentQuery { limit: 1, ..any() }), [60]);
        assert_eq!(found(AppointmentQuery { from: Some(minute(90)), to: Some(minute(120)), ..any() }), [90]);
        let ada = Some(PhoneNumber::new("+1 (415) 555-0123"));
        assert_eq!(found(AppointmentQuery { phone_number: ada, ..any() }), [60, 120]);
    }

    fn what_is_taken_and_what_is_free(database) {
        let (store, salon) = (&database.store, tenant("salon"));
        book(store, &wanted(60, 90)).unwrap();
        book(store, &new(When::At(chair("two"), slot(0, 600)))).unwrap();
        store.hold(&salon, &hold(120, 150, 10), minute(0)).unwrap();
        let day = (minute(30), minute(180));
        let taken = store.taken_times(&salon, &chair("one"), day, minute(9)).unwrap();
        assert_eq!(taken.iter().map(|time| (time.slot, time.by)).collect::<Vec<_>>(),
            [(slot(60, 90), TakenBy::Appointment), (slot(120, 150), TakenBy::Hold)]);
        assert_eq!(store.free_times(&salon, &chair("one"), day, minute(9)).unwrap(),
            [slot(30, 60), slot(90, 120), slot(150, 180)]);
        assert_eq!(store.free_times(&salon, &chair("one"), day, minute(10)).unwrap(),
            [slot(30, 60), slot(90, 180)]);
    }

    fn of_many_at_once_one_gets_it(database) {
        // As many processes do it: each with connections of its own.
        let number = at_once(database, |store, n| {
            let customer = PhoneNumber::new(&format!("+1415555{n:04}"));
            let result = store.book(&tenant("salon"), &NewAppointment { phone_number: customer, ..wanted(60, 90) }, minute(0));
            assert!(result.is_ok() || is_taken(&result), "{result:?}");
            result.is_ok()
        });
        assert_eq!((number, times(&database.store).len(), owners(database)), (1, 1, 1));
        // An overlap is enough, and holds are in it.
        let number = at_once(database, |store, n| {
            let shift = i64::from(n);
            if n % 2 == 0 {
                book(store, &wanted(200 + shift, 260 + shift)).is_ok()
            } else {
                store.hold(&tenant("salon"), &hold(200 + shift, 260 + shift, 10), minute(0)).is_ok()
            }
        });
        assert_eq!((number, owners(database)), (1, 2));
    }

    fn many_who_want_different_times_all_get_them(database) {
        let number = at_once(database, |store, n| {
            let from = i64::from(n) * 10;
            book(store, &wanted(from, from + 10)).unwrap();
            true
        });
        assert_eq!((number, times(&database.store).len()), (20, 20));
    }

    fn the_same_request_many_times_at_once_is_one(database) {
        let request = NewAppointment { request: Some(TokenHash::of("r1")), ..wanted(60, 90) };
        let made = at_once(database, |store, _| {
            matches!(store.book(&tenant("salon"), &request, minute(0)).unwrap(), Booked::Now(_))
        });
        assert_eq!((made, times(&database.store).len()), (1, 1));
    }

    fn a_number_that_is_taken_is_drawn_again(database) {
        // Three in four numbers are taken: most draws are in vain.
        let fill = match database.url.starts_with("sqlite") {
            true => "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 74999)
                INSERT INTO appointments SELECT 'f' || i, 'salon', 'x', printf('APT-%05d', i), '', '', NULL, NULL,
                'cancelled', '2020-01-01 00:00:00', '2020-01-01 00:10:00', NULL, NULL, 0, 0, 0 FROM n",
            false => "INSERT INTO appointments SELECT 'f' || i, 'salon', 'x', 'APT-' || lpad(i::text, 5, '0'), '', '', NULL, NULL,
                'cancelled', '2020-01-01 00:00:00', '2020-01-01 00:10:00', NULL, NULL, now(), now(), now()
                FROM generate_series(0, 74999) i",
        };
        database.execute(fill).unwrap();
        for from in 0..5 {
            book(&database.store, &wanted(from * 10, from * 10 + 10)).unwrap();
        }
        let numbers = database.names("SELECT confirmation_number AS name FROM appointments WHERE status = 'confirmed'");
        assert!(numbers.iter().all(|number| number.as_str() >= "APT-75000"), "{numbers:?}");
        assert!(numbers[0].parse::<ConfirmationNumber>().is_ok());
    }
}

/// How many of twenty who do it at once are told yes.
fn at_once(database: &Database, ask: impl Fn(&Store, u32) -> bool + Sync) -> usize {
    thread::scope(|scope| {
        let ask = &ask;
        let asking: Vec<_> = (0..20)
            .map(|n| scope.spawn(move || ask(&Store::open(&database.url, 1).unwrap(), n)))
            .collect();
        asking.into_iter().map(|one| one.join().unwrap()).filter(|yes| *yes).count()
    })
}
