#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page as a file, on its own and through a real node_exporter.

usage: textfile_e2e.py RING_EXPORTER RINGLOAD
"""
import os
import re
import signal
import socket
import stat
import time
import urllib.request

import credentials  # where place and programs are
from place import DEADLINE_S, PATHS, Program, main, run, wait_until
from programs import Exporter, Load, Page, loaded
from tap import Skip

QUICK = ("--web.listen-address=none", "--textfile-interval=1s")
LAST_LINE = r"\nring_families_left_out \d+\n$"


def directory(place):
    path = os.path.join(place.folder, "textfiles")
    os.mkdir(path)
    return path


def file_of(folder):
    return os.path.join(folder, "ring.prom")


def text_of(folder):
    """The page, which is there whole or not at all; None: not at all."""
    try:
        with open(file_of(folder), encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    assert re.search(LAST_LINE, text), text[-200:]
    return text


def writer(place, folder, *arguments, **options):
    """An exporter that has written a page, and does nothing else."""
    program = Program(place, "ring-exporter", "--dir", place.segments, "--textfile", folder,
                      *QUICK, *arguments, **options)
    wait_until(lambda: program.poll() is not None or text_of(folder), "there is a page")
    return program


def page_when(folder, condition, what):
    def look():
        page = Page(text_of(folder))
        return page if condition(page) else None
    return wait_until(look, what)


def series_of(line):
    """Name, labels in no order, value; bounds as numbers, which node_exporter spells anew."""
    series, _, value = line.rpartition(" ")
    series = re.sub(r'\ble="(.*?)"', lambda bound: f"le={float(bound[1])}", series)
    name, _, labels = series.partition("{")
    return name, frozenset(labels.rstrip("}").split(",")), float(value)


class NodeExporter(Program):
    def __init__(self, place, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = "http://127.0.0.1:%d/metrics" % free.getsockname()[1]
        super().__init__(place, "prometheus-node-exporter", "--collector.disable-defaults",
                         "--collector.textfile", f"--collector.textfile.directory={folder}",
                         f"--web.listen-address={self.url[7:-8]}")
        self.await_word("Listening on")

    def lines(self):
        with urllib.request.urlopen(self.url, timeout=20) as answer:
            return answer.read().decode().splitlines()


def node_exporter_shows_what_the_data_plane_has_recorded(place):
    folder = directory(place)
    loaded(place, "load", "--samples", "1000")
    writer(place, folder)
    page = page_when(folder, lambda page: page.total("ring_samples_written_total") == 1000,
                     "the page has it all")
    assert not page.lines("process_") and page.lines("ring_exporter_build_info")
    node = NodeExporter(place, folder)
    shown = set(node.lines())
    assert "node_textfile_scrape_error 0" in shown
    types = {line for line in page.text.splitlines() if line.startswith("# TYPE")}
    assert types <= shown, types - shown
    series = set(map(series_of, page.lines("ring_samples_") + page.lines("load_")))
    shown = {series_of(line) for line in shown if line[0] != "#"}
    assert len(series) > 20 and series <= shown, series - shown
    assert "error gathering" not in node.said(), node.said()


def file_follows_and_stays_at_the_end(place):
    folder = directory(place)
    exporter = writer(place, folder)
    Load(place, "load", "--samples", "10", "--hold")
    page_when(folder, lambda page: page.total("ring_samples_written_total") == 10, "it follows")
    fds = f"/proc/{exporter.pid}/fd"
    assert not [fd for fd in os.listdir(fds) if "socket" in os.readlink(f"{fds}/{fd}")]
    assert exporter.end() == 0 and os.listdir(folder) == ["ring.prom"]


def reader_finds_a_whole_page_whenever_it_looks(place):
    folder = directory(place)
    loaded(place, "load", "--samples", "10", "--series", "2000")
    loop = f"while :; do '{PATHS['ring-exporter']}' --once --dir '{place.segments}' " \
           f"--textfile '{folder}' || exit 1; done"
    Program(place, "bash", "-c", loop)
    wait_until(lambda: text_of(folder), "there is a page")
    seen, end = set(), time.monotonic() + DEADLINE_S
    while len(seen) < 10:  # without a rest, to find what is there for a moment
        assert text_of(folder) and time.monotonic() < end
        seen.add(os.stat(file_of(folder)).st_ino)


def anybody_may_read_it_whatever_the_umask_is(place):
    folder = directory(place)
    done = run("bash", "-c", 'umask 077; exec "$0" "$@"', PATHS["ring-exporter"], "--once",
               "--log.level=error", "--dir", place.segments, "--textfile", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), done
    assert stat.S_IMODE(os.stat(file_of(folder)).st_mode) == 0o644


def directory_that_goes_is_told_of_and_awaited(place):
    folder = directory(place)
    exporter = Exporter(place, "--textfile", folder, "--textfile-interval=1s")
    wait_until(lambda: text_of(folder), "there is a page")
    os.rename(folder, folder + ".gone")
    exporter.await_word('level="error" msg="textfile cannot be written".*reason="No such file')
    exporter.page_when(lambda page: page.total("ring_exporter_textfile_failures_total") >= 2,
                       "it is tried again")
    assert exporter.said().count("cannot be written") == 1
    os.rename(folder + ".gone", folder)
    exporter.await_word('level="info" msg="textfile is written again"')
    page = exporter.page_when(lambda page: page.total("ring_exporter_textfile_writes_total") >= 2,
                              "it is counted")
    assert page.lines("process_")


def directory_in_the_place_of_another_is_written_to(place):
    folder = directory(place)
    exporter = writer(place, folder, "--no-sandbox")
    os.rename(folder, folder + ".old")
    os.mkdir(folder)
    wait_until(lambda: text_of(folder), "there is a page in it, too")
    assert "cannot be written" not in exporter.said()


def full_disk_leaves_the_last_page_and_nothing_else(place):
    folder = directory(place)
    script = 'mount -t tmpfs -o size=4m none "$1" && dd if=/dev/zero of="$1/room" ' \
             'bs=4k count=1016 status=none && shift && exec "$@"'
    if run("unshare", "--mount", "true").returncode != 0:
        raise Skip("only who may mount can have a disk of that size")
    exporter = Program(place, "unshare", "--mount", "bash", "-c", script, "bash", folder,
                       PATHS["ring-exporter"], "--dir", place.segments, "--textfile", folder,
                       *QUICK)
    inside = wait_until(lambda: os.path.exists(f"/proc/{exporter.pid}/root{folder}/ring.prom") and
                        f"/proc/{exporter.pid}/root{folder}", "there is a page")
    before = text_of(inside)
    loaded(place, "load", "--samples", "10", "--series", "500")
    exporter.await_word('cannot be written".*reason="No space left')
    assert text_of(inside).split("ring_")[0] == before.split("ring_")[0]
    assert sorted(os.listdir(inside)) == ["ring.prom", "room"]
    os.unlink(f"{inside}/room")
    exporter.await_word("is written again")


def what_a_killed_exporter_left_is_replaced_and_links_are_not_followed(place):
    folder = directory(place)
    victim = credentials.write(place, "victim", "precious")
    for leave in (lambda new: os.symlink(victim, new),
                  lambda new: credentials.write(place, "textfiles/.ring.prom.new", "half a page")):
        leave(os.path.join(folder, ".ring.prom.new"))
        exporter = writer(place, folder)
        assert exporter.end(signal.SIGKILL) == -signal.SIGKILL
        assert os.listdir(folder) == ["ring.prom"] and not os.path.islink(file_of(folder))
        assert "cannot be written" not in exporter.said()
        os.unlink(file_of(folder))
    with open(victim, encoding="utf-8") as file:
        assert file.read() == "precious"


def second_writer_and_wrong_options_are_refused(place):
    folder = directory(place)
    exporter = writer(place, folder)
    for reason, *arguments in (
            (f"{folder}: another exporter writes there", "--textfile", folder, QUICK[0]),
            (f"{folder}: another exporter writes there", "--textfile", folder, "--once"),
            (f"{folder}/no: No such file or directory", "--textfile", f"{folder}/no"),
            (f"{file_of(folder)}: Not a directory", "--textfile", file_of(folder)),
            ("--textfile: must not be empty", "--textfile="),
            ("--textfile-interval: must be from 1s to 1d", "--textfile-interval=999ms"),
            ("--textfile-interval: must be from 1s to 1d", "--textfile-interval=2d"),
            ("--web.listen-address: is none, and an address is given",
             "--web.listen-address=none", "--web.listen-address=127.0.0.1:0")):
        done = run("ring-exporter", "--dir", place.segments, *arguments)
        assert (done.returncode, done.stderr.decode()) == (2, f"ring-exporter: {reason}\n"), done
    assert exporter.poll() is None


main([
    node_exporter_shows_what_the_data_plane_has_recorded,
    file_follows_and_stays_at_the_end,
    reader_finds_a_whole_page_whenever_it_looks,
    anybody_may_read_it_whatever_the_umask_is,
    directory_that_goes_is_told_of_and_awaited,
    directory_in_the_place_of_another_is_written_to,
    full_disk_leaves_the_last_page_and_nothing_else,
    what_a_killed_exporter_left_is_replaced_and_links_are_not_followed,
    second_writer_and_wrong_options_are_refused,
], at_once=2)
