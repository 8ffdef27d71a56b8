//! Where a request comes from.

use actix_web::HttpRequest;

/// The peer, or whom a trusted proxy says it passes on, which is what it has added
/// last: what stands before that is whatever the client wrote.
pub(super) fn source(request: &HttpRequest, proxy_is_trusted: bool) -> Option<String> {
    let forwarded = || {
        let value = request.headers().get("x-forwarded-for")?.to_str().ok()?;
        let last = value.rsplit(',').next()?.trim();
        last.parse::<std::net::IpAddr>().ok().map(|address| address.to_string())
    };
    let peer = || request.peer_addr().map(|peer| peer.ip().to_string());
    proxy_is_trusted.then(forwarded).flatten().or_else(peer)
}
