#!/usr/bin/env python3
"""Measures `obsctl load run` against raw epoll and against whatever other load tools are installed, and prints tables of
ratios. One command: `make bench`, `ninja bench` in a build configured with -DOBSCTL_BUILD_BENCHMARKS=ON, or this file with
--bin and --obsctl. Rounds are interleaved and the medians of the rounds' ratios are what counts: absolute figures of a
shared machine mean nothing. The server is pinned to one CPU, the client to another. Everything stays on 127.0.0.1."""

import argparse
import os
import resource
import shutil
import statistics
import tempfile
import time

from load_tools import Server, TlsServer, closed_loop, installed, obsctl, open_model_quantiles, paced

PARTS = ("closed", "paced", "truth", "memory", "many", "tls")


def ratio(rounds, name, base, value):
    """The median over rounds of value(name) ÷ value(base)."""
    values = [value(r[name]) / value(r[base]) for r in rounds if name in r and base in r and r[name][0] and r[base][0]]
    return statistics.median(values) if values else float("nan")


def bench_closed(args, server_of, connections, title, tools, base):
    rounds = []
    with server_of(args) as server:
        for _ in range(args.rounds):
            rounds.append({tool: closed_loop(args, tool, server.url, args.seconds, connections) for tool in tools})
    done = lambda r: r[0]
    cpu = lambda r: r[1] / r[0]
    print(f"\n### {title}\n\n| client | requests/s ÷ {base} | CPU per request ÷ {base} | CPU µs a request | requests/s |")
    print("|---|---|---|---|---|")
    for tool in tools:
        if not all(r[tool][0] for r in rounds):
            print(f"| {tool} | failed | | | |")
            continue
        print(f"| {tool} | {ratio(rounds, tool, base, done):.2f} | {ratio(rounds, tool, base, cpu):.2f} | "
              f"{statistics.median(cpu(r[tool]) for r in rounds) * 1e6:.1f} | "
              f"{statistics.median(done(r[tool]) for r in rounds) / args.seconds:,.0f} |")
    print()
    for tool in tools:
        if tool not in (base, "obsctl"):
            print(f"obsctl ÷ {tool}: requests/s {ratio(rounds, 'obsctl', tool, done):.2f}, "
                  f"CPU per request {ratio(rounds, 'obsctl', tool, cpu):.2f}")


def arrivals(path, rate):
    """Deviation from the best-fitting grid (µs) and the coefficient of variation of the gaps, as the server saw them."""
    with open(path) as file:
        stamps = [int(line) for line in file]
    stamps = stamps[len(stamps) // 10:]  # the beginning, where connections are new, apart
    if len(stamps) < 10:
        return {"p50": float("nan"), "p99": float("nan"), "cv": float("nan")}
    gaps = [b - a for a, b in zip(stamps, stamps[1:])]
    slot = 1e9 / rate
    offsets = [stamp - i * slot for i, stamp in enumerate(stamps)]
    origin = statistics.median(offsets)
    deviations = sorted(abs(o - origin) / 1000 for o in offsets)
    return {"p50": deviations[len(deviations) // 2], "p99": deviations[int(len(deviations) * 0.99)],
            "cv": statistics.pstdev(gaps) / statistics.fmean(gaps)}


def bench_paced(args):
    tools = ["obsctl timer", "raw timer", "obsctl precise", "raw precise", "obsctl coalesce", "raw coalesce",
             *installed(("wrk2", "hey", "oha", "vegeta", "k6"))]
    if args.paced:
        tools = [tool for tool in tools if tool in args.paced]
    print("\n### Constant rate, as the server sees it (medians of interleaved rounds)\n")
    print("| rate | client | achieved ÷ asked | deviation p50 / p99 µs | gap CV | CPU µs a request | CPU ÷ raw | lag p50 / p99 µs |")
    print("|---|---|---|---|---|---|---|---|")
    for rate in args.rates:
        rows = {tool: [] for tool in tools}
        for _ in range(args.rounds):
            for tool in tools:
                with tempfile.NamedTemporaryFile() as stamps:
                    with Server(args, "--stamps", stamps.name) as server:
                        done, cpu, lag = paced(args, tool, rate, server.url, args.seconds)
                    seen = arrivals(stamps.name, rate)
                time.sleep(args.pause)
                rows[tool].append((done / (rate * args.seconds), seen, cpu * 1e6 / max(done, 1), lag))
        for tool, measured in rows.items():
            middle = lambda value: statistics.median(value(row) for row in measured)
            lag = "–" if measured[0][3] is None else (f"{middle(lambda r: r[3]['p50_ns']) / 1000:.1f} / "
                                                       f"{middle(lambda r: r[3]['p99_ns']) / 1000:.0f}")
            peer = "raw " + tool.partition(" ")[2]
            beside = "–"
            if tool.startswith("obsctl") and peer in rows:
                beside = f"{statistics.median(a[2] / b[2] for a, b in zip(measured, rows[peer])):.2f}"
            print(f"| {rate} | {tool} | {middle(lambda r: r[0]):.4f} | {middle(lambda r: r[1]['p50']):.0f} / "
                  f"{middle(lambda r: r[1]['p99']):.0f} | {middle(lambda r: r[1]['cv']):.2f} | "
                  f"{middle(lambda r: r[2]):.1f} | {beside} | {lag} |", flush=True)


QUANTILES = (0.5, 0.9, 0.99, 0.999)


def quantiles(times):
    times = sorted(times)
    return [times[min(int(q * len(times)), len(times) - 1)] * 1000 for q in QUANTILES]


def analytic_quantiles():
    """10 s at 1000/s; every 100th answer + 100 ms; nothing answered from 2 s to 3 s and from 6 s to 7 s."""
    times = []
    for i in range(10_000):
        due = i / 1000
        wait = next((end - due for start, end in ((2, 3), (6, 7)) if start <= due < end), 0)
        times.append(wait + (0.1 if (i + 1) % 100 == 0 else 0))
    return quantiles(times)


def served_quantiles(path):
    """What the server did to each arrival of the schedule: when it answered, less when the arrival was due. The schedule's
    origin is where the fastest answers say it is; that errs by a fast answer's own time, some 50 µs."""
    with open(path) as file:
        answers = [(int(index), int(stamp)) for index, stamp in (line.split() for line in file)]
    offsets = sorted(stamp - index * 1_000_000 for index, stamp in answers)
    origin = offsets[len(offsets) // 100]
    return quantiles([max(0, stamp - index * 1_000_000 - origin) / 1e9 for index, stamp in answers])


def bench_truth(args):
    options = ["--slow-every", "100", "--slow-ms", "100", "--stall", "2000:1000", "--stall", "6000:1000"]
    print("\n### Truth: two stalls of 1 s in 10 s at 1000/s, every 100th answer + 100 ms (milliseconds)\n")
    print("| | p50 | p90 | p99 | p99.9 | requests sent |\n|---|---|---|---|---|---|")
    analytic = analytic_quantiles()
    print("| analytic | " + " | ".join(f"{q:.1f}" for q in analytic) + " | 10000 |")
    measured, served, sent = [], [], []
    for _ in range(args.rounds):
        with tempfile.NamedTemporaryFile() as answers:
            with Server(args, *options, "--answers", answers.name) as server:
                result = obsctl(args, server.url + "{{i}}", "-r", "1000/s", "-d", "10s", "--max-connections", "2000",
                                "--connections", "1200")[0]
            served.append(served_quantiles(answers.name))
        measured.append([result["response_time"][key] / 1e6 for key in ("p50_ns", "p90_ns", "p99_ns", "p999_ns")])
        sent.append(result["counts"]["sent"])
    middle = lambda rows: [statistics.median(row[k] for row in rows) for k in range(4)]
    print("| what the server did, by its own stamps | " + " | ".join(f"{q:.1f}" for q in middle(served)) + " | – |")
    print("| obsctl | " + " | ".join(f"{q:.1f}" for q in middle(measured)) + f" | {statistics.median(sent):.0f} |")
    for tool in installed(("wrk2", "vegeta", "k6", "oha", "hey")):
        with Server(args, *options) as server:
            found = open_model_quantiles(args, tool, 1000, server.url, 10)
        print(f"| {tool} | " + " | ".join(f"{q:.1f}" for q in found) + " | – | – |")
    for k, name in ((1, "p90"), (2, "p99"), (3, "p99.9")):
        stamps = statistics.median(abs(m[k] / s[k] - 1) for m, s in zip(measured, served)) * 100
        print(f"\n{name} off by {abs(middle(measured)[k] / analytic[k] - 1) * 100:.2f} % of the analytic value, "
              f"{stamps:.2f} % of the server's stamps", end="")
    print()


def bench_memory(args):
    print("\n### Memory (largest resident size, closed loop of 64)\n\n| requests | MiB |\n|---|---|")
    sizes = {}
    for requests in (10_000, args.many):
        with Server(args) as server:
            result, _, rss = obsctl(args, server.url, "-c", "64", "-n", str(requests), "-d", "600s")
        sizes[requests] = rss / 1024
        print(f"| {result['counts']['sent']:,} | {sizes[requests]:.2f} |")
    print(f"\ndifference: {sizes[args.many] - sizes[10_000]:+.2f} MiB")


def say_machine(when):
    one, five, _ = os.getloadavg()
    print(f"\nload average {when}: {one:.1f} over a minute, {five:.1f} over five, on {os.cpu_count()} CPUs", flush=True)


def take_priority(nice):
    """Over whatever else the machine does. Where the kernel groups processes by session, niceness counts inside a group
    only, so this becomes a session of its own and the group is what is favoured."""
    if os.fork() > 0:
        os.wait()
        os._exit(0)
    os.setsid()
    try:
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(nice))
    except OSError:
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="folder with bench_server and raw_client")
    parser.add_argument("--obsctl", required=True)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=lambda text: float(text) if "." in text else int(text), default=3,
                        help="of each run; a fraction for obsctl alone")
    parser.add_argument("--pause", type=float, default=0, help="seconds after each run at a constant rate: real-time programs "
                        "that want all of a CPU are held up by the kernel after a second (sched_rt_runtime_us)")
    parser.add_argument("--rates", type=int, nargs="+", default=[1000, 5000, 20000, 40000])
    parser.add_argument("--paced", nargs="+", help='only these in the table of rates, such as "obsctl precise"')
    parser.add_argument("--many", type=int, default=10_000_000, help="requests of the long memory run")
    parser.add_argument("--nice", type=int, help="of server and clients alike; below 0 needs root")
    parser.add_argument("--fifo", action="store_true", help="real-time priority for server and clients, to be woken at once "
                        "though other programs run; needs root")
    parser.add_argument("--only", nargs="+", default=PARTS, choices=PARTS)
    args = parser.parse_args()
    args.prefix = [] if args.nice is None else ["nice", "-n", str(args.nice)]
    if args.fifo:
        args.prefix = ["chrt", "-f", "10"]
    if args.nice is not None:
        take_priority(args.nice)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    say_machine("before")
    if "closed" in args.only:
        bench_closed(args, Server, 64, "Closed loop, 64 connections", ["raw epoll", "obsctl", *installed()], "raw epoll")
    if "paced" in args.only:
        bench_paced(args)
    if "truth" in args.only:
        bench_truth(args)
    if "memory" in args.only:
        bench_memory(args)
    if "many" in args.only:
        tools = ["raw epoll", "obsctl", *installed(("wrk", "h2load"))]
        bench_closed(args, Server, 10_000, "Closed loop, 10,000 connections", tools, "raw epoll")
    if "tls" in args.only and shutil.which("wrk") and shutil.which("openssl"):
        bench_closed(args, TlsServer, 64, "Closed loop over TLS, 64 connections to nginx", ["obsctl", *installed()], "wrk")
    say_machine("after")


if __name__ == "__main__":
    main()
