"""What a figure depends on besides the program: the machine, its software, and who else is using it."""
import datetime
import os
import pathlib
import platform
import re
import subprocess
import time


def described():
    processor = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    debian = pathlib.Path("/etc/debian_version")
    return ", ".join([
        processor[1] if processor else platform.machine(), f"{os.cpu_count()} cores", f"{memory / 1048576:.0f} GiB",
        f"Debian {debian.read_text().strip()}" if debian.exists() else platform.platform(), f"Linux {platform.release().split('-')[0]}",
    ])


def versions():
    gdal = output("ogr2ogr", "--version").split(",")[0]
    mapserver = re.search(r"MapServer version \S+", output("/usr/lib/cgi-bin/mapserv", "-v"))
    swift = re.search(r"Swift version \S+", output("swift", "--version"))
    revision = output("git", "rev-parse", "--short=12", "HEAD").strip()
    # What a run writes into README.md makes it no other program.
    if output("git", "status", "--porcelain", "--", ":/", ":(top,exclude)Tools/Benchmarks/README.md").strip():
        revision += "-dirty"
    kasane = os.environ.get("KASANE_BENCH_VERSION") or f"Kasane {revision}"
    return ", ".join(filter(None, [kasane, swift and swift[0], gdal, mapserver and mapserver[0]]))


def output(*command):
    """What a command prints; nothing when there is no such command."""
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    except FileNotFoundError:
        return ""


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


class Noise:
    """How busy others keep the machine, looked at for a second before each round. What starts later is not seen."""

    def __init__(self):
        self.shares = []

    def look(self):
        before = self._times()
        time.sleep(1)
        after = self._times()
        total = sum(after) - sum(before)
        idle = after[3] + after[4] - before[3] - before[4]
        self.shares.append((total - idle) / max(1, total))

    @staticmethod
    def _times():
        return [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]

    def __str__(self):
        return f"{100 * min(self.shares):.0f}–{100 * max(self.shares):.0f} %"
