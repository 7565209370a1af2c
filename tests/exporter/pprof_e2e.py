#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPU profiles of the exporter, over HTTP and as google-pprof reads them.

usage: pprof_e2e.py RING_EXPORTER RINGLOAD
"""
import os
import re
import signal
import socket
import subprocess
import threading
import time

from credentials import TOKEN, token_file
from place import PATHS, main, run, wait_until
from programs import Exporter, Load

ROOT = "/debug/pprof"
TEXT_HEADER = 40  # bytes of a profile before its first sample


class Profiled(Exporter):
    """An exporter with an address for profiles; `ask` goes there."""

    def __init__(self, place, *arguments, **options):
        super().__init__(place, "--web.profile-address", "127.0.0.1:0", *arguments, **options)
        self.profile_port = int(self.await_word(r'address="127.0.0.1:(\d+)" for="profiles"')[1])
        self.url = f"http://127.0.0.1:{self.profile_port}{ROOT}/profile"

    def connect(self, request):
        """A connection over which the request has been sent."""
        connection = socket.create_connection(("127.0.0.1", self.profile_port), timeout=20)
        connection.sendall(request)
        return connection

    def ask(self, path, method="GET", body=b"", fields=""):
        """(status, header, body) of one request."""
        with self.connect(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                          f"Content-Length: {len(body)}\r\n{fields}\r\n".encode() + body) as way:
            return answer(way)

    def begin(self, seconds):
        """A connection for whose request a profile has begun."""
        count = self.said().count("profile begins")
        way = self.connect(f"GET {ROOT}/profile?seconds={seconds} HTTP/1.1\r\nHost: x\r\n"
                           "Connection: close\r\n\r\n".encode())
        wait_until(lambda: self.said().count("profile begins") > count, "the profile has begun")
        return way


def answer(way):
    data = b"".join(iter(lambda: way.recv(65536), b""))
    header, _, body = data.partition(b"\r\n\r\n")
    return int(header.split()[1]), header.decode(), body


def functions(text):
    """The names in google-pprof's table."""
    return [line.split()[5] for line in text.splitlines() if re.match(r"\s+\d+ +[\d.]+%", line)]


def pprof(place, *arguments):
    environment = {**os.environ, "PPROF_TMPDIR": place.folder, "HOME": place.folder}
    done = run("google-pprof", "--text", *arguments, env=environment)
    assert done.returncode == 0, done
    return functions(done.stdout.decode())


def worked(place):
    """An exporter whose threads have something to do, until the place goes."""
    exporter = Profiled(place)
    Load(place, "busy", "--series", "1000")
    return exporter


def while_scraped(exporter, what):
    """The value of what is called beside scrapes that do not end before it."""
    over = threading.Event()

    def scrape():
        while not over.is_set():
            exporter.get()
    scraper = threading.Thread(target=scrape)
    scraper.start()
    try:
        return what()
    finally:
        over.set()
        scraper.join()


def await_names(take, *patterns):
    """Takes profiles until they have functions of all these names: on a busy machine the exporter
    has little time, and one profile few samples."""
    names = set()

    def look():
        names.update(take())
        return all(any(re.match(pattern, name) for name in names) for pattern in patterns)
    wait_until(look, f"{patterns} in {names}")


def X4_profile_has_the_functions_of_all_busy_threads(place):
    exporter = worked(place)
    path = os.path.join(place.folder, "profile")

    def take():
        status, header, body = while_scraped(exporter,
                                             lambda: exporter.ask(f"{ROOT}/profile?seconds=1"))
        assert status == 200 and "application/octet-stream" in header, header
        with open(path, "wb") as file:
            file.write(body)
        return pprof(place, PATHS["ring-exporter"], path)
    await_names(take, "drain_|ring_reader_", "collect_run", "serve_run")
    assert "PROFILE" not in exporter.said() and exporter.page() is not None


def X4_google_pprof_asks_for_the_profile_and_its_names_itself(place):
    exporter = worked(place)
    await_names(lambda: pprof(place, "--seconds=1", exporter.url), "drain_|ring_reader_",
                "collect_run")


def X4_one_profile_at_a_time_and_who_goes_away_frees_it(place):
    exporter = Profiled(place)
    first = exporter.begin(50)
    status, header, _ = exporter.ask(f"{ROOT}/profile?seconds=1")
    assert status == 503, header
    assert 40 <= int(re.search(r"Retry-After: (\d+)", header)[1]) <= 51, header
    first.close()
    exporter.await_word("profile ends")
    status, _, body = exporter.ask(f"{ROOT}/profile?seconds=1")
    assert status == 200 and len(body) > TEXT_HEADER


def X4_profile_takes_its_time_and_holds_nobody_up(place):
    exporter = Profiled(place)
    start = time.monotonic()
    way = exporter.begin(2)
    while time.monotonic() < start + 1.5:
        assert exporter.get()[0] == 200 and exporter.ask(f"{ROOT}/symbol")[0] == 200
    assert answer(way)[0] == 200 and 2 <= time.monotonic() - start < 10


def X4_end_of_the_exporter_is_the_profiles_too(place):
    exporter = Profiled(place)
    way = exporter.begin(60)
    exporter.send_signal(signal.SIGTERM)
    status, _, body = answer(way)
    assert status == 200 and b"ring-exporter" in body, "the maps are at the end of a whole profile"
    assert exporter.wait(20) == 0


def X4_paths_methods_and_times(place):
    exporter = Profiled(place)
    for path, method, wanted in (
            ("/", "GET", 200), ("", "GET", 301), ("/", "HEAD", 200), ("/", "POST", 405),
            ("/cmdline", "GET", 200), ("/heap", "GET", 404), ("/profile/", "GET", 404),
            ("/profile", "HEAD", 405), ("/profile", "POST", 405), ("/symbol", "HEAD", 200),
            ("/symbol", "PUT", 405),
            *((f"/profile?{query}", "GET", 400) for query in (
                "seconds=0", "seconds=61", "seconds=", "seconds", "seconds=-1", "seconds=%201",
                "seconds=1x", "seconds=1.5", "seconds=0x1", "seconds=1&seconds=1", "second=1",
                "seconds=1&x=1", "seconds=1%00", "seconds=4294967297", "x"))):
        status, header, _ = exporter.ask(ROOT + path, method)
        assert status == wanted, (path, method, header)
    for path in ("/metrics", "/", "/replication", "/-/ready", "/-/healthy"):
        assert exporter.ask(path)[0] == 404, path
    for path in ("/", "/profile?seconds=1", "/symbol", "/cmdline"):
        assert exporter.get(ROOT + path)[0] == 404, path
    assert "profile begins" not in exporter.said()
    exporter.page_when(lambda page: page.total("ring_exporter_http_requests_total", code="301") == 1,
                       "all statuses are counted")


def X4_addresses_get_their_names(place):
    exporter = Profiled(place)
    path = exporter.ask(f"{ROOT}/cmdline")[2].decode()
    assert os.path.samefile(path, PATHS["ring-exporter"])
    count = re.fullmatch(rb"num_symbols: (\d+)\n", exporter.ask(f"{ROOT}/symbol")[2])
    assert int(count[1]) > 100
    with open(f"/proc/{exporter.pid}/maps", encoding="utf-8") as maps:
        base = int(next(line for line in maps if line.endswith(path + "\n")).split("-")[0], 16)
    listed = dict(line.split()[::-2] for line in run("nm", path).stdout.decode().splitlines()
                  if re.match(r"[0-9a-f]+ [tT] ", line))
    wanted = {f"0x{base + int(listed[name], 16) + 3:x}": name
              for name in ("main", "serve_run", "drain_source", "ring_reader_drain")}
    status, _, body = exporter.ask(f"{ROOT}/symbol", "POST", "+".join(wanted).encode())
    assert status == 200
    assert dict(line.split("\t") for line in body.decode().splitlines()) == wanted, body
    long = b"+".join([f"0x{base + int(listed['main'], 16):016x}".encode()] * 6000)
    assert exporter.ask(f"{ROOT}/symbol", "POST", long)[2].count(b"\tmain\n") == 6000
    for body, wanted in ((b"", 200), (b"0x0", 200), (b"ffffffffffffffff", 200), (b"0x", 400),
                         (b"0x1 0x2", 400), (b"0x1\x00", 400), (b"-1", 400), (b"0x1++0x2", 400),
                         (b"0x12345678901234567", 400), (b"main", 400),
                         (b"0" * (128 << 10), 400), (b"0" * ((128 << 10) + 1), 413)):
        assert exporter.ask(f"{ROOT}/symbol", "POST", body)[0] == wanted, (body[:20], wanted)
    # Elsewhere bodies mean as little as ever.
    assert exporter.get("/metrics", "GET", **{"Content-Length": "5000"})[0] == 413


def X4_profiles_need_the_credential_of_all_other_pages(place):
    done = run("ring-exporter", "--dir", place.segments, "--web.listen-address=127.0.0.1:0",
               "--web.profile-address=:0")
    assert done.returncode == 2 and b"ring-exporter: :0: other machines" in done.stderr, done
    for wrong in ("", "none", "127.0.0.1"):
        done = run("ring-exporter", "--dir", place.segments, f"--web.profile-address={wrong}")
        assert done.returncode == 2 and done.stderr.count(b"\n") == 1, done
        assert done.stderr.startswith(b"ring-exporter: --web.profile-address: "), done
    exporter = Profiled(place, "--web.token-file", token_file(place, "token", TOKEN))
    for path in ("/", "/profile?seconds=1", "/symbol", "/cmdline", "/nothing"):
        status, header, _ = exporter.ask(ROOT + path)
        assert status == 401 and "WWW-Authenticate: Bearer" in header, (path, header)
    assert "profile begins" not in exporter.said()
    assert exporter.ask(f"{ROOT}/symbol", "POST", b"0x0")[0] == 401
    assert exporter.ask(f"{ROOT}/", fields=f"Authorization: Bearer {TOKEN}\r\n")[0] == 200


def X4_profiles_through_a_unix_socket(place):
    path = os.path.join(place.folder, "profiles")
    exporter = Exporter(place, f"--web.profile-address=unix:{path}", "--web.socket-mode=600")
    exporter.await_word(f'address="unix:{path}" for="profiles"')
    done = run("curl", "-s", "--unix-socket", path, f"http://x{ROOT}/symbol")
    assert done.stdout.startswith(b"num_symbols: "), done
    assert exporter.end() == 0 and not os.path.exists(path)


def catches_sigprof(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        caught = int(re.search(r"SigCgt:\s+(\w+)", status.read())[1], 16)
    return caught >> (signal.SIGPROF - 1) & 1


def X4_environment_neither_starts_a_profile_nor_names_a_file(place):
    profiles = ("--web.profile-address=127.0.0.1:0",)
    for arguments, orders in (((), {}), (profiles, {}), (profiles, {"CPUPROFILE_REALTIME": "1"})):
        file = os.path.join(place.folder, "from_environment")
        exporter = Exporter(place, *arguments,
                            env={**os.environ, "CPUPROFILE": file, **orders})
        with open(f"/proc/{exporter.pid}/maps", encoding="utf-8") as maps:
            assert ("libprofiler" in maps.read()) == bool(arguments)
        assert arguments or not catches_sigprof(exporter.pid)
        assert exporter.end() == 0
        assert not [name for name in os.listdir(place.folder) if "environment" in name]


def X4_without_gperftools_it_says_what_is_needed(place):
    with open(os.path.join(place.folder, "libprofiler.so.0"), "wb"):
        pass
    done = run("ring-exporter", "--dir", place.segments, "--web.listen-address=127.0.0.1:0",
               "--web.profile-address=127.0.0.1:0",
               env={**os.environ, "LD_LIBRARY_PATH": place.folder}, stdout=subprocess.DEVNULL)
    said = [line for line in done.stderr.decode().splitlines() if not line.startswith("ts=")]
    assert done.returncode == 2, done
    assert said == ["ring-exporter: --web.profile-address: needs gperftools' libprofiler.so.0, "
                    "which cannot be loaded"], said


main([
    X4_profile_has_the_functions_of_all_busy_threads,
    X4_google_pprof_asks_for_the_profile_and_its_names_itself,
    X4_one_profile_at_a_time_and_who_goes_away_frees_it,
    X4_profile_takes_its_time_and_holds_nobody_up,
    X4_end_of_the_exporter_is_the_profiles_too,
    X4_paths_methods_and_times,
    X4_addresses_get_their_names,
    X4_profiles_need_the_credential_of_all_other_pages,
    X4_profiles_through_a_unix_socket,
    X4_environment_neither_starts_a_profile_nor_names_a_file,
    X4_without_gperftools_it_says_what_is_needed,
], at_once=2)
