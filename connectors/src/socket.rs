//! What a voice connection asks of its socket.
//!
//! A peer whose machine or network is gone says nothing, and left to itself TCP
//! keeps such a connection for a quarter of an hour. A peer that still answers but
//! no longer reads keeps it for ever.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How long what was sent may stay unacknowledged, or a peer that does not read may
/// keep its window shut, before the connection is given up. Half of the fifteen
/// seconds in which a dead peer is to be found, less a little: what is sent just
/// before a silent connection would be given up is waited for as long again.
pub const PEER_PATIENCE: Duration = Duration::from_secs(7);

/// A connection on which nothing comes is asked for a sign of life after so long,
/// and once a second from then on.
const IDLE: Duration = Duration::from_secs(3);
const BETWEEN_PROBES: Duration = Duration::from_secs(1);

/// Sets a socket up for frames that are late when they wait for each other, from a
/// peer that may vanish. What the system does not offer is done without: the call's
/// own watches are there too, and are slower.
pub fn tune(stream: &TcpStream) {
    // A frame that waits for the acknowledgement of the one before it is late.
    told("TCP_NODELAY", stream.set_nodelay(true));
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new().with_time(IDLE).with_interval(BETWEEN_PROBES);
    told("keepalive", socket.set_tcp_keepalive(&probes));
    #[cfg(target_os = "linux")]
    told("TCP_USER_TIMEOUT", socket.set_tcp_user_timeout(Some(PEER_PATIENCE)));
}

fn told(option: &str, set: std::io::Result<()>) {
    if let Err(error) = set {
        tracing::debug!(option, %error, "an option of a socket could not be set");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_peer_that_vanishes_is_not_waited_for() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            tune(&stream);
            let socket = SockRef::from(&stream);
            assert!(stream.nodelay().unwrap());
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(PEER_PATIENCE));
        });
    }
}
