/* SPDX-License-Identifier: MIT */
/* What the header and the lock say about a segment's owner. */
#include "owner.h"

#include "document.h"
#include "tool.h"

const char *owner_state(const struct ring_reader *reader)
{
	return ring_reader_owner_alive(reader) ? "alive" : "dead";
}

uint64_t owner_count(const struct ring_reader *reader)
{
	/* relaxed: the reader's private copy of the header. */
	return ring_load_relaxed(&ring_reader_header(reader)->owner_count);
}

void owner_add(json_t *document, const struct ring_reader *reader)
{
	const struct ring_header *header = ring_reader_header(reader);
	/* relaxed: the reader's private copy of the header. */
	const uint64_t pid = ring_load_relaxed(&header->owner_pid);
	const uint64_t started_ns = ring_load_relaxed(&header->owner_started_realtime_ns);
	/* Signed: the wall clock may have been set back since. */
	const int64_t age_ns = (int64_t)(tool_realtime_ns() - started_ns);

	json_object_set_new(document, "state", json_string(owner_state(reader)));
	json_object_set_new(document, "pid", document_total(pid));
	json_object_set_new(document, "age_seconds",
			    json_integer(age_ns / (int64_t)TOOL_SECOND_NS));
}
