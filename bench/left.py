#!/usr/bin/env python3
"""What a server has of calls, and whether calls that are over left anything.

Usage: left.py now PORT PID            as one line of JSON
       left.py verdict CALLS POINT...  of such lines, after a quarter of the calls,
                                       after three, and after all; fails when more is
                                       left at the end than after the first
"""
import json
import os
import re
import sys
import urllib.request

# KiB per 1000 calls. Some 150 are kept on purpose for when the carrier asks again;
# calls that each left a buffer of a socket would be 8,000.
MOST_GROWTH = 400
# KiB that an allocator may take for a busier moment than those before, however few
# the calls are.
SETTLING = 3_072
LIVING = ("live_calls", "slots", "actors", "tasks", "sockets", "files")


def fetch(url, headers=None):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {})) as answer:
        return answer.read().decode()


def links_of(pid):
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            yield os.readlink(f"/proc/{pid}/fd/{number}")
        except FileNotFoundError:
            pass  # closed meanwhile


def now(port, pid):
    tree = json.loads(fetch(f"http://127.0.0.1:{port}/ops/actors", {"Authorization": "Bearer bench"}))
    metrics = fetch(f"http://127.0.0.1:{port}/metrics")

    def gauge(name):
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", metrics, re.M))

    links = list(links_of(pid))
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        memory_kib = int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])
    print(json.dumps({
        "live_calls": int(gauge("trunkline_calls_live")),
        "slots": int(gauge("trunkline_slots_held")),
        "actors": len(tree["live"]),
        "tasks": tree["tasks"],
        "sockets": sum(link.startswith("socket:") for link in links),
        "files": len(links),
        "memory_kib": memory_kib,
    }))


def verdict(calls, points):
    points = [json.loads(point) for point in points]
    print(f"{'after this many calls':<24}{calls // 4:>10}{calls // 4 * 3:>10}{calls // 4 * 4:>10}")
    for name in points[0]:
        print(f"{name:<24}" + "".join(f"{point[name]:>10}" for point in points))
    first, last = points[0], points[-1]
    grown, since = last["memory_kib"] - first["memory_kib"], calls * 3 // 4
    print(f"memory since the first quarter: {grown / since * 1000:+.0f} KiB per 1000 calls")
    leaked = [name for name in LIVING if last[name] > first[name]]
    leaked += [name for name in ("live_calls", "slots") if last[name] and name not in leaked]
    if grown > max(MOST_GROWTH * since / 1000, SETTLING):
        leaked.append("memory")
    if leaked:
        sys.exit(f"bench: left behind: {', '.join(leaked)}")


if sys.argv[1] == "now":
    now(sys.argv[2], sys.argv[3])
else:
    verdict(int(sys.argv[2]), sys.argv[3:])
