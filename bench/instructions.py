#!/usr/bin/env python3
"""Counts the instructions that one frame costs, and holds them to the record.

Usage: instructions.py PROGRAM RECORD [--record]

Runs PROGRAM (one-frame) under callgrind for two lengths each way; the difference
is what the frames cost, without start and end. Fails when a count is more than
the record and its tolerance; says so when it is so much less that the record
should follow. --record writes what was counted.
"""
import re
import subprocess
import sys
import tomllib

SHORT, LONG = 1_000, 4_000
TOLERANCE = 0.10


def instructions(program, way, frames):
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, way, str(frames)],
        capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode or not found:
        sys.exit(f"instructions: {program} {way} failed\n{run.stderr[-2000:]}")
    return int(found.group(1))


def per_frame(program, way):
    return round((instructions(program, way, LONG) - instructions(program, way, SHORT)) / (LONG - SHORT))


def main():
    program, path = sys.argv[1:3]
    counted = {way: per_frame(program, way) for way in ("up", "down")}
    if "--record" in sys.argv[3:]:
        with open(path, "w", encoding="utf-8") as file:
            file.write("# Instructions that one frame costs in the core's own path, by scripts/bench\n"
                       "# instructions. More than a tenth over these fails; after a change that is\n"
                       "# meant, record them anew with --record.\n")
            file.writelines(f"{way} = {count}\n" for way, count in counted.items())
        print(counted)
        return 0
    with open(path, "rb") as file:
        record = tomllib.load(file)
    failed = False
    for way, count in counted.items():
        change = count / record[way] - 1
        verdict = "ok"
        if change > TOLERANCE:
            verdict, failed = "TOO MANY", True
        elif change < -TOLERANCE:
            verdict = "fewer: record them with --record"
        print(f"{way:<6}{count:>8} instructions per frame, recorded {record[way]:>8} ({change:+.1%})  {verdict}")
    return 1 if failed else 0


sys.exit(main())
