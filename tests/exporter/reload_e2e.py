#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A running exporter gets another configuration, or keeps the one that it has.

usage: reload_e2e.py RING_EXPORTER REPLICATION_WRITER
"""
import os
import signal
import time

from connections import MIB, fds, resident_bytes
from credentials import TOKEN, basic, bcrypt, token_file, users, write
from harness import Replicator
from place import main, wait_until
from programs import Exporter

OTHER_TOKEN = TOKEN[::-1]
SECOND_NS = 10**9


class Configured(Exporter):
    """An exporter with a configuration file, which may be replaced."""

    def __init__(self, place, config, *arguments):
        self.place = place
        self.write(config)
        super().__init__(place, f"--config.file={place.folder}/exporter.yml",
                         "--web.enable-lifecycle", *arguments)

    def write(self, config):
        return write(self.place, "exporter.yml", config)

    def post(self, method="POST", **headers):
        """(status, what it says) of a request to reload."""
        status, _, body = self.get("/-/reload", method, **headers)
        return status, body.decode()

    def reload(self, config):
        """By a request, whose thread does it: all is done when it is answered."""
        self.write(config)
        return self.post()

    def takes(self, config):
        assert self.reload(config) == (200, "reloaded\n"), self.said()

    def keeps(self, config, line, reason):
        """Stays as it was, with this reason."""
        fault = f"{self.place.folder}/exporter.yml{line}: {reason}"
        status, said = self.reload(config)
        assert (status, said[:len(fault)]) == (500, fault), (fault, said)
        assert said.count("\n") == 1 and f'reason="{said[:-1]}"' in self.said(), said

    def hang_up(self, word, times=1):
        """By a signal, until the log has a word so many times."""
        self.send_signal(signal.SIGHUP)
        wait_until(lambda: self.said().count(word) >= times, word)


def figure(page, name, labels=""):
    return page.values.get((f"ring_exporter_{name}", labels))


def is_successful(page):
    return figure(page, "config_last_reload_successful") == 1


def is_severity(follower, word):
    labels = f'follower="{follower}",severity="{word}"'
    return lambda page: page.values.get(("replication_follower_severity", labels)) == 1


def thresholds_change_for_a_follower_that_is_there(place):
    leader = Replicator(place, "leader")
    exporter = Configured(place, "{}")
    leader.tell("recorded_lag", "f", 3 * SECOND_NS)
    exporter.page_when(is_severity("f", "normal"), "3 s are nothing yet")
    exporter.takes("replication: {warning: 2s}\n")
    exporter.page_when(is_severity("f", "warning"), "but now they are")
    exporter.takes("replication.thresholds: [\"f:warning=1s,critical=2s\"]\n")
    exporter.page_when(is_severity("f", "critical"), "the pattern counts")


def X3_hangup_reloads_and_does_not_end_it(place):
    exporter = Configured(place, "{}")
    exporter.get("/first")
    assert "/first" not in exporter.said()
    exporter.write("log.level: debug\n")
    exporter.hang_up("configuration reloaded")
    exporter.get("/second")
    exporter.await_word('msg="request".*/second')
    exporter.write("log: {level: info}\n")
    exporter.hang_up("configuration reloaded", 2)
    exporter.get("/third")
    assert "/third" not in exporter.said()
    assert exporter.end() == 0
    assert 'msg="stopping" signal="TERM"' in exporter.said()


def command_line_stays_above_the_file(place):
    exporter = Configured(place, "{}", "--log.level=info")
    exporter.takes("log.level: error\n")
    exporter.takes("log.level: error\n")
    assert exporter.said().count("configuration reloaded") == 2


def rate_limit_comes_and_goes(place):
    exporter = Configured(place, "{}")

    def statuses():
        return {exporter.get("/-/healthy")[0] for _ in range(10)}
    assert statuses() == {200}
    exporter.takes("web.rate-limit: 1\n")
    assert statuses() == {200, 429}
    exporter.write("{}")
    exporter.hang_up("configuration reloaded", 2)
    assert statuses() == {200}


def bad_file_keeps_all_of_the_old_one_and_says_so(place):
    """Each of them would also change the rate, if it were taken."""
    rate = "web.rate-limit: 1\n"
    exporter = Configured(place, "{}")
    first = exporter.page()
    assert is_successful(first)
    start = figure(first, "config_last_reload_success_timestamp_seconds")
    assert 0 <= time.time() - start < 60
    for config, line, reason in (
            (rate + "nonsense: 1\n", ":2", "nonsense: unknown key"),
            (rate + "log.level: loud\n", ":2", "log.level: must be "),
            (rate + "log.level: [\n", ":3", "did not find"),
            ("", ":1", "is empty"),
            (rate + "web.max-connections: 64\n", ":2", "web.max-connections: needs a restart"),
            (rate + "web.listen-address: [127.0.0.1:0]\n" + "alert.url: [http://h]\n", ":3",
             "alert.url: needs a restart"),
            (rate + "dir: /elsewhere\nlog.format: json\n", ":3", "log.format: needs a restart")):
        exporter.keeps(config, line, reason)
    os.unlink(f"{place.folder}/exporter.yml")
    assert exporter.post() == (500, f"{place.folder}/exporter.yml: No such file or directory\n")
    page = exporter.page_when(lambda page: not is_successful(page), "it says so")
    assert figure(page, "config_last_reload_success_timestamp_seconds") == start
    for _ in range(10):
        assert exporter.get("/-/healthy")[0] == 200
    exporter.takes("{}\n")
    page = exporter.page_when(is_successful, "it is good again")
    assert figure(page, "config_last_reload_success_timestamp_seconds") > start


def what_was_taken_out_of_the_file_needs_a_restart_too(place):
    exporter = Configured(place, "web.max-connections: 64\n")
    exporter.keeps("{}\n", "", "web.max-connections: needs a restart")
    exporter.takes("web: {max-connections: 64}\n")


def tokens_and_passwords_are_read_at_once_and_shown_when_they_are_wrong(place):
    tokens = token_file(place, "tokens", TOKEN)
    web = write(place, "web.yml", users(alice=bcrypt("x")))
    files = (f"--web.token-file={tokens}", f"--web.config.file={web}")
    exporter = Configured(place, "{}", *files)
    bearer, other = f"Bearer {TOKEN}", f"Bearer {OTHER_TOKEN}"
    alice = basic("alice", "x")

    def refused(count):
        def look():
            status, _, page = exporter.get(Authorization=alice)
            return status == 200 and f"files_refused {count}\n".encode() in page
        wait_until(look, f"{count} files refused")

    assert exporter.post()[0] == 401
    assert exporter.post(Authorization=other)[0] == 401
    assert exporter.post(Authorization=bearer)[0] == 200
    token_file(place, "tokens", OTHER_TOKEN)
    exporter.hang_up("configuration reloaded", 2)
    assert exporter.post(Authorization=bearer)[0] == 401
    assert exporter.post(Authorization=other)[0] == 200
    refused(0)
    write(place, "web.yml", "basic_auth_users: {alice: x}\n")
    status, said = exporter.post(Authorization=other)
    assert (status, said.startswith(f"{web}: line 1: basic_auth_users")) == (500, True), said
    write(place, "tokens", "short\n")
    status, said = exporter.post(Authorization=other)
    assert (status, said.startswith(f"{tokens}: ")) == (500, True), said
    refused(2)
    token_file(place, "tokens", TOKEN)
    write(place, "web.yml", users(alice=bcrypt("x")))
    exporter.hang_up("configuration reloaded", 4)
    refused(0)


def only_who_may_can_reload(place):
    exporter = Configured(place, "{}")
    answer = exporter.get("/-/reload")
    assert (answer[0], answer[1]["Allow"]) == (405, "POST, PUT"), answer
    assert exporter.post("PUT") == (200, "reloaded\n")
    assert exporter.post(Origin="http://evil.example")[0] == 403
    assert exporter.post(**{"Sec-Fetch-Site": "same-site"})[0] == 403
    assert exporter.said().count("configuration reloaded") == 1
    plain = Exporter(place)
    status, _, body = plain.get("/-/reload", "POST")
    assert (status, body) == (403, b"only with --web.enable-lifecycle\n")
    assert "reloaded" not in plain.said()


def without_a_file_there_is_nothing_to_refuse(place):
    exporter = Exporter(place)
    exporter.send_signal(signal.SIGHUP)
    exporter.await_word("configuration reloaded")


def reloads_by_the_hundred_leave_nothing_behind(place):
    exporter = Configured(place, "{}")
    leader = Replicator(place, "leader")
    leader.tell("recorded_lag", "f", 3 * SECOND_NS)

    def round_of(count):
        for i in range(count):
            exporter.takes("replication: {thresholds: [\"f:warning=1s\"]}\n" if i % 2 else "{}\n")
            exporter.send_signal(signal.SIGHUP)
            assert exporter.reload("nonsense")[0] == 500
        return resident_bytes(exporter)
    bytes_before, fds_before = round_of(50), fds(exporter)
    bytes_after = round_of(500)
    # Each configuration has some 40 KiB.
    assert bytes_after - bytes_before < 12 * MIB, (bytes_before, bytes_after)
    # Some connections may be on their way out.
    wait_until(lambda: abs(fds(exporter) - fds_before) <= 2, f"{fds_before} descriptors again")
    assert exporter.end() == 0, exporter.said()[-1000:]  # nor does a sanitizer mind


main([
    thresholds_change_for_a_follower_that_is_there,
    X3_hangup_reloads_and_does_not_end_it,
    command_line_stays_above_the_file,
    rate_limit_comes_and_goes,
    bad_file_keeps_all_of_the_old_one_and_says_so,
    what_was_taken_out_of_the_file_needs_a_restart_too,
    tokens_and_passwords_are_read_at_once_and_shown_when_they_are_wrong,
    only_who_may_can_reload,
    without_a_file_there_is_nothing_to_refuse,
    reloads_by_the_hundred_leave_nothing_behind,
], at_once=4)
