#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The exporter as a program: how it starts, what it answers, how it ends.

usage: exporter_start_e2e.py RING_EXPORTER RINGLOAD RINGSTAT LABELS_WRITER
"""
import http.client
import json
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import time

from credentials import TOKEN, token_file
from harness import label, totals_of_seg
from alertmanager import Server, free_port
from place import PATHS, Program, main, run, wait_until
from programs import Exporter, Page, export_once, page_once

TYPE = "text/plain; version=0.0.4; charset=utf-8"


def refused(place, *arguments):
    """Demands exit 2 and one line on stderr; returns that line."""
    done = run("ring-exporter", "--dir", place.segments, *arguments)
    assert done.returncode == 2 and done.stdout == b"", done
    assert done.stderr.count(b"\n") == 1 and done.stderr.startswith(b"ring-exporter: "), done
    return done.stderr.decode()


def wrong_command_lines_are_one_line_and_exit_2(place):
    for arguments in (["--no-such-flag"], ["--web.listen-address"], ["stray"], ["--once=yes"],
                      ["--web.listen-address=nonsense"], ["--web.listen-address=1.2.3.4:99999"],
                      ["--web.listen-address=::1:80"], ["--web.telemetry-path=metrics"],
                      ["--log.level=loud"], ["--log.format=xml"], ["-x"],
                      ["--web.listen-address=no.such.host.invalid:1"],
                      ["--web.listen-address=127.0.0.1\n:80"], ["--nox\ny"]):
        line = refused(place, *arguments)
        assert "\n" in arguments[0] or arguments[0].split("=")[-1] in line or arguments[0].split("=")[0] in line, line


def letter_that_is_no_option_is_named_alone(place):
    assert refused(place, "-xh").startswith("ring-exporter: -x: ")


def port_in_use_is_one_line_and_exit_2(place):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        line = refused(place, f"--web.listen-address=127.0.0.1:{port}")
        assert f"127.0.0.1:{port}" in line and "in use" in line, line


def alertmanager_that_cannot_be_told_is_one_line_in_five_seconds_and_exit_2(place):
    def closed(handler):
        handler.close_connection = True

    def no_http(handler):
        handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")
        handler.close_connection = True

    def ready_but_not_for_alerts(handler):
        handler.answer(200 if handler.command == "GET" else 405, b"\x1b[31mnot here\nnor there")

    nobody = f"http://user:secret@127.0.0.1:{free_port()}/am"
    long = nobody + "/x" * 900
    line = refused_in_time(place, long)
    assert long.replace("user:secret@", "") in line and "connect to 127.0.0.1" in line, line
    assert "resolve" in refused_in_time(place, "http://user:secret@no.such.host.invalid")
    for behave, reason in ((lambda handler: handler.server.released.wait(), "timed out"),
                           (lambda handler: handler.answer(500, b"broken"), "status 500: broken"),
                           (lambda handler: handler.answer(404), "status 404"),
                           (lambda handler: handler.answer(302, Location=nobody), "status 302"),
                           (ready_but_not_for_alerts, "status 405: ?[31mnot here (--alert"),
                           (closed, "Empty reply"), (no_http, "HTTP/0.9")):
        with Server(behave) as server:
            line = refused_in_time(place, server.url.replace("//", "//user:secret@"))
            assert reason in line, (reason, line)
            assert f"--alert.url: {server.url} cannot be told: " in line, line
    exporter = Exporter(place)
    assert "status 405" in refused_in_time(place, f"http://{exporter.host}:{exporter.port}")


def refused_in_time(place, url):
    begin = time.monotonic()
    with Server(lambda handler: handler.answer(200)) as well:
        line = refused(place, "--alert.url", well.url, "--alert.url", url)
        assert [body for _, _, body in well.bodies] == [[]]
    assert time.monotonic() - begin < 5
    assert line.startswith("ring-exporter: --alert.url: http") and well.url not in line, line
    assert "secret" not in line and "user" not in line, line
    return line


def alertmanager_that_cannot_be_told_does_not_matter_if_allowed(place):
    with Server(lambda handler: handler.server.released.wait()) as hanging:
        urls = [f"http://127.0.0.1:{free_port()}", hanging.url]
        exporter = Exporter(place, "--alert.allow-unreachable",
                            *(f"--alert.url={url}" for url in urls))
        page = exporter.page()
        for url in urls:
            assert page.values["ring_exporter_alertmanager_up", f'alertmanager="{url}"'] == 0
        exporter.await_word(f'alertmanager cannot be told" url="{urls[0]}"')
        assert exporter.end() == 0


def password_of_an_alertmanager_goes_there_and_nowhere_else(place):
    with Server(lambda handler: handler.answer(200)) as server:
        url = server.url.replace("//", "//user:s%65cret@")
        exporter = Exporter(place, "--log.level=debug", f"--alert.url={url}/", "--alert.resend=1s")
        wait_until(lambda: len(server.bodies) > 1, "it is told of no alerts")
        page = exporter.page_when(lambda page: page.values.get(
            ("ring_exporter_alertmanager_up", f'alertmanager="{server.url}"')) == 1, "it is up")
        for _, headers, _ in server.bodies:
            assert headers["Authorization"] == "Basic dXNlcjpzZWNyZXQ=", headers
        server.behave = lambda handler: handler.answer(500)
        exporter.await_word("alertmanager cannot be told")
    for text in (page.text, exporter.said(), exporter.get("/replication")[2].decode()):
        assert "cret" not in text and "user:" not in text and "dXNlcj" not in text, text


def one_alertmanager_given_twice_is_one_line_and_exit_2(place):
    for other in ("http://h:9093", "http://h:9093//", "HTTP://user:secret@h:9093"):
        line = refused(place, "--alert.allow-unreachable", "--alert.url=http://h:9093",
                       f"--alert.url={other}")
        assert line == "ring-exporter: --alert.url: names one Alertmanager twice\n", line


def once_tells_nobody_and_asks_nobody(place):
    with Server(lambda handler: handler.answer(500)) as server:
        page = page_once(place, f"--alert.url={server.url}")
        assert server.bodies == [] and page.lines("ring_exporter_alert") == []
    refused(place, "--once", "--alert.url=http://")


def missing_directory_is_made_for_its_owner_and_group_and_named(place):
    exporter = Exporter(place)
    assert f'msg="directory opened" dir="{place.segments}"' in exporter.said()
    assert stat.S_IMODE(os.stat(place.segments).st_mode) == 0o750 & ~umask()


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def directory_that_cannot_be_is_one_line_and_exit_2(place):
    for folder in ("/proc/ring", os.path.join(place.folder, "no", "such")):
        assert folder in refused(place, "--once", "--dir", folder)
    with open(place.segments, "wb"):
        line = refused(place, "--once")
    assert place.segments in line and "ot a directory" in line, line


def help_and_version_go_to_stdout_and_exit_0(_place):
    for flag, word in (("--help", b"--web.listen-address"), ("-h", b"usage:"),
                       ("--version", b"ring-exporter 0")):
        done = run("ring-exporter", flag)
        assert done.returncode == 0 and word in done.stdout and done.stderr == b"", done


def what_cannot_be_printed_is_an_error(_place):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PATHS["ring-exporter"], "--help"], stdout=full, check=False,
                              stderr=subprocess.PIPE)
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1, done


def closed_standard_streams_do_not_become_something_else(place):
    closing = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', PATHS["ring-exporter"]]
    with subprocess.Popen([*closing, "--dir", place.segments, "--web.listen-address",
                           "127.0.0.1:0"]) as process:
        try:
            wait_until(lambda: os.path.exists(place.segments), "the exporter runs")
            for fd in range(3):
                assert os.readlink(f"/proc/{process.pid}/fd/{fd}") == "/dev/null"
        finally:
            process.terminate()


def signals_end_it_with_exit_0(place):
    for number in (signal.SIGTERM, signal.SIGINT):
        exporter = Exporter(place)
        assert exporter.end(number) == 0, number


def signal_ends_it_in_the_middle_of_once(place):
    label(place, "odd", 5000, *(b"%0200d" % i for i in range(1000)))  # more than a pipe takes in
    for number in (signal.SIGTERM, signal.SIGINT):
        once = Program(place, "ring-exporter", "--once", "--dir", place.segments)
        assert once.stdout.read(1) == "#"
        assert once.end(number) == -number


def connection_serves_one_request_after_the_other(place):
    exporter = Exporter(place)
    connection = http.client.HTTPConnection(exporter.host, exporter.port)
    connection.connect()
    local = connection.sock.getsockname()
    for method, path in (("GET", "/metrics"), ("HEAD", "/metrics"), ("POST", "/metrics"),
                         ("GET", "/no"), ("GET", "/-/ready")):
        connection.request(method, path, body=b"x" * 4096 if method == "POST" else None)
        answer = connection.getresponse()
        answer.read()
        assert not answer.will_close, (method, path)
        assert connection.sock.getsockname() == local
    connection.close()


def body_that_is_long_or_of_unknown_length_is_refused(place):
    exporter = Exporter(place)
    for head, status in ((b"Content-Length: 4097", 413), (b"Content-Length: 1000000000000", 413),
                         (b"Transfer-Encoding: chunked", 411)):
        with socket.create_connection((exporter.host, exporter.port)) as client:
            client.sendall(b"POST /replication/clear HTTP/1.1\r\nHost: x\r\n" + head
                           + b"\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(4096), b""))
        assert int(answer.split()[1]) == status, answer
    assert exporter.get()[0] == 200


def status_page_is_html_for_people_and_json_for_programs(place):
    exporter = Exporter(place)
    status, headers, body = exporter.get("/replication")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"No follower has been seen" in body
    connection = http.client.HTTPConnection(exporter.host, exporter.port)
    connection.request("GET", "/replication", headers={"Accept": "application/json"})
    page = json.load(connection.getresponse())
    assert (page["version"], page["statistics"]["nodes"], page["nodes"]) == (1, 0, [])
    connection.request("POST", "/replication/clear")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (403, b"only with --web.enable-admin-api\n")
    connection.close()


def descriptors_are_as_many_as_the_kernel_gives_and_some_stay_for_http(place):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for i in range(8):
        label(place, f"seg{i}", 1, b"x")
    for limits, followed in ((f"100:{hard}", 8), ("100:229", 5), ("60:60", 1)):
        done = run("prlimit", f"--nofile={limits}", PATHS["ring-exporter"], "--once",
                   "--dir", place.segments)
        page = Page(done.stdout.decode())
        assert page.total("process_max_fds") == min(int(limits.split(":")[1]), hard)
        assert page.total("ring_segments", state="dead") == followed, (limits, page.text)
        assert page.total("ring_segments_quarantined", reason="too_many") == 8 - followed


def flood_of_directory_events_does_not_set_the_pace(place):
    exporter = Exporter(place)
    Program(place, "bash", "-c", f"while :; do > {place.path('.x')}; done")

    def passes():
        return exporter.page().total("ring_exporter_drain_passes_total")

    def next_count(before):  # it is brought up to date once a second
        wait_until(lambda: passes() != before, "the passes are counted anew")
        return passes()
    first = next_count(next_count(passes()))
    # An idle exporter passes ten times a second, and once more for the news after each look.
    assert next_count(first) - first < 100


def hang_up_of_a_reader_does_not_end_it(place):
    exporter = Exporter(place)
    for _ in range(20):
        with socket.create_connection((exporter.host, exporter.port)) as reader:
            reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
    assert exporter.get()[0] == 200


def machine_has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def every_address_is_served_and_only_beyond_loopback_warned_about(place):
    v6 = machine_has_ipv6()
    token = token_file(place, "token", TOKEN)
    exporter = Exporter(place, "--web.listen-address=:0", f"--web.token-file={token}", "--web.telemetry-path=/figures",
                              *["--web.listen-address=[::1]:0"] * v6)
    wait_until(lambda: len(re.findall("listening|without TLS", exporter.said()))
               == (6 if v6 else 3), "it has named all addresses")
    text = exporter.said()
    found = re.findall(r'msg="listening" address="\[?([^"\]]*)\]?:(\d+)"', text)
    assert sorted(host for host, _ in found) == ["0.0.0.0", "127.0.0.1"] + ["::", "::1"] * v6, text
    warned = re.findall(r'level="warn".*address="\[?([^"\]]*)\]?:', text)
    assert sorted(warned) == ["0.0.0.0"] + ["::"] * v6, text
    for host, port in found:
        exporter.host, exporter.port = {"::": "::1", "0.0.0.0": "127.0.0.1"}.get(host, host), port
        for path, status in (("/figures", 200), ("/metrics", 404)):
            assert exporter.get(path, Authorization=f"Bearer {TOKEN}")[0] == status


def pages_and_methods_are_those_of_any_exporter(place):
    exporter = Exporter(place)
    status, headers, body = exporter.get()
    assert (status, headers["Content-Type"]) == (200, TYPE)
    assert body.startswith(b"# HELP ") and body.endswith(b"\n")
    status, headers, body = exporter.get(method="HEAD")
    assert (status, headers["Content-Type"], body) == (200, TYPE, b"")
    assert int(headers["Content-Length"]) > 0
    assert exporter.get("/-/healthy")[0] == exporter.get("/-/ready")[0] == 200
    assert b'href="./metrics"' in exporter.get("/")[2]
    for path in ("/no", "/metrics/", "/-/", "/../metrics", "//"):
        assert exporter.get(path)[0] == 404, path
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
        status, headers, _ = exporter.get(method=method)
        assert (status, headers.get("Allow")) == (405, "GET, HEAD"), method
    assert exporter.get("/metrics?name[]=x")[0] == 200


def silent_and_slow_clients_leave_room_for_a_scrape(place):
    exporter = Exporter(place)
    clients = [socket.create_connection((exporter.host, exporter.port)) for _ in range(40)]
    for client in clients[::2]:
        client.sendall(b"GET /metr")
    assert exporter.get()[0] == 200
    huge = socket.create_connection((exporter.host, exporter.port))
    huge.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40000)
    assert huge.recv(100).split()[1] in (b"431", b"413", b"400")
    assert exporter.get()[0] == 200
    for client in clients + [huge]:
        client.close()


def untimed(lines):
    """Those that do not say when."""
    return [line for line in lines if not re.match(r"\w+_timestamp_", line)]


def once_prints_what_a_scrape_shows(place):
    totals = totals_of_seg(place, "--cores", 2, "--samples", 1000, "--series", 3)
    page = Exporter(place).page_when(totals.are_on, "the page shows what was written")
    printed = page_once(place, "--web.disable-exporter-metrics")
    assert "process_" not in printed.text and "ring_exporter_" not in printed.text
    assert totals.are_on(printed)
    for prefix in ("load_", "ring_segment", "ring_samples_"):
        assert untimed(printed.lines(prefix)) == untimed(page.lines(prefix)) != [], prefix


def self_metrics_follow_the_conventions(place):
    page = Exporter(place).page()
    assert page.total("ring_exporter_build_info") == 1
    for name in ("process_cpu_seconds_total", "process_open_fds", "process_max_fds",
                 "process_virtual_memory_bytes", "process_resident_memory_bytes",
                 "process_virtual_memory_max_bytes",
                 "process_network_receive_bytes_total", "process_network_transmit_bytes_total",
                 "process_start_time_seconds"):
        assert (name, "") in page.values, name
    assert "# TYPE process_cpu_seconds_total counter\n" in page.text
    assert page.total("process_open_fds") > 5
    assert {labels for name, labels in page.values if name == "ring_segments"} == \
        {f'state="{state}"' for state in ("live", "dead", "quarantined")}
    reasons = [labels for name, labels in page.values if name == "ring_segments_quarantined"]
    assert len(reasons) > 20 and 'reason="sparse"' in reasons


def log_lines_are_whole_in_both_formats(place):
    label(place, "odd", 10, b"x")
    with open(os.path.join(os.fsencode(place.segments), b'bad"\n\xff'), "wb"):
        pass
    done = export_once(place)
    for line in done.stderr.decode().splitlines():
        assert re.fullmatch(r'ts="\S+Z" level="\w+" msg="[^"]*"( \w+="([^"\\]|\\.)*")*', line), line
    assert rb'segment="bad\"\u000a' in done.stderr
    done = export_once(place, "--log.format=json")
    events = [json.loads(line) for line in done.stderr.decode().splitlines()]
    assert {event["msg"] for event in events} == \
        {"directory opened", "segment attached", "segment quarantined"}
    assert [event["segment"] for event in events if event["level"] == "warn"] == ['bad"\n\ufffd']


main([
    wrong_command_lines_are_one_line_and_exit_2,
    letter_that_is_no_option_is_named_alone,
    port_in_use_is_one_line_and_exit_2,
    alertmanager_that_cannot_be_told_is_one_line_in_five_seconds_and_exit_2,
    alertmanager_that_cannot_be_told_does_not_matter_if_allowed,
    password_of_an_alertmanager_goes_there_and_nowhere_else,
    one_alertmanager_given_twice_is_one_line_and_exit_2,
    once_tells_nobody_and_asks_nobody,
    missing_directory_is_made_for_its_owner_and_group_and_named,
    directory_that_cannot_be_is_one_line_and_exit_2,
    help_and_version_go_to_stdout_and_exit_0,
    what_cannot_be_printed_is_an_error,
    closed_standard_streams_do_not_become_something_else,
    signals_end_it_with_exit_0,
    signal_ends_it_in_the_middle_of_once,
    connection_serves_one_request_after_the_other,
    body_that_is_long_or_of_unknown_length_is_refused,
    status_page_is_html_for_people_and_json_for_programs,
    descriptors_are_as_many_as_the_kernel_gives_and_some_stay_for_http,
    flood_of_directory_events_does_not_set_the_pace,
    hang_up_of_a_reader_does_not_end_it,
    every_address_is_served_and_only_beyond_loopback_warned_about,
    pages_and_methods_are_those_of_any_exporter,
    silent_and_slow_clients_leave_room_for_a_scrape,
    once_prints_what_a_scrape_shows,
    self_metrics_follow_the_conventions,
    log_lines_are_whole_in_both_formats,
])
