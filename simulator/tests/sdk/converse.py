#!/usr/bin/env python3
"""Holds a conversation with the simulated realtime model through the vendor's own SDK.

Each event is checked against the SDK's types, and each must come when the true
service would send it. Exits 0 when the conversation went as expected, 1 at the
first surprise, 2 when the server did not start.

How it is run (from the repository's root; scripts/test does the same):

    python3 -m venv "$TMP/sdk" && "$TMP/sdk/bin/pip" install openai websockets
    "$TMP/sdk/bin/python" simulator/tests/sdk/converse.py --server target/debug/trunkline

or, against a simulator that runs already, with --url ws://127.0.0.1:8090/v1.
Written for openai 3.52 and websockets 17.
"""

import argparse
import asyncio
import base64
import json
import pathlib
import re
import subprocess
import sys
import wave

from openai import AsyncOpenAI
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter, ValidationError

AUDIO = pathlib.Path(__file__).resolve().parents[3] / "config" / "audio" / "utterances"
PATIENCE_S = 15
SERVER_EVENT = TypeAdapter(RealtimeServerEvent)
TOOLS = [
    {
        "type": "function",
        "name": "look_up",
        "description": "Looks something up.",
        "parameters": {"type": "object", "properties": {"topic": {"type": "string"}}},
    },
    {"type": "function", "name": "end_call", "description": "Ends the call.", "parameters": {"type": "object"}},
]


class Surprise(Exception):
    """The simulator did something that the true service would not."""


def expect(condition, what):
    if not condition:
        raise Surprise(what)


def mulaw(sample):
    """One 16-bit sample as G.711 μ-law."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 0x84
    segment = magnitude.bit_length() - 8
    return ~(sign | segment << 4 | (magnitude >> (segment + 3)) & 0x0F) & 0xFF


def recording(name):
    """A shipped utterance as μ-law, with 0.3 s of silence before and 0.8 s after."""
    with wave.open(str(AUDIO / f"{name}.wav")) as file:
        raw = file.readframes(file.getnframes())
    samples = memoryview(raw).cast("h")
    return b"\xff" * 2400 + bytes(mulaw(s) for s in samples) + b"\xff" * 6400


class Conversation:
    def __init__(self, connection):
        self.connection = connection
        self.audio_bytes = {}

    async def event(self):
        raw = await asyncio.wait_for(self.connection.recv_bytes(), PATIENCE_S)
        try:
            SERVER_EVENT.validate_python(json.loads(raw))
        except ValidationError as error:
            raise Surprise(f"not an event of the SDK's types: {raw[:300]!r}: {error}") from error
        event = self.connection.parse_event(raw)
        if event.type == "response.output_audio.delta":
            size = len(base64.b64decode(event.delta))
            self.audio_bytes[event.item_id] = self.audio_bytes.get(event.item_id, 0) + size
        return event

    async def until(self, kind, allow_error=False):
        while True:
            event = await self.event()
            if event.type == kind:
                return event
            expect(allow_error or event.type != "error", f"error while waiting for {kind}: {event}")

    async def play(self, name):
        audio = recording(name)
        for start in range(0, len(audio), 800):
            piece = base64.b64encode(audio[start : start + 800]).decode()
            await self.connection.input_audio_buffer.append(audio=piece)


async def converse(url):
    client = AsyncOpenAI(api_key="not-a-key", base_url=url.replace("ws", "http", 1), websocket_base_url=url)
    async with client.realtime.connect(model="gpt-realtime-2.1") as connection:
        talk = Conversation(connection)
        await set_up(talk)
        await greeting(talk)
        await question_with_function(talk)
        await interruption(talk)
        await cancel_nothing(talk)


async def set_up(talk):
    created = await talk.until("session.created")
    expect(created.session.id.startswith("sess_"), "the session has a name")
    pcmu = {"type": "audio/pcmu"}
    await talk.connection.session.update(
        session={
            "type": "realtime",
            "instructions": "You are a receptionist.",
            "audio": {
                "input": {
                    "format": pcmu,
                    "transcription": {"model": "gpt-realtime-whisper"},
                    "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
                },
                "output": {"format": pcmu, "voice": "marin"},
            },
            "tools": TOOLS,
        }
    )
    updated = await talk.until("session.updated")
    expect(updated.session.audio.output.format.type == "audio/pcmu", "the format is in force")


async def greeting(talk):
    text = "Hello, how can I help you?"
    await talk.connection.response.create(response={"instructions": f'Say exactly: "{text}"'})
    done = (await talk.until("response.done")).response
    expect(done.status == "completed", done.status)
    expect(done.output[0].content[0].transcript == text, done.output)
    heard = talk.audio_bytes[done.output[0].id]
    expect(10_000 < heard < 20_000, f"{heard} octets of greeting")
    expect(done.usage.output_token_details.audio_tokens > 20, "the greeting is counted")


async def question_with_function(talk):
    await talk.play("hours")
    started = await talk.until("input_audio_buffer.speech_started")
    committed = await talk.until("input_audio_buffer.committed")
    expect(started.item_id == committed.item_id, "the utterance keeps its name")
    call = None
    transcript = None
    done = None
    while done is None or transcript is None:
        event = await talk.event()
        if event.type == "response.output_item.done" and event.item.type == "function_call":
            call = event.item
        elif event.type == "conversation.item.input_audio_transcription.completed":
            transcript = event.transcript
        elif event.type == "response.done":
            done = event.response
    expect("opening hours" in transcript, transcript)
    expect(call is not None and call.name == "look_up", call)
    expect(json.loads(call.arguments) == {"topic": "opening hours"}, call.arguments)
    answer = "On Saturday from ten to two."
    await talk.connection.conversation.item.create(
        item={"type": "function_call_output", "call_id": call.call_id, "output": json.dumps({"answer": answer})}
    )
    await talk.connection.response.create()
    done = (await talk.until("response.done")).response
    expect(done.output[0].content[0].transcript == answer, done.output)


async def interruption(talk):
    await talk.play("services")
    first = await talk.until("response.output_audio.delta")
    await talk.until("response.output_audio.delta")
    await talk.play("goodbye")
    await talk.until("input_audio_buffer.speech_started")
    done = (await talk.until("response.done")).response
    expect(done.id == first.response_id, "the long answer is the one that ends")
    expect((done.status, done.status_details.reason) == ("cancelled", "turn_detected"), done)
    await talk.connection.conversation.item.truncate(item_id=first.item_id, content_index=0, audio_end_ms=500)
    expect((await talk.until("conversation.item.truncated")).audio_end_ms == 500, "truncated where asked")
    await talk.connection.conversation.item.truncate(item_id=first.item_id, content_index=0, audio_end_ms=60_000)
    error = (await talk.until("error")).error
    expect(re.fullmatch(r"Audio content of 500ms is already shorter than 60000ms", error.message), error)
    done = (await talk.until("response.done")).response
    expect([item.type for item in done.output] == ["message", "function_call"], done.output)
    expect(done.output[1].name == "end_call", done.output)


async def cancel_nothing(talk):
    await talk.connection.response.cancel()
    error = (await talk.until("error")).error
    expect(error.code == "response_cancel_not_active", error)


def started_server(binary):
    """Starts the simulator and waits for the line that says where it is."""
    command = [binary, "simulate", "providers", "--port", "0", "--ears", str(AUDIO)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    found = re.search(r"ws://\S+/v1", line)
    if not found:
        server.kill()
        print(f"the simulator did not start: {line!r}", file=sys.stderr)
        sys.exit(2)
    return server, found.group(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--server", help="the trunkline binary, to be started")
    where.add_argument("--url", help="a simulator that runs already: ws://HOST:PORT/v1")
    options = parser.parse_args()
    server, url = started_server(options.server) if options.server else (None, options.url)
    try:
        asyncio.run(converse(url))
    except (Surprise, asyncio.TimeoutError, OSError) as error:
        print(f"surprise: {error!r}", file=sys.stderr)
        return 1
    finally:
        if server:
            server.terminate()
            server.wait()
    print("the vendor's SDK held a conversation with the simulated model")
    return 0


if __name__ == "__main__":
    sys.exit(main())
