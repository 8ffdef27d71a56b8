#!/usr/bin/env python3
"""Prints what scripts/bench measured, from the reports in a folder.

Usage: table.py FOLDER CORES NAME...              a table for the terminal
       table.py --markdown FOLDER CORES NAME...   the curve, as docs/sizing.md has it

NAME is KIND-CALLS. Of several rounds of one, the one with the median CPU per
call-second is shown, and the least and the most are beside it. CORES is how many
the load and the model have for themselves.
"""
import json
import pathlib
import sys


class Measured:
    def __init__(self, folder, cores, name):
        self.kind, calls = name.rsplit("-", 1)
        self.calls = int(calls)
        tries = [(json.loads(path.read_text()), path) for path in folder.glob(f"{name}.*.json")]
        if not tries:
            sys.exit(f"bench: there is no report of {name} in {folder}")
        tries.sort(key=lambda pair: pair[0]["server"]["cpu_ms_per_call_second"])
        self.report, path = tries[(len(tries) - 1) // 2]
        self.least, self.most = (t[0]["server"]["cpu_ms_per_call_second"] for t in (tries[0], tries[-1]))
        server, own, echo = self.report["server"], self.report["own"], self.report["echo"]
        self.cpu = server["cpu_ms_per_call_second"]
        self.memory_kib = server["rss_per_call_kib"]
        self.trip_ms = {name: echo["round_trip_us"][name] / 1e3 for name in ("p50", "p99", "p999")}
        self.start_ms = self.report["first_media_us"]["p99"] / 1e3
        self.lost = echo["lost"] + self.report["frames_discarded"]
        self.load_cpu = own["cpu_ms_per_call_second"]
        # The model's whole CPU over the whole load's call-seconds.
        seconds = self.report["frames_sent"] * 0.02 or 1
        self.model_cpu = int(path.with_suffix(".model_cpu_ms").read_text()) / seconds
        # How much of its cores the load's side needed while all calls were live.
        self.load_side = (self.load_cpu + self.model_cpu) * self.calls / 1_000 / cores

    def note(self):
        if self.report["limited"]:
            return "load-limited"
        return "load side full" if self.load_side > 0.9 else ""


def terminal(rows):
    print(f"{'':<14}{'calls':>6}{'cpu ms/call-s':>14}{'least':>7}{'most':>7}{'p50 ms':>8}{'p99 ms':>8}{'p99.9':>8}"
          f"{'lost':>7}{'failed':>7}{'KiB/call':>9}{'start p99':>10}{'load cpu':>9}{'model cpu':>10}{'load side':>10}")
    for row in rows:
        print(f"{row.kind:<14}{row.calls:>6}{row.cpu:>14.3f}{row.least:>7.2f}{row.most:>7.2f}"
              f"{row.trip_ms['p50']:>8.1f}{row.trip_ms['p99']:>8.1f}{row.trip_ms['p999']:>8.1f}"
              f"{row.lost:>7}{row.report['failed']:>7}{row.memory_kib:>9.0f}{row.start_ms:>10.1f}"
              f"{row.load_cpu:>9.3f}{row.model_cpu:>10.3f}{row.load_side:>10.0%}  {row.note()}")
    for calls, bare, trunkline in pairs(rows):
        print(f"trunkline/bare at {calls} calls: {trunkline.cpu / bare.cpu:.2f}")
    by_workers = {(row.kind, row.calls): row for row in rows}
    for (kind, calls), two in by_workers.items():
        one = by_workers.get(("workers_1", calls))
        if kind == "workers_2" and one and one.cpu:
            print(f"two workers at {calls} calls: {two.cpu / one.cpu:.2f} of one worker's CPU per call-second")


def markdown(rows):
    for calls, bare, trunkline in pairs(rows):
        notes = {row.note() for row in (bare, trunkline)} - {""}
        print(f"| {calls} | {trunkline.cpu:.2f} | {bare.cpu:.2f} | {trunkline.cpu / bare.cpu:.2f} "
              f"| {trunkline.trip_ms['p50']:.1f} ms | {trunkline.trip_ms['p99']:.1f} ms "
              f"| {trunkline.memory_kib:.0f} KiB | {trunkline.lost} |{''.join(f' <!-- {note} -->' for note in notes)}")


def pairs(rows):
    kinds = {(row.kind, row.calls): row for row in rows}
    for calls in sorted({row.calls for row in rows}):
        bare, trunkline = kinds.get(("bare", calls)), kinds.get(("trunkline", calls))
        if bare and trunkline and bare.cpu:
            yield calls, bare, trunkline


def main():
    arguments = sys.argv[1:]
    show = markdown if "--markdown" in arguments else terminal
    folder, cores, *names = [argument for argument in arguments if argument != "--markdown"]
    show([Measured(pathlib.Path(folder), int(cores), name) for name in names])


main()
