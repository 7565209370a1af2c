# SPDX-License-Identifier: MIT
"""What the tests of the examples share: a forwarder, what it says and what the page says."""
import json
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
from place import Program
from programs import page_once


def start_forwarder(place, servers, *options):
    """Starts a forwarder from channels to server ports; returns it and its own ports."""
    routes = [f"--route={channel}=127.0.0.1:0,127.0.0.1:{port}"
              for channel, port in servers.items()]
    forwarder = Program(place, "udp_forwarder", "--segment", "forwarder", "--dir", place.segments,
                        *routes, *options)
    return forwarder, {channel: int(forwarder.await_word(rf"{channel}: listening on .* (\d+)\n")[1])
                       for channel in servers}


def totals_of(forwarder):
    """Ends it; returns what it has counted itself."""
    assert forwarder.end() == 0, forwarder.said()
    return json.load(forwarder.stdout)


def shown(place, metric, **labels):
    """What an exporter shows of it right now."""
    return page_once(place).total(metric, **labels)
