#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every page of documentation is tried, in a copy of it and with the programs installed: its C is
compiled and run, its YAML given to what reads it, its command lines to a shell. A block is what its
fence says (markdown.py); what cannot be run here stands in elsewhere.py, with what runs it instead.

usage: docs_test.py SOURCE BUILD RING_EXPORTER RINGLOAD
"""
import functools
import os
import re
import shlex
import shutil
import sys
import types

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
sys.path.append(sys.path[0] + "/../exporter")  # where credentials are
import tap
from alertmanager import free_port
from credentials import Authority, token_file
from elsewhere import BLOCKS, COMMANDS, LANGUAGES
from markdown import blocks_of, commands_of, spans_of
from place import Place, run, wait_until
from programs import Exporter, Load
from stage import BUILD, SOURCE, Stage

# What serves until it is ended: what it says when it is up, and what keeps it on a free port.
SERVERS = {
    "ring-exporter": ("listening|segment attached", ""),  # which is all it says without an address
    "ringstat watch": (".", ""),
    "ringstat tail": (".", ""),
    "udp_forwarder": ("listening", ""),
    "prometheus": ("Server is ready", "--web.listen-address=127.0.0.1:0"),
    "vmagent": ("started vmagent", "-httpListenAddr="),
}
# To install is to have it: ./dev has seen to that.
PREAMBLE = """
ringstat() { case ${1-} in watch | tail) "ringstat-$@" ;; *) command ringstat "$@" ;; esac; }
apt-get() { shift && dpkg-query -W "$@" > /dev/null; }
apt() { apt-get "$@"; }
curl() { command curl --fail-with-body "$@"; }
trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
"""
# Programs that harm nobody here: of these a command line is tried in the middle of a text too.
HARMLESS = ("ring-exporter|ringstat|ringload|udp_forwarder|promtool|prometheus|vmagent|"
            "victoria-metrics|curl|openssl|getconf|ss|cc|htpasswd")
IN_TEXT = re.compile(rf"(\$ )?({HARMLESS}) [^(]")
IN_BLOCK = re.compile(rf"(\w+=\S+ )*({HARMLESS}|apt|apt-get)( |$)")
HELP = r"""
for program in ring-exporter ringload 'ringstat list' 'ringstat show' 'ringstat watch' \
	'ringstat tail' 'ringstat check' udp_forwarder postgres_collector redis_collector \
	poll_redis poll_kernel poll_rocksdb docs/examples/collectors/run.py \
	docs/examples/replication/run.py docs/examples/fleet/run.py; do
	$program --help
done
./dev help
victoria-metrics -help
sed -n "s/^option('\([a-z]*\)'.*/-D\1/p" meson_options.txt
"""
NEWER = re.compile(r"^.*# newer than promtool.*\n", re.M)  # what Debian's does not know
HOMES = {"docs/collectors.md": "docs/examples/collectors",
         "docs/fleet.md": "docs/examples/fleet"}  # where a page's commands are at home
# What a program has not set shall be nothing that could pass.
WHOLE, PART = "-o program -ftrivial-auto-var-init=pattern", "-c -Wno-unused"
FRAGMENT = """
#include <ring/read.h>
#include <ring/set/replication.h>
#include <ring/segment.h>
void fragment(struct ring_segment *segment, struct ring_writer *writer);
void fragment(struct ring_segment *segment, struct ring_writer *writer)
{
%s
}
"""


def pages():
    """All of them, by path."""
    return {str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8")
            for path in sorted([*SOURCE.glob("*.md"), *SOURCE.glob("docs/**/*.md")])}


def preamble():
    """Bash, in which servers end as soon as they are up."""
    comes_up = shlex.quote(os.path.join(os.path.dirname(os.path.abspath(__file__)), "comes_up.py"))
    return PREAMBLE + "".join(
        f'{name.replace(" ", "-")}() {{ {comes_up} {word!r} {name} "$@" {more}; }}\n'
        for name, (word, more) in SERVERS.items())


def environment_of(stage):
    """With the programs that are installed and those of the examples."""
    folders = [next(stage.folder.rglob("ring-exporter")).parent, BUILD / "tools",
               BUILD / "docs/examples", BUILD / "docs/examples/replication",
               BUILD / "docs/examples/collectors"]
    return {**stage.environment, "PATH": ":".join([*map(str, folders), os.environ["PATH"]])}


class Desk:
    """A copy of the documentation, with what a reader has by then: a data plane, an exporter, and
    the files of credentials that the pages name."""

    def __init__(self, place, stage, path):
        self.place, self.path = place, path
        shutil.copytree(SOURCE / "docs", f"{place.folder}/docs")
        shutil.copytree(SOURCE / "contrib", f"{place.folder}/contrib")
        self.home = os.path.join(place.folder, HOMES.get(path, ""))
        for rules in (SOURCE / "contrib/prometheus").glob("*.rules.yml"):
            shutil.copy(rules, self.home)
        self.environment = {**environment_of(stage), "RING_DIR": place.segments,
                            "HOME": place.folder}
        self.exporter, self.port, self.own_port = None, None, free_port()

    def write(self, name, text):
        with open(os.path.join(self.home, name), "w", encoding="utf-8") as file:
            file.write(text)

    def make_credentials(self):
        here = types.SimpleNamespace(folder=self.home)
        authority = Authority(here)
        for name in "server", "node", "client":
            authority.sign(name, "clientAuth" if name == "client" else "serverAuth")
        for name in "token", "tokens":
            token_file(here, name, "0123456789abcdef" * 4)

    def serve(self):
        """The exporter that the pages speak of, and a data plane under it."""
        Load(self.place, "demo", "--rate", 1000)
        self.exporter = Exporter(self.place)
        self.port = self.exporter.port

    def here(self, text, port):
        """With this place's names for what the pages name."""
        for there, here in (("10750", str(port)), ("127.0.0.1:5300", "127.0.0.1:0"),
                            ("127.0.0.1:10751", "127.0.0.1:0"),
                            ("/var/lib/prometheus/node-exporter", self.place.folder),
                            ("/etc/ring", self.home), ("/run/ring", self.place.segments)):
            text = text.replace(there, here)
        return text

    def bash(self, script, where):
        done = run("bash", "-euo", "pipefail", "-c", preamble() + script, cwd=self.home,
                   env=self.environment, text=True)
        assert done.returncode == 0, \
            f"{self.path}:{where}: status {done.returncode}\n{script}\n{done.stdout}{done.stderr}"

    def try_c(self, block):
        """A whole program is run too, also where there can be no segment; another file and a
        fragment are compiled."""
        is_program = "int main(" in block.text
        self.write("program.c", block.text if "#include" in block.text else FRAGMENT % block.text)
        for name in re.findall(r"\bcc (\w+\.c) ", pages()[self.path]):
            self.write(name, block.text)
        self.bash(f"cc -Wall -Werror {WHOLE if is_program else PART} program.c "
                  "$(pkg-config --cflags --libs libring)", block.line)
        if is_program:
            self.bash("./program && RING_DIR=/proc/nowhere ./program", block.line)

    def try_yaml(self, block):
        """Whose file it is, its keys say."""
        text = self.here(block.text, self.own_port)
        keys = set(re.findall(r"^([\w.-]+):", text, re.M))
        known = NEWER.sub("", text)
        if keys & {"global", "scrape_configs", "remote_write", "rule_files", "alerting"}:
            self.write("prometheus.yml", known)
            self.bash("promtool check config prometheus.yml", block.line)
        elif keys & {"tls_server_config", "basic_auth_users", "http_server_config"}:
            self.write("web.yml", text)
            self.bash("ring-exporter --web.listen-address 127.0.0.1:0 --web.config.file web.yml",
                      block.line)
            self.write("web.yml", known)
            self.bash("promtool check web-config web.yml", block.line)
        elif "groups" in keys:
            self.write("rules.yml", known)
            self.bash("promtool check rules rules.yml", block.line)
        else:
            self.write("exporter.yml", text)
            self.bash("ring-exporter --config.file exporter.yml --config.check", block.line)

    def try_page(self, block):
        """The exporter shows this, after the page's programs have run."""
        wanted = set(block.text.splitlines())
        wait_until(lambda: wanted <= set(self.exporter.page().text.splitlines()),
                   f"{self.path}:{block.line}: on the page")

    def try_commands(self, block):
        """Where a block has an exporter of its own, this is the one that it speaks to."""
        lines = commands_of(block.text)
        if lines[0] in BLOCKS:
            return
        has_own = any(line.startswith("ring-exporter") and line.endswith("&") for line in lines)
        script = []
        for line in lines:
            if line in COMMANDS:
                continue
            assert IN_BLOCK.match(line), f"{self.path}:{block.line}: is it harmless? {line}"
            name, _, rest = line.partition(" ")
            serves = name == "ring-exporter"
            if serves and "--web.listen-address" not in rest:
                line = f"{name} --web.listen-address=127.0.0.1:{self.own_port} {rest}"
            if serves and rest.endswith("&"):
                line = "command " + line
            script.append(self.here(line, self.own_port if serves or has_own else self.port))
        self.bash("\n".join(script), block.line)

    def try_span(self, span):
        """A command line in the middle of a text."""
        for name, value in (("NAME", "demo"), ("DIR", self.place.segments),
                            ("URL", f"http://127.0.0.1:{self.port}")):
            span = re.sub(rf"\b{name}\b", value, span)
        self.bash(self.here(span, self.port), span)


TRIES = {"c": Desk.try_c, "yaml": Desk.try_yaml, "prometheus": Desk.try_page,
         "sh": Desk.try_commands, "text": lambda desk, block: None}


def page_works(stage, path):
    """All that is in one page."""
    page = pages()[path]
    blocks = blocks_of(page)
    spans = [span for span in spans_of(page) if IN_TEXT.match(span) and span not in COMMANDS]
    assert len(re.findall(r"^\s*```", page, re.M)) == 2 * len(blocks), f"{path}: fences do not match"
    for block in blocks:
        assert block.language in TRIES | LANGUAGES, f"{path}:{block.line}: how to try {block.language}?"
        assert block.language != "text" or not re.search(f"^{IN_TEXT.pattern}", block.text, re.M), \
            f"{path}:{block.line}: command lines are not text"
    if not spans and all(block.language == "text" for block in blocks):
        return
    with Place() as place:
        desk = Desk(place, stage, path)
        desk.make_credentials()
        desk.serve()
        for language in "c", "yaml", "prometheus", "sh":  # commands use what the others have left
            for block in blocks:
                if block.language == language:
                    TRIES[language](desk, block)
        for span in spans:
            desk.try_span(span)


def every_option_that_is_named_exists(stage):
    """Of any program."""
    said = run("bash", "-c", HELP, cwd=SOURCE, env=environment_of(stage), text=True)
    known = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w.-]*", said.stdout + said.stderr))
    for path, page in pages().items():
        for span in spans_of(page):
            option = re.match(r"--?[a-zA-Z][\w.-]*", span)
            assert not option or option[0] in known, f"{path}: {span}"


def what_is_run_elsewhere_is_there_and_is_run_there(_stage):
    lines = {line for page in pages().values() for block in blocks_of(page)
             for line in commands_of(block.text)}
    lines |= {span for page in pages().values() for span in spans_of(page)}
    lines |= {block.language for page in pages().values() for block in blocks_of(page)}
    for what, (file, word) in {**COMMANDS, **BLOCKS, **LANGUAGES}.items():
        assert what in lines, f"no page has {what}"
        assert word in (SOURCE / file).read_text(encoding="utf-8"), (what, file, word)


def main():
    with Place() as place:
        stage = Stage(place)
        cases = [(f"{path} can be followed", functools.partial(page_works, stage, path))
                 for path in pages()]
        cases += [(test.__name__, functools.partial(test, stage)) for test in (
            every_option_that_is_named_exists, what_is_run_elsewhere_is_there_and_is_run_there)]
        tap.report(cases)


main()
