"""How each load tool is run and read: one CPU, keep-alive, the same server. A tool that is not installed is left out."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

SERVER_CPU, CLIENT_CPU = "0", "1"
OTHERS = ("wrk", "ab", "h2load", "hey", "oha", "vegeta", "k6")
QUIET_K6 = {"K6_NO_USAGE_REPORT": "true", "K6_AUTO_EXTENSION_RESOLUTION": "false"}

K6_SCRIPT = """
import http from 'k6/http';
export const options = {{ discardResponseBodies: true, insecureSkipTLSVerify: true, noUsageReport: true,
  summaryTrendStats: ['p(50)', 'p(90)', 'p(99)', 'p(99.9)'], scenarios: {{ load: {{ {scenario} }} }} }};
export default function () {{ http.get('{url}'); }}
"""


class Server:
    """bench_server on the server's CPU, for as long as a `with` lasts."""

    def __init__(self, args, *options):
        self.process = subprocess.Popen([*args.prefix, "taskset", "-c", SERVER_CPU, os.path.join(args.bin, "bench_server"),
                                         *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


class TlsServer:
    """nginx on the server's CPU, one worker, with a certificate of its own."""

    PORT = 28443

    def __init__(self, args):
        self.folder = tempfile.TemporaryDirectory()
        folder = self.folder.name
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=bench", "-keyout", f"{folder}/key", "-out", f"{folder}/pem"], check=True,
                       capture_output=True)
        with open(f"{folder}/conf", "w") as file:
            file.write(f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\n"
                       "events { worker_connections 4096; }\n"
                       f"http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/t;\n"
                       f"proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t; uwsgi_temp_path {folder}/t;\n"
                       f"scgi_temp_path {folder}/t; server {{ listen 127.0.0.1:{self.PORT} ssl; ssl_certificate {folder}/pem;\n"
                       f"ssl_certificate_key {folder}/key; location / {{ return 200 \"pong\\n\"; }} }} }}\n")
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([*args.prefix, "taskset", "-c", SERVER_CPU, nginx, "-c", f"{folder}/conf"],
                                        stderr=subprocess.DEVNULL)
        self.url = f"https://127.0.0.1:{self.PORT}/"
        time.sleep(0.5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.folder.cleanup()


def run(args, command, timeout=300, environment=None):
    """Output, CPU seconds and largest resident size (KiB) of a command on the client's CPU."""
    process = subprocess.Popen([*args.prefix, "taskset", "-c", CLIENT_CPU, "timeout", str(timeout), *map(str, command)],
                               stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "GOMAXPROCS": "1", **QUIET_K6, **(environment or {})})
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return output, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def number(pattern, text, default=0.0):
    found = re.search(pattern, text)
    return float(found.group(1)) if found else default


def installed(tools=OTHERS):
    return [tool for tool in tools if shutil.which(tool)]


def obsctl(args, url, *options):
    """The result document, without what --json prints beside it; CPU seconds; KiB."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        output, cpu, rss = run(args, [args.obsctl, "load", "run", url, "-q", "-k", "-o", file.name, *options])
        text = open(file.name).read()
        if not text:
            raise SystemExit(f"obsctl failed: {output}")
        return json.loads(text), cpu, rss


def raw_client(args, url, connections, seconds, *pacing):
    output, cpu, _ = run(args, [os.path.join(args.bin, "raw_client"), url.split(":")[2].rstrip("/"), connections, seconds,
                                *pacing])
    return int(output.split()[0]), cpu


def k6(args, url, scenario):
    """Requests, CPU seconds, and the quantiles of http_req_duration in ms."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/load.js", "w") as file:
            file.write(K6_SCRIPT.format(scenario=scenario, url=url))
        output, cpu, _ = run(args, ["k6", "run", "-q", "--summary-export", f"{folder}/out.json", f"{folder}/load.js"])
        try:
            metrics = json.load(open(f"{folder}/out.json"))["metrics"]
        except OSError:
            raise SystemExit(f"k6 failed: {output}") from None
    return metrics["http_reqs"]["count"], cpu, metrics["http_req_duration"]


def closed_loop(args, tool, url, seconds, connections):
    """Requests and CPU seconds, with as many connections as asked for and no pause between requests."""
    if tool == "raw epoll":
        return raw_client(args, url, connections, seconds)
    if tool == "obsctl":
        result, cpu, _ = obsctl(args, url, "-c", str(connections), "-d", f"{seconds}s")
        return result["counts"]["sent"], cpu
    if tool == "k6":
        done, cpu, _ = k6(args, url, f"executor: 'constant-vus', vus: {connections}, duration: '{seconds}s'")
        return done, cpu
    command, pattern = {
        "wrk": (["wrk", "-t1", f"-c{connections}", f"-d{seconds}", url], r"(\d+) requests in"),
        "hey": (["hey", "-cpus", "1", "-c", connections, "-z", f"{seconds}s", url], r"\[200\]\s+(\d+) responses"),
        "ab": (["ab", "-q", "-k", "-c", connections, "-t", seconds, "-n", 10_000_000, url], r"Complete requests:\s+(\d+)"),
        "h2load": (["h2load", "--h1", "-c", connections, "-t", 1, "-D", seconds, url], r"(\d+) succeeded"),
        "oha": (["oha", "--no-tui", "--insecure", "-c", connections, "-z", f"{seconds}s", url], r"\[200\]\s+(\d+)"),
        "vegeta": (["sh", "-c", f"echo GET {url} | vegeta attack -insecure -rate 0 -max-workers {connections} "
                    f"-duration {seconds}s | vegeta report"], r"Requests\s+\[.*?\]\s+(\d+)"),
    }[tool]
    output, cpu, _ = run(args, command)
    return number(pattern, output), cpu


def paced(args, tool, rate, url, seconds):
    """Requests, CPU seconds, and the schedule lag where the tool reports one. `tool` may name a pacing mode."""
    name, _, mode = tool.partition(" ")
    if name == "obsctl":
        result, cpu, _ = obsctl(args, url, "-r", f"{rate}/s", "-d", f"{seconds}s", "--max-connections", "64", "--pacing", mode)
        return result["counts"]["sent"], cpu, result["schedule_lag"]
    if name == "raw":
        return (*raw_client(args, url, 64, seconds, rate, mode), None)
    if name == "k6":
        done, cpu, _ = k6(args, url, f"executor: 'constant-arrival-rate', rate: {rate}, timeUnit: '1s', "
                                     f"duration: '{seconds}s', preAllocatedVUs: 64")
        return done, cpu, None
    command, pattern = {
        "hey": (["hey", "-cpus", "1", "-c", 50, "-q", rate / 50, "-z", f"{seconds}s", url], r"\[200\]\s+(\d+) responses"),
        "wrk2": (["wrk2", "-t1", "-c64", f"-d{seconds}", f"-R{rate}", url], r"(\d+) requests in"),
        "oha": (["oha", "--no-tui", "-c", 64, "-q", rate, "-z", f"{seconds}s", url], r"\[200\]\s+(\d+)"),
        "vegeta": (["sh", "-c", f"echo GET {url} | vegeta attack -rate {rate}/1s -duration {seconds}s | vegeta report"],
                   r"Requests\s+\[.*?\]\s+(\d+)"),
    }[name]
    output, cpu, _ = run(args, command)
    return number(pattern, output), cpu, None


def open_model_quantiles(args, tool, rate, url, seconds):
    """p50, p90, p99 (ms) of a tool's best effort at the truth: as many connections as it needs, its own correction on."""
    if tool == "k6":
        _, _, times = k6(args, url, f"executor: 'constant-arrival-rate', rate: {rate}, timeUnit: '1s', "
                                    f"duration: '{seconds}s', preAllocatedVUs: 1200")
        return [times[f"p({q})"] for q in (50, 90, 99)]
    if tool == "oha":
        output, _, _ = run(args, ["oha", "--no-tui", "--latency-correction", "-c", 64, "-q", rate, "-z", f"{seconds}s",
                                  "-w", url])
        found = [re.search(rf"{q}\.00% in ([\d.]+) (\w+)", output) for q in (50, 90, 99)]
        units = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1, "sec": 1000, "secs": 1000}
        return [float(f.group(1)) * units[f.group(2)] for f in found]
    if tool == "wrk2":
        output, _, _ = run(args, ["wrk2", "-t1", "-c64", f"-d{seconds}", f"-R{rate}", "--latency", url])
        found = [re.search(rf"{q}\.000%\s+([\d.]+)(\w+)", output) for q in (50, 90, 99)]
        return [float(f.group(1)) * {"us": 1e-3, "ms": 1, "s": 1000}[f.group(2)] for f in found]
    if tool == "vegeta":
        output, _, _ = run(args, ["sh", "-c", f"echo GET {url} | vegeta attack -rate {rate}/1s -duration {seconds}s | "
                                  "vegeta report -type json"])
        times = json.loads(output)["latencies"]
        return [times[q] / 1e6 for q in ("50th", "90th", "99th")]
    output, _, _ = run(args, ["hey", "-cpus", "1", "-c", 64, "-q", rate / 64, "-z", f"{seconds}s", url])
    return [number(rf"{q}%+ in ([\d.]+) secs", output) * 1000 for q in (50, 90, 99)]
