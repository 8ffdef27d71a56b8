//! The media path of one call, shared by the two actors that own its sockets.
//!
//! Both run on the call's thread, so a frame goes from one socket to the other
//! through this and no mailbox. Whoever puts something in wakes whoever writes.

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use actix_http::ws::Message;
use bytes::Bytes;
use bytestring::ByteString;
use trunkline_core::audio::chunk::{decoded_len, is_plausible_base64};
use trunkline_core::audio::transcode::{Pcm24kToPcmu, PcmuToPcm24k};
use trunkline_core::cost::Counter;
use trunkline_core::detect::EarsSettings;
use trunkline_core::ids::StreamSid;
use trunkline_core::media::{Downlink, Hearing, Pushed, Uplink};
use trunkline_core::tenant::ModelAudio;
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::BargeInInput;

use crate::barge_in::{BargeIn, BargeInMessage};
use crate::clock::CallClock;
use crate::message::Link;
use crate::model_socket::ModelSocket;

/// Converters, where the model does not speak what the telephone speaks.
struct Transcoders {
    up: PcmuToPcm24k,
    down: Pcm24kToPcmu,
    /// The item whose audio is in the converter towards the caller.
    item: String,
    converted: String,
}

/// See the module's text.
pub struct MediaLink {
    clock: CallClock,
    uplink: RefCell<Uplink>,
    /// Whether frames go to a pipeline rather than to a speech model.
    to_pipeline: Cell<bool>,
    downlink: RefCell<Downlink>,
    transcoders: RefCell<Option<Transcoders>>,
    hearing: RefCell<Option<Hearing>>,
    /// Who is told what our ears hear.
    listener: RefCell<Option<Link<BargeIn>>>,
    up_waker: RefCell<Option<Waker>>,
    /// The model's socket, while frames may go to it by themselves.
    model: RefCell<Option<Rc<RefCell<ModelSocket>>>>,
    down_waker: RefCell<Option<Waker>>,
    /// Whether the downlink has changed since its writer last looked.
    down_changed: Cell<bool>,
    bad_audio: Cell<u64>,
    usage: RefCell<Counter>,
}

impl MediaLink {
    /// A path for the stream `stream`.
    #[must_use]
    pub fn new(clock: CallClock, stream: StreamSid) -> Self {
        Self {
            clock,
            uplink: RefCell::default(),
            to_pipeline: Cell::default(),
            downlink: RefCell::new(Downlink::new(stream)),
            transcoders: RefCell::default(),
            hearing: RefCell::default(),
            listener: RefCell::default(),
            up_waker: RefCell::default(),
            model: RefCell::default(),
            down_waker: RefCell::default(),
            down_changed: Cell::new(true),
            bad_audio: Cell::new(0),
            usage: RefCell::default(),
        }
    }

    /// Sets what the model speaks.
    ///
    /// # Errors
    /// When the resampler cannot be made.
    pub fn set_model_audio(&self, audio: ModelAudio) -> Result<(), String> {
        let transcoders = match audio {
            ModelAudio::Pcmu => None,
            ModelAudio::Pcm24k => Some(Transcoders {
                up: PcmuToPcm24k::new().map_err(|e| e.to_string())?,
                down: Pcm24kToPcmu::new().map_err(|e| e.to_string())?,
                item: String::new(),
                converted: String::new(),
            }),
        };
        *self.transcoders.borrow_mut() = transcoders;
        Ok(())
    }

    /// A speech model is spoken to from now on, in this form.
    pub fn speak_to_model(&self, audio: ModelAudio) {
        if !self.to_pipeline.replace(false) {
            return;
        }
        self.uplink.borrow_mut().set_plain(false);
        if let Err(error) = self.set_model_audio(audio) {
            // The same was made when the call began.
            tracing::error!(error, "no resampler for the speech model");
        }
    }

    /// A pipeline is spoken to from now on, in what the telephone speaks.
    pub fn speak_to_pipeline(&self) {
        self.to_pipeline.set(true);
        self.uplink.borrow_mut().set_plain(true);
        *self.transcoders.borrow_mut() = None;
    }

    /// The call's clock.
    #[must_use]
    pub fn clock(&self) -> &CallClock {
        &self.clock
    }

    /// What the sessions' services are used for.
    pub fn usage(&self) -> RefMut<'_, Counter> {
        self.usage.borrow_mut()
    }

    /// Caller audio.
    pub fn uplink(&self) -> RefMut<'_, Uplink> {
        self.uplink.borrow_mut()
    }

    /// Agent audio.
    pub fn downlink(&self) -> RefMut<'_, Downlink> {
        self.downlink.borrow_mut()
    }

    /// Our own ears listen from now on.
    pub fn open_ears(&self, settings: EarsSettings) {
        *self.hearing.borrow_mut() = Some(Hearing::new(settings));
    }

    /// What they hear is told to `listener` from now on.
    pub fn report_sounds_to(&self, listener: Link<BargeIn>) {
        *self.listener.borrow_mut() = Some(listener);
    }

    /// Hands over what may go to the carrier now.
    pub fn write_down(&self, now: Micros, send: impl FnMut(String)) {
        let mut downlink = self.downlink.borrow_mut();
        match self.hearing.borrow_mut().as_mut() {
            Some(hearing) => downlink.poll_write_tapped(now, send, hearing),
            None => downlink.poll_write(now, send),
        }
    }

    fn listen(&self, payload: &str) {
        let mut hearing = self.hearing.borrow_mut();
        let Some(hearing) = hearing.as_mut() else {
            return;
        };
        let now = self.clock.now();
        let audible = self.downlink.borrow().is_audible(now);
        let Some(sound) = hearing.caller(payload, now, audible) else {
            return;
        };
        if let Some(listener) = self.listener.borrow().as_ref() {
            listener.tell(BargeInMessage::Input(BargeInInput::Sound(sound)));
        }
    }

    /// A caller frame, base64 μ-law.
    pub fn push_caller(&self, payload: &str) {
        self.listen(payload);
        let ready = match self.transcoders.borrow_mut().as_mut() {
            None => self.uplink.borrow_mut().push(payload),
            Some(both) => {
                both.converted.clear();
                match both.up.push(payload, &mut both.converted) {
                    Ok(0) => false,
                    Ok(_) => self.uplink.borrow_mut().push(&both.converted),
                    Err(_) => self.count_bad_audio(),
                }
            }
        };
        if ready && !self.write_up() {
            self.wake_up();
        }
    }

    /// Writes what waits for the model, in this task's time; `false` when that is
    /// for the session to do, who is also told of a broken socket that way.
    fn write_up(&self) -> bool {
        let (model, waker) = (self.model.borrow(), self.up_waker.borrow());
        let (Some(model), Some(waker)) = (model.as_ref(), waker.as_ref()) else {
            return false;
        };
        let wrote = model.borrow_mut().poll_write(
            &mut Context::from_waker(waker),
            || self.uplink.borrow().has_more(),
            || self.uplink.borrow_mut().pop().map(|frame| Message::Text(ByteString::from(frame))),
        );
        match wrote {
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(_)) => false,
            // The session's task is woken when the socket takes more.
            Poll::Pending => true,
        }
    }

    /// Frames go to `socket` by themselves from now on.
    pub fn attach_model(&self, socket: &Rc<RefCell<ModelSocket>>) {
        let mut model = self.model.borrow_mut();
        if model.is_none() {
            *model = Some(Rc::clone(socket));
        }
    }

    /// `socket` is gone.
    pub fn detach_model(&self, socket: &Rc<RefCell<ModelSocket>>) {
        self.model.borrow_mut().take_if(|model| Rc::ptr_eq(model, socket));
    }

    /// Frames wait for the session's task again.
    pub fn hold_frames(&self) {
        self.model.borrow_mut().take();
    }

    /// Agent audio, base64 in the model's form. Answers the bytes of μ-law that
    /// it came to.
    pub fn push_agent(&self, response: &str, item: &str, payload: &str) -> u64 {
        let mut transcoders = self.transcoders.borrow_mut();
        let mulaw = match transcoders.as_mut() {
            None if !is_plausible_base64(payload) => None,
            None => Some(payload),
            // Late audio of what may not be heard must not pass the converter: its
            // end would be mixed into the beginning of what comes next.
            Some(_) if !self.downlink.borrow_mut().wants(response) => return 0,
            Some(both) => {
                both.converted.clear();
                if both.item != item {
                    both.down.reset();
                    item.clone_into(&mut both.item);
                }
                let done = both.down.push(payload, &mut both.converted);
                done.is_ok().then_some(both.converted.as_str())
            }
        };
        let Some(mulaw) = mulaw else {
            self.count_bad_audio();
            return 0;
        };
        if mulaw.is_empty() {
            return 0;
        }
        match self.downlink.borrow_mut().push(response, item, mulaw) {
            Pushed::Queued => self.wake_down(),
            // It was received all the same, and is missing from what is heard.
            Pushed::Dropped => {}
            Pushed::Unwanted => return 0,
        }
        decoded_len(mulaw) as u64
    }

    /// All audio of an item is here: what the converter still holds follows.
    pub fn finish_agent(&self, response: &str, item: &str) {
        if let Some(both) = self.transcoders.borrow_mut().as_mut() {
            both.converted.clear();
            let is_its = std::mem::take(&mut both.item) == item;
            if is_its && both.down.flush(&mut both.converted).is_ok() && !both.converted.is_empty()
            {
                self.downlink.borrow_mut().push(response, item, &both.converted);
            }
        }
        self.downlink.borrow_mut().finish(item);
        self.wake_down();
    }

    /// Wakes the writer towards the model.
    pub fn wake_up(&self) {
        if let Some(waker) = self.up_waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Wakes the writer towards the caller: something about the downlink is not
    /// as it was.
    pub fn wake_down(&self) {
        self.down_changed.set(true);
        if let Some(waker) = self.down_waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Whether the downlink has changed since this was last asked. A writer is
    /// polled for many reasons, and looks at the downlink for this one only.
    pub fn down_has_changed(&self) -> bool {
        self.down_changed.replace(false)
    }

    /// The writer towards the model is to be woken by this.
    pub fn register_up(&self, waker: &Waker) {
        register(&self.up_waker, waker);
    }

    /// The writer towards the caller is to be woken by this.
    pub fn register_down(&self, waker: &Waker) {
        register(&self.down_waker, waker);
    }

    /// Payloads that were no audio, since the call began.
    #[must_use]
    pub fn bad_audio(&self) -> u64 {
        self.bad_audio.get()
    }

    fn count_bad_audio(&self) -> bool {
        self.bad_audio.set(self.bad_audio.get() + 1);
        false
    }
}

fn register(slot: &RefCell<Option<Waker>>, waker: &Waker) {
    let mut slot = slot.borrow_mut();
    if !slot.as_ref().is_some_and(|known| known.will_wake(waker)) {
        *slot = Some(waker.clone());
    }
}

impl std::fmt::Debug for MediaLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaLink").finish_non_exhaustive()
    }
}

/// A frame's bytes as text, without a copy where they are text.
///
/// # Errors
/// When they are not UTF-8.
pub fn text_of(bytes: &Bytes) -> Result<&str, std::str::Utf8Error> {
    std::str::from_utf8(bytes)
}
