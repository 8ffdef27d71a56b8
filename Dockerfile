# The server and its simulators in one image.
#
#   docker build -t trunkline .
#   docker run --rm -p 8080:8080 trunkline demo

FROM rust:1.95-bookworm AS build
# libpq is built in and speaks TLS through OpenSSL.
RUN apt-get update \
 && apt-get install -y --no-install-recommends pkg-config libssl-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libssl3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --home-dir /app trunkline \
 && mkdir -p /app/.data \
 && chown trunkline /app/.data
WORKDIR /app
COPY --from=build /src/target/release/trunkline /usr/local/bin/trunkline
COPY config config
USER trunkline
# Recordings, the keys that seal and hash, the journal, kept phrases, and SQLite where
# it is used: keep it, and back it up.
VOLUME /app/.data
EXPOSE 8080
# SIGTERM drains: live calls go on for DRAIN_DEADLINE_MS at most. Give the
# container at least forty seconds more than that to stop.
STOPSIGNAL SIGTERM
ENTRYPOINT ["trunkline"]
CMD ["serve"]
