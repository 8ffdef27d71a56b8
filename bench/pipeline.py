#!/usr/bin/env python3
"""Prints what `scripts/bench pipeline` measured.

Usage: pipeline.py FOLDER CORES SILENCE_MS NAME...

Of each NAME there are NAME.json, the load's report; NAME.sqlite, the server's
database, in which each turn says where its time went; and NAME.model_cpu_ms. The
silence is what the recogniser waits for before it says that the caller stopped.
"""
import json
import pathlib
import sqlite3
import sys

STAGES = ["final_transcript", "turn_decided", "response_created", "first_token", "first_sentence",
          "first_audio", "on_the_wire", "heard"]


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else float("nan")


def three(values):
    return "".join(f"{percentile(values, percent):>9.0f}" for percent in (50, 95, 99))


def turns(path):
    database = sqlite3.connect(path)
    rows = database.execute("select data from call_events where kind = 'turn_latency'").fetchall()
    all_turns = [json.loads(data) for (data,) in rows]
    # What a call's end cut off has no end to measure to.
    return [turn for turn in all_turns if "on_the_wire" in turn["stages_ms"] and not turn["interrupted"]]


def main():
    folder, cores, silence_ms, names = pathlib.Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
    for name in names:
        report = json.loads((folder / f"{name}.json").read_text())
        reply, server, own = report["reply_us"], report["server"], report["own"]
        calls = report["calls"]
        seconds = report["frames_sent"] * 0.02 or 1
        model_cpu = int((folder / f"{name}.model_cpu_ms").read_text()) / seconds
        load_side = (own["cpu_ms_per_call_second"] + model_cpu) * calls / 1_000 / cores
        print(f"{name}: {calls} calls, {report['failed']} failed, {reply['count']} answers")
        at = {key: reply[key] / 1e3 for key in ("p50", "p95", "p99", "max")}
        print("  end of speech to the first audio, in the carrier's audio, ms: "
              + "  ".join(f"{key} {value:.1f}" for key, value in at.items()))
        print(f"  the same behind the {silence_ms:.0f} ms of silence: "
              + "  ".join(f"{key} {value - silence_ms:.1f}" for key, value in at.items()))
        stored = turns(folder / f"{name}.sqlite")
        if stored:
            print(f"  {'since the end of speech, ms':<34}{'p50':>9}{'p95':>9}{'p99':>9}   {len(stored)} turns")
            for stage in STAGES:
                values = [turn["stages_ms"][stage] for turn in stored if stage in turn["stages_ms"]]
                if values:
                    print(f"    {stage:<32}{three(values)}")
            ours = [turn["stages_ms"]["on_the_wire"] - turn["stages_ms"]["turn_decided"] for turn in stored]
            print(f"    {'turn_decided to on_the_wire':<32}{three(ours)}")
        cpu = server["cpu_ms_per_call_second"]
        print(f"  CPU {cpu:.2f} ms per call-second, so {1_000 / cpu:.0f} calls per core at the most, "
              f"{700 / cpu:.0f} with room; memory {server['rss_per_call_kib']:.0f} KiB a call; "
              f"load side {load_side:.0%} of its cores")
        if report["limited"]:
            print(f"  load-limited: {report['limited']}")
        print()


main()
