#!/usr/bin/env python3
"""Measures `obsctl load run` against raw epoll and against whatever other load tools are installed, and prints tables of
ratios. One command: `ninja bench` in a build configured with -DOBSCTL_BUILD_BENCHMARKS=ON, or this file with --bin and
--obsctl. Rounds are interleaved and the medians of the rounds' ratios are what counts: absolute figures of a shared
machine mean nothing. The server is pinned to one CPU, the client to another. Everything stays on 127.0.0.1."""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import tempfile

SERVER_CPU, CLIENT_CPU = "0", "1"


class Server:
    def __init__(self, args, *options):
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CPU, os.path.join(args.bin, "bench_server"), *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def run(command, timeout=120):
    """Output, CPU seconds and largest resident size (KiB) of a command on the client's CPU."""
    process = subprocess.Popen(["taskset", "-c", CLIENT_CPU, *map(str, command)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    alarm = subprocess.Popen(["sleep", str(timeout)])
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    alarm.terminate()
    alarm.wait()
    return output, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def number(pattern, text, default=0.0):
    found = re.search(pattern, text)
    return float(found.group(1)) if found else default


def obsctl(args, url, *options):
    """The result document, without what --json prints beside it."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        output, cpu, rss = run([args.obsctl, "load", "run", url, "-q", "-o", file.name, *options])
        text = open(file.name).read()
        if not text:
            raise SystemExit(f"obsctl failed: {output}")
        return json.loads(text), cpu, rss


def closed_raw(args, url, seconds, connections):
    output, cpu, _ = run([os.path.join(args.bin, "raw_client"), url.split(":")[2].rstrip("/"), connections, seconds])
    done = int(output.split()[0])
    return done / seconds, cpu * 1e6 / done


def closed_obsctl(args, url, seconds, connections):
    result, cpu, _ = obsctl(args, url, "-c", str(connections), "-d", f"{seconds}s")
    return result["rate"]["achieved"], cpu * 1e6 / result["counts"]["sent"]


def closed_other(tool):
    def measure(_, url, seconds, connections):
        command, pattern = {
            "wrk": (["wrk", "-t1", f"-c{connections}", f"-d{seconds}", url], r"(\d+) requests in"),
            "hey": (["hey", "-cpus", "1", "-c", connections, "-z", f"{seconds}s", url], r"\[200\]\s+(\d+) responses"),
            "ab": (["ab", "-q", "-k", "-c", connections, "-t", seconds, "-n", 10_000_000, url], r"Complete requests:\s+(\d+)"),
            "h2load": (["h2load", "--h1", "-c", connections, "-t", 1, "-D", seconds, url], r"(\d+) succeeded"),
            "vegeta": (["sh", "-c", f"echo GET {url} | vegeta attack -rate 0 -max-workers {connections} "
                        f"-duration {seconds}s | vegeta report"], r"Requests\s+\[.*?\]\s+(\d+)"),
            "oha": (["oha", "--no-tui", "-c", connections, "-z", f"{seconds}s", url], r"\[200\]\s+(\d+)"),
        }[tool]
        output, cpu, _ = run(command)
        done = number(pattern, output)
        return (done / seconds, cpu * 1e6 / done) if done else (0, 0)
    return measure


def ratios(rounds, name, base, index):
    values = [r[name][index] / r[base][index] for r in rounds if r.get(name, (0, 0))[index] and r[base][index]]
    return statistics.median(values) if values else float("nan")


def bench_closed(args, connections, title):
    tools = {"raw epoll": closed_raw, "obsctl": closed_obsctl}
    for tool in ("wrk", "hey", "ab", "h2load", "vegeta", "oha"):
        if shutil.which(tool) and not (connections > 1000 and tool in ("ab", "hey")):
            tools[tool] = closed_other(tool)
    rounds = []
    with Server(args) as server:
        for _ in range(args.rounds):
            rounds.append({name: measure(args, server.url, args.seconds, connections) for name, measure in tools.items()})
    print(f"\n### {title}\n\n| client | requests/s ÷ raw epoll | CPU per request ÷ raw epoll | CPU µs |\n|---|---|---|---|")
    for name in tools:
        cpu = statistics.median(r[name][1] for r in rounds)
        print(f"| {name} | {ratios(rounds, name, 'raw epoll', 0):.2f} | {ratios(rounds, name, 'raw epoll', 1):.2f} | {cpu:.1f} |")
    for name in tools:
        if name not in ("raw epoll", "obsctl"):
            print(f"\nobsctl ÷ {name}: requests/s {ratios(rounds, 'obsctl', name, 0):.2f}, "
                  f"CPU per request {ratios(rounds, 'obsctl', name, 1):.2f}", end="")
    print()


def arrivals(path, rate):
    """Deviation from the best-fitting grid (µs) and the coefficient of variation of the gaps, as the server saw them."""
    with open(path) as file:
        stamps = [int(line) for line in file]
    stamps = stamps[len(stamps) // 10:]  # the beginning, where connections are new, apart
    gaps = [b - a for a, b in zip(stamps, stamps[1:])]
    slot = 1e9 / rate
    offsets = [stamp - i * slot for i, stamp in enumerate(stamps)]
    origin = statistics.median(offsets)
    deviations = sorted(abs(o - origin) / 1000 for o in offsets)
    mean = statistics.fmean(gaps)
    return {"p50": deviations[len(deviations) // 2], "p99": deviations[int(len(deviations) * 0.99)],
            "cv": statistics.pstdev(gaps) / mean}


def paced(args, tool, rate, url, seconds):
    """Requests sent, CPU µs a request, and lag where the tool reports one."""
    if tool.startswith("obsctl"):
        result, cpu, _ = obsctl(args, url, "-r", f"{rate}/s", "-d", f"{seconds}s", "--max-connections", "64", "--pacing",
                                tool.split()[1])
        return result["counts"]["sent"], cpu * 1e6 / result["counts"]["sent"], result["schedule_lag"]
    if tool.startswith("raw"):
        output, cpu, _ = run([os.path.join(args.bin, "raw_client"), url.split(":")[2].rstrip("/"), 64, seconds, rate,
                              tool.split()[1]])
        done = int(output.split()[0])
        return done, cpu * 1e6 / done, None
    output, cpu, _ = run(["hey", "-cpus", "1", "-c", 50, "-q", rate / 50, "-z", f"{seconds}s", url])
    done = number(r"\[200\]\s+(\d+) responses", output)
    return done, cpu * 1e6 / max(done, 1), None


def bench_paced(args):
    tools = ["obsctl timer", "obsctl precise", "obsctl coalesce", "raw timer", "raw precise", "raw coalesce"]
    if shutil.which("hey"):
        tools.append("hey")
    print("\n### Constant rate, as the server sees it (medians of interleaved rounds)\n")
    print("| rate | client | achieved ÷ asked | deviation p50 / p99 µs | gap CV | CPU µs a request | lag p50 / p99 µs |")
    print("|---|---|---|---|---|---|---|")
    for rate in args.rates:
        rows = {tool: [] for tool in tools}
        for _ in range(args.rounds):
            for tool in tools:
                with tempfile.NamedTemporaryFile() as stamps:
                    with Server(args, "--stamps", stamps.name) as server:
                        done, cpu, lag = paced(args, tool, rate, server.url, args.seconds)
                    seen = arrivals(stamps.name, rate)
                rows[tool].append((done / (rate * args.seconds), seen, cpu, lag))
        for tool, measured in rows.items():
            middle = lambda value: statistics.median(value(row) for row in measured)
            lag = "–" if measured[0][3] is None else (f"{middle(lambda r: r[3]['p50_ns']) / 1000:.1f} / "
                                                       f"{middle(lambda r: r[3]['p99_ns']) / 1000:.0f}")
            print(f"| {rate} | {tool} | {middle(lambda r: r[0]):.4f} | {middle(lambda r: r[1]['p50']):.0f} / "
                  f"{middle(lambda r: r[1]['p99']):.0f} | {middle(lambda r: r[1]['cv']):.2f} | "
                  f"{middle(lambda r: r[2]):.1f} | {lag} |", flush=True)


def truth_quantiles():
    """10 s at 1000/s; every 100th answer + 100 ms; nothing answered from 2 s to 3 s and from 6 s to 7 s."""
    times = []
    for i in range(10_000):
        due = i / 1000
        wait = next((end - due for start, end in ((2, 3), (6, 7)) if start <= due < end), 0)
        times.append(wait + (0.1 if (i + 1) % 100 == 0 else 0))
    times.sort()
    return {q: times[min(int(q * 10_000), 9_999)] * 1000 for q in (0.5, 0.9, 0.99, 0.999)}


def bench_truth(args):
    options = ["--slow-every", "100", "--slow-ms", "100", "--stall", "2000:1000", "--stall", "6000:1000"]
    truth = truth_quantiles()
    print("\n### Truth: two stalls of 1 s in 10 s at 1000/s, every 100th answer + 100 ms (milliseconds)\n")
    print("| | p50 | p90 | p99 | p99.9 | requests sent |\n|---|---|---|---|---|---|")
    print("| analytic | 0 | " + " | ".join(f"{truth[q]:.0f}" for q in (0.9, 0.99, 0.999)) + " | 10000 |")
    rows = []
    for _ in range(args.rounds):
        with Server(args, *options) as server:
            rows.append(obsctl(args, server.url, "-r", "1000/s", "-d", "10s", "--max-connections", "2000",
                               "--connections", "1200")[0])
    middle = lambda key: statistics.median(r["response_time"][key] for r in rows) / 1e6
    sent = statistics.median(r["counts"]["sent"] for r in rows)
    print(f"| obsctl | {middle('p50_ns'):.2f} | {middle('p90_ns'):.0f} | {middle('p99_ns'):.0f} | {middle('p999_ns'):.0f} | {sent:.0f} |")
    for q, key in ((0.9, "p90_ns"), (0.99, "p99_ns"), (0.999, "p999_ns")):
        print(f"\n{key[:-3]} off by {abs(middle(key) / truth[q] - 1) * 100:.1f} %", end="")
    print()
    if shutil.which("hey"):
        with Server(args, *options) as server:
            output, _, _ = run(["hey", "-cpus", "1", "-c", 64, "-q", 1000 / 64, "-z", "10s", server.url])
        found = [number(rf"{q}%+ in ([\d.]+) secs", output) * 1000 for q in (50, 90, 99)]
        print("\nhey, 64 connections: p50 {:.1f}, p90 {:.1f}, p99 {:.1f}".format(*found))


def bench_memory(args):
    print("\n### Memory (largest resident size, closed loop of 64)\n\n| requests | MiB |\n|---|---|")
    sizes = {}
    for requests in (10_000, args.many):
        with Server(args) as server:
            _, _, rss = obsctl(args, server.url, "-c", "64", "-n", str(requests), "-d", "600s")
        sizes[requests] = rss / 1024
        print(f"| {requests} | {sizes[requests]:.2f} |")
    print(f"\ndifference: {sizes[args.many] - sizes[10_000]:+.2f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="folder with bench_server and raw_client")
    parser.add_argument("--obsctl", required=True)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rates", type=int, nargs="+", default=[1000, 5000, 20000, 40000])
    parser.add_argument("--many", type=int, default=10_000_000)
    parser.add_argument("--only", nargs="+", default=["closed", "paced", "truth", "memory", "many"],
                        choices=["closed", "paced", "truth", "memory", "many"])
    args = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    if "closed" in args.only:
        bench_closed(args, 64, "Closed loop, 64 connections")
    if "paced" in args.only:
        bench_paced(args)
    if "truth" in args.only:
        bench_truth(args)
    if "memory" in args.only:
        bench_memory(args)
    if "many" in args.only:
        bench_closed(args, 10_000, "Closed loop, 10,000 connections")


if __name__ == "__main__":
    main()
