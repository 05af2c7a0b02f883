#!/usr/bin/env python3
"""What the fault proxy costs: `obsctl serve proxy` in front of nginx, beside another nginx as a reverse proxy (proxy_pass over kept
connections) and, where it is installed, Toxiproxy.

    tests/bench/proxy_bench.py [--obsctl build/obsctl] [--rounds 5] [--seconds 5] [--rates 2000,10000] [--toxiproxy PROGRAM]
                               [--awake] [--pin] [--variant "NAME=FLAGS of serve proxy"]

Two figures a proxy, each from rounds that are interleaved, as medians:

- CPU per request: user and system time of the proxy's process over a closed loop of 32 connections (wrk), divided by the
  requests; hence requests per second of one core. Nothing else of the machine comes into it but caches and the clock.
- Added latency: `obsctl load run` at a constant rate, timed from when a request was sent, through the proxy and directly, one
  right after the other. The difference of medians, and of p99s, is what a user would notice. On a machine that does other
  things meanwhile the p99 is theirs; the difference of two direct runs, the first line, says how much. What others do only
  ever adds, so that beside the medians of all rounds stand those that were least disturbed: the lower quartile of a proxy's
  rounds less that of the direct ones.

At a low rate each request finds the machine asleep, and what a proxy adds is mostly two more times that a core wakes up, which
in a virtual machine takes longer than all the work. --awake keeps every core busy with a loop of the lowest priority
(SCHED_IDLE), which gives way to everything at once: then it is the work that is measured. --pin gives the proxies the last core
and everything else the others, so that what is measured is not where the kernel happened to put them.

Needs nginx and wrk (Debian packages). Everything is on 127.0.0.1 and ends with the script.
"""
import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    sys.exit(f"nothing listens on port {port}")


def cpu_seconds(pid):
    """User and system time of a process with all its threads."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_nginx(folder, port, upstream=None):
    """The service itself, or a reverse proxy in front of it."""
    os.mkdir(folder)
    paths = "".join(
        f" {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    if upstream is None:
        service, location = "", f'return 200 "{"x" * 100}";'
    else:
        service = f" upstream service {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}"
        location = 'proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection "";'
    configuration = (
        f"daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;"
        "events { worker_connections 1024; }"
        f"http {{ access_log off; keepalive_requests 1000000000;{paths}{service}"
        f" server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }} }}")
    with open(f"{folder}/nginx.conf", "w", encoding="ascii") as file:
        file.write(configuration)
    return subprocess.Popen([shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-p", folder, "-c",
                             f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL)


def start_obsctl(obsctl, port, upstream, flags=""):
    return subprocess.Popen([obsctl, "serve", "proxy", "--listen", f"127.0.0.1:{port}", "--admin", "127.0.0.1:0",
                             "--to", f"http://127.0.0.1:{upstream}", "--log", "off", *flags.split()])


def start_toxiproxy(program, port, upstream):
    admin = free_port()
    process = subprocess.Popen([program, "-port", str(admin)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(admin)
    body = {"name": "nginx", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{upstream}", "enabled": True}
    request = urllib.request.Request(f"http://127.0.0.1:{admin}/proxies", json.dumps(body).encode(),
                                     {"Content-Type": "application/json", "User-Agent": "bench"})
    urllib.request.urlopen(request, timeout=5).close()
    return process


def closed_loop(port, seconds):
    """Requests, and requests per second, of 32 connections."""
    text = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", f"http://127.0.0.1:{port}/"], check=True,
                          capture_output=True, text=True).stdout
    requests = next(int(line.split()[0]) for line in text.splitlines() if " requests in " in line)
    rate = next(float(line.split()[1]) for line in text.splitlines() if line.startswith("Requests/sec"))
    return requests, rate


def paced(obsctl, port, rate, seconds):
    """p50 and p99 of the service time in microseconds, and whether the load was behind its rate."""
    run = subprocess.run(
        [obsctl, "load", "run", f"http://127.0.0.1:{port}/", "--rate", f"{rate}/s", "--duration", f"{seconds}s", "--json"],
        capture_output=True, text=True)
    if run.returncode not in (0, 3):
        sys.exit(run.stderr)
    service = json.loads(run.stdout)["service_time"]
    return service["p50_ns"] / 1e3, service["p99_ns"] / 1e3, run.returncode == 3


def keep_awake(seconds):
    """A loop that gives way to everything else, so that its core does not go idle; it ends by itself after so long."""
    loop = ("import os, time\nos.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\n"
            f"end = time.monotonic() + {seconds}\nwhile time.monotonic() < end:\n  for _ in range(100000): pass")
    return subprocess.Popen([sys.executable, "-c", loop])


def quartiles(rounds):
    """The lower quartile of each column."""
    return [statistics.quantiles(column, n=4)[0] for column in zip(*rounds)]


def pin(pid, cores):
    """A process with all its threads, those that it starts later among them."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), cores)


def report(proxies, rates, closed, cpu, added):
    print(f"{'closed loop':12} {'requests/s':>11} {'CPU us':>7} {'per core-s':>11}")
    for name in ("direct", *proxies):
        own = statistics.median(cpu[name]) if name in cpu else None
        print(f"{name:12} {statistics.median(closed[name]):11.0f} {f'{own:.1f}' if own else '':>7} "
              f"{f'{1e6 / own:.0f}' if own else '':>11}")
    for rate in rates:
        print(f"\n{f'at {rate}/s':12} {'added p50 us':>13} {'added p99 us':>13} {'least disturbed p50':>20} {'p99':>6}")
        # Each round is (direct, through), both (p50, p99).
        undisturbed = quartiles([direct for name in ("direct", *proxies) for direct, _ in added[name, rate]])
        for name in ("direct", *proxies):
            p50, p99 = (statistics.median(b[i] - a[i] for a, b in added[name, rate]) for i in (0, 1))
            least50, least99 = (own - base for own, base in
                                zip(quartiles([through for _, through in added[name, rate]]), undisturbed))
            print(f"{name:12} {p50:13.0f} {p99:13.0f} {least50:20.0f} {least99:6.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--obsctl", default="build/obsctl")
    parser.add_argument("--toxiproxy", default=shutil.which("toxiproxy-server"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rates", type=lambda text: [int(rate) for rate in text.split(",")], default=[2000, 10000])
    parser.add_argument("--awake", action="store_true")
    parser.add_argument("--pin", action="store_true")
    parser.add_argument("--variant", action="append", default=[], metavar="NAME=FLAGS")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # what was started ends with it
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())

        def started(process, port):
            stack.callback(process.wait)
            stack.callback(process.terminate)
            wait_for(port)
            return port, process.pid

        last = os.cpu_count() - 1
        if options.pin:
            os.sched_setaffinity(0, range(last))  # whatever is started from here, too
        upstream, _ = started(start_nginx(f"{folder}/service", port := free_port()), port)
        proxies = {"obsctl": started(start_obsctl(options.obsctl, port := free_port(), upstream), port)}
        for name, flags in (variant.split("=", 1) for variant in options.variant):
            proxies[name] = started(start_obsctl(options.obsctl, port := free_port(), upstream, flags), port)
        proxies["nginx"] = started(start_nginx(f"{folder}/proxy", port := free_port(), upstream), port)
        if options.toxiproxy:
            proxies["toxiproxy"] = started(start_toxiproxy(options.toxiproxy, port := free_port(), upstream), port)
        for _, pid in proxies.values() if options.pin else ():
            pin(pid, {last})
        if options.awake:
            paced_runs = 2 * (len(proxies) + 1) * len(options.rates)
            for core in range(os.cpu_count()):
                loop = keep_awake(options.rounds * (options.seconds + 1) * (len(proxies) + 1 + paced_runs))
                pin(loop.pid, {core})
                stack.callback(loop.wait)
                stack.callback(loop.terminate)

        names = ("direct", *proxies)
        cpu = {name: [] for name in proxies}
        closed = {name: [] for name in names}
        added = {(name, rate): [] for name in names for rate in options.rates}
        behind = 0
        for _ in range(options.rounds):
            closed["direct"].append(closed_loop(upstream, options.seconds)[1])
            for name, (port, pid) in proxies.items():
                before = cpu_seconds(pid)
                requests, rate = closed_loop(port, options.seconds)
                cpu[name].append((cpu_seconds(pid) - before) / requests * 1e6)
                closed[name].append(rate)
            for rate in options.rates:
                for name, port in (("direct", upstream), *((name, port) for name, (port, _) in proxies.items())):
                    direct = paced(options.obsctl, upstream, rate, options.seconds)
                    through = paced(options.obsctl, port, rate, options.seconds)
                    added[name, rate].append((direct[:2], through[:2]))
                    behind += direct[2] + through[2]
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs{', kept awake' * options.awake}{', pinned' * options.pin}; "
              f"medians of {options.rounds} rounds; the load was behind its rate in {behind} runs")
        report(proxies, options.rates, closed, cpu, added)


if __name__ == "__main__":
    main()
