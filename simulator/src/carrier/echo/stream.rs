//! An echo caller's stream, from its opening to its end.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;

use tokio::time::sleep;

use super::EchoLoad;
use super::caller::Caller;
use crate::carrier::call::{Call, Page};
use crate::carrier::report::{StreamEnd, StreamReport};
use crate::carrier::twiml::Stream;
use crate::carrier::wire::Wire;
use crate::thin::READ_BYTES;

thread_local! {
    /// All connections of a thread read into this, one at a time.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

impl Call<'_> {
    /// Runs an echo caller's stream.
    pub(in crate::carrier) async fn run_echo(
        &mut self,
        load: EchoLoad,
        noun: &Stream,
        page: &Page,
        wire: Wire,
        mut report: StreamReport,
    ) -> StreamEnd {
        let began_ms = self.clock.ms();
        let stream_sid = report.stream_sid.clone();
        let connection = match self.line.open_thin(&noun.url).await {
            Ok(connection) => connection,
            Err(error) => {
                let message = error.to_string();
                self.announce(noun, page, &stream_sid, "stream-error", Some(&message));
                self.error(Some(error.code), message);
                return self.keep(report);
            }
        };
        report.open_ms = Some(self.clock.ms().saturating_sub(began_ms));
        self.report.setup_ms.get_or_insert(self.clock.ms());
        self.announce(noun, page, &stream_sid, "stream-started", None);
        let clocks = (Rc::clone(&load.meter), self.clock);
        let caller =
            Caller::begin(connection, wire, &noun.parameters, clocks, self.deadline(), report);
        let caller = Rc::new(RefCell::new(caller));
        load.wheel.add(Rc::clone(&caller));
        // A task of its own: a wake-up then does not pass through the whole call.
        let reader = Rc::clone(&caller);
        let reading = actix_rt::spawn(poll_fn(move |context| {
            BUFFER.with_borrow_mut(|buffer| reader.borrow_mut().poll(context, buffer))
        }));
        let end = reading.await.unwrap_or(StreamEnd::ServerVanished);
        let answered = caller.borrow().was_answered();
        let report = caller.borrow_mut().finish(end);
        // A socket that is closed with bytes unread is reset, and `stop` lost.
        sleep(Caller::goodbye()).await;
        self.announce(noun, page, &stream_sid, "stream-stopped", None);
        self.judge(&report);
        if end == StreamEnd::ServerClosed {
            self.error(None, "the server ended the stream in the middle of the echo".to_owned());
        } else if !answered {
            self.error(None, "no frame came back: is the model an echo?".to_owned());
        }
        self.keep(report)
    }
}
