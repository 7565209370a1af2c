/* SPDX-License-Identifier: MIT */
/* Self-metrics; see selfstat.h. */
#include <errno.h>
#include <stdio.h>

#include "aggregate/own.h"
#include "base/log.h"
#include "drain/usage.h"
#include "render/render.h"
#include "selfstat.h"
#include "system/process.h"
#include "system/sandbox.h"

/* Six groups, each of which a member declares: per ring and per segment, or of what is no segment,
 * by every source's member, the others once. A counter in doubles is a gauge named _total; render.c
 * knows. */
#define SELFSTAT_METRICS(X)                                                                       \
	X(WRITTEN, COUNTER, "ring_samples_written_total", "segment", "core",                      \
	  "Samples that the data plane has written; always drained plus dropped plus pending.")   \
	X(DRAINED, COUNTER, "ring_samples_drained_total", "segment", "core",                      \
	  "Samples that this exporter has read.")                                                 \
	X(DROPPED, COUNTER, "ring_samples_dropped_total", "segment", "core",                      \
	  "Samples overwritten before this exporter read them; no count is lost with them.")      \
	X(REJECTED, COUNTER, "ring_samples_rejected_total", "segment", "core",                    \
	  "Samples drained of a series that the segment does not have.")                          \
	X(PENDING, GAUGE, "ring_samples_pending", "segment", "core",                              \
	  "Samples written and not read yet.")                                                    \
	X(UP, GAUGE, "ring_segment_up", "segment", NULL,                                          \
	  "Whether a process owns the segment, 1, or it is gone, 0.")                             \
	X(DEFINITIONS_REFUSED, GAUGE, "ring_segment_definitions_refused", "segment", NULL,        \
	  "Metric definitions refused since the segment's owner started.")                        \
	X(LABELS_REFUSED, GAUGE, "ring_segment_labels_refused", "segment", NULL,                  \
	  "Series names refused since the segment's owner started.")                              \
	X(CLAIMS_REFUSED, GAUGE, "ring_segment_claims_refused", "segment", NULL,                  \
	  "Claims of a ring refused since the segment's owner started.")                          \
	X(OVERFLOWED, GAUGE, "ring_segment_overflowed_resolutions", "segment", NULL,              \
	  "Resolutions that got an overflow series since the segment's owner started.")           \
	X(CONFLICTING, GAUGE, "ring_segment_metrics_conflicting", "segment", NULL,                \
	  "Metrics left out because another segment or the exporter uses the name otherwise.")    \
	X(SERIES, GAUGE, "ring_segment_series", "segment", NULL,                                  \
	  "Series in the segment that are in use.")                                               \
	X(LAST_DRAIN, GAUGE, "ring_segment_last_drain_timestamp_seconds", "segment", NULL,        \
	  "When its rings were last read, since unix epoch.")                                     \
	X(NOT_FOLLOWED, GAUGE, "ring_segment_quarantined", "segment", "reason",                   \
	  "Files of this name that are not followed.")                                            \
	X(SEGMENTS, GAUGE, "ring_segments", "state", NULL, "Segments in the directory.")          \
	X(QUARANTINED, GAUGE, "ring_segments_quarantined", "reason", NULL,                        \
	  "Files in the directory that are not followed.")                                        \
	X(IGNORED, GAUGE, "ring_segments_ignored", NULL, NULL,                                    \
	  "Files in the directory beyond the most that are looked at.")                           \
	X(FORGOTTEN, COUNTER, "ring_series_forgotten_total", NULL, NULL,                          \
	  "Series without a segment forgotten, for their age or for their number.")               \
	X(SHOWN, GAUGE, "ring_series", NULL, NULL,                                                \
	  "Series of data planes, less the overflow series; see --limit.series.")                 \
	X(FOLDED, COUNTER, "ring_series_overflowed_total", NULL, NULL,                            \
	  "Series that came when there was no room, and went to an overflow series.")             \
	X(ALERTS_SENT, COUNTER, "ring_exporter_alerts_sent_total", "alertmanager", NULL,          \
	  "Alerts that the Alertmanager has taken.")                                              \
	X(ALERTS_FAILED, COUNTER, "ring_exporter_alerts_failed_total", "alertmanager", NULL,      \
	  "Alerts that the Alertmanager has not taken, each time that it has not.")               \
	X(ALERTMANAGER_UP, GAUGE, "ring_exporter_alertmanager_up", "alertmanager", NULL,          \
	  "Whether the Alertmanager takes all that there is to tell.")                            \
	X(BUILD_INFO, GAUGE, "ring_exporter_build_info", "version", NULL,                         \
	  "The exporter's version, in the label; always 1.")                                      \
	X(PASSES, COUNTER, "ring_exporter_drain_passes_total", NULL, NULL,                        \
	  "Passes over all rings.")                                                               \
	X(BUSY, GAUGE, "ring_exporter_drain_busy_seconds_total", NULL, NULL,                      \
	  "Time spent in passes.")                                                                \
	X(RELOAD_SUCCESSFUL, GAUGE, "ring_exporter_config_last_reload_successful", NULL, NULL,    \
	  "Whether the last attempt to read the configuration, at the start or later, was good.") \
	X(RELOAD_SECONDS, GAUGE, "ring_exporter_config_last_reload_success_timestamp_seconds",    \
	  NULL, NULL, "When the configuration was last read and good, since unix epoch.")         \
	X(FILES_REFUSED, GAUGE, "ring_exporter_access_files_refused", NULL, NULL,                 \
	  "Token files and web configurations that have changed and could not be taken.")         \
	X(CPU, GAUGE, "process_cpu_seconds_total", NULL, NULL,                                    \
	  "Total user and system CPU time spent in seconds.")                                     \
	X(OPEN_FDS, GAUGE, "process_open_fds", NULL, NULL, "Number of open file descriptors.")    \
	X(MAX_FDS, GAUGE, "process_max_fds", NULL, NULL,                                          \
	  "Maximum number of open file descriptors.")                                             \
	X(VIRTUAL, GAUGE, "process_virtual_memory_bytes", NULL, NULL,                             \
	  "Virtual memory size in bytes.")                                                        \
	X(VIRTUAL_MAX, GAUGE, "process_virtual_memory_max_bytes", NULL, NULL,                     \
	  "Maximum amount of virtual memory available in bytes.")                                 \
	X(RESIDENT, GAUGE, "process_resident_memory_bytes", NULL, NULL,                           \
	  "Resident memory size in bytes.")                                                       \
	X(START, GAUGE, "process_start_time_seconds", NULL, NULL,                                 \
	  "Start time of the process since unix epoch in seconds.")                               \
	X(RECEIVED, GAUGE, "process_network_receive_bytes_total", NULL, NULL,                     \
	  "Number of bytes received by the process over the network.")                            \
	X(TRANSMITTED, GAUGE, "process_network_transmit_bytes_total", NULL, NULL,                 \
	  "Number of bytes sent by the process over the network.")                                \
	X(LINES_SUPPRESSED, COUNTER, "ring_exporter_log_lines_suppressed_total", NULL, NULL,      \
	  "Log lines not written, for too many of their kind.")                                   \
	X(TEXTFILE_WRITES, COUNTER, "ring_exporter_textfile_writes_total", NULL, NULL,            \
	  "Pages written to the textfile.")                                                       \
	X(TEXTFILE_FAILURES, COUNTER, "ring_exporter_textfile_failures_total", NULL, NULL,        \
	  "Pages that could not be written to the textfile.")                                     \
	X(CONNECTIONS, GAUGE, "ring_exporter_http_connections", NULL, NULL, "Connections now.")   \
	X(ACCEPTED, COUNTER, "ring_exporter_http_connections_accepted_total", NULL, NULL,         \
	  "Connections that have come in.")                                                       \
	X(EVICTED, COUNTER, "ring_exporter_http_connections_evicted_total", NULL, NULL,           \
	  "Connections that had to make room for others.")                                        \
	X(IN_FLIGHT, GAUGE, "ring_exporter_http_requests_in_flight", NULL, NULL,                  \
	  "Requests whose answers are not sent yet.")                                             \
	X(REQUESTS, COUNTER, "ring_exporter_http_requests_total", "code", NULL,                   \
	  "Requests answered, by HTTP status code.")                                              \
	X(SANDBOX, GAUGE, "ring_exporter_sandbox", "layer", NULL,                                 \
	  "Whether the kernel holds the exporter to what it needs, by layer.")

enum metric { SELFSTAT_METRICS(OWN_METRIC_ID) METRIC_COUNT };

/* Where the groups begin. */
#define RING_FIRST      WRITTEN
#define SEGMENT_FIRST   UP
#define SEGMENT_END     NOT_FOLLOWED
#define DIRECTORY_FIRST SEGMENTS
#define NOTIFY_FIRST    ALERTS_SENT
#define EXPORTER_FIRST  BUILD_INFO
#define RING_COUNT      (SEGMENT_FIRST - RING_FIRST)
#define NOTIFY_COUNT    (EXPORTER_FIRST - NOTIFY_FIRST)

static const struct own_metric metrics[METRIC_COUNT] = {SELFSTAT_METRICS(OWN_METRIC_ROW)};

static int create_directory(struct selfstat *selfstat)
{
	int error = own_join(selfstat->aggregate, &selfstat->directory, &metrics[DIRECTORY_FIRST],
			     NOTIFY_FIRST - DIRECTORY_FIRST);

	for (unsigned state = 0; state < SOURCE_STATE_COUNT && error == 0; state++)
		error = own_add_series(selfstat->directory, SEGMENTS - DIRECTORY_FIRST,
				       source_state_words[state], NULL);
	for (int reason = 1; reason < SOURCE_REASON_COUNT && error == 0; reason++)
		error = own_add_series(selfstat->directory, QUARANTINED - DIRECTORY_FIRST,
				       source_reason_word(reason), NULL);
	for (enum metric id = IGNORED; id < NOTIFY_FIRST && error == 0; id++)
		error = own_add_series(selfstat->directory, id - DIRECTORY_FIRST, NULL, NULL);
	return error;
}

/* Alertmanager by Alertmanager, all of the group. */
static int create_notify(struct selfstat *selfstat)
{
	const struct notify *notify = selfstat->options.notify;
	int error = own_join(selfstat->aggregate, &selfstat->alertmanagers, &metrics[NOTIFY_FIRST],
			     NOTIFY_COUNT);

	for (unsigned i = 0; i < notify_url_count(notify); i++)
		for (uint32_t metric = 0; metric < NOTIFY_COUNT && error == 0; metric++)
			error = own_add_series(selfstat->alertmanagers, metric,
					       notify_url_shown(notify, i), NULL);
	return error;
}

static int create_exporter(struct selfstat *selfstat)
{
	int error = own_join(selfstat->aggregate, &selfstat->exporter, &metrics[EXPORTER_FIRST],
			     METRIC_COUNT - EXPORTER_FIRST);

	/* One series each, so that a series' index is its metric's; the last ones have more. */
	for (enum metric id = EXPORTER_FIRST; id < REQUESTS && error == 0; id++)
		error = own_add_series(selfstat->exporter, id - EXPORTER_FIRST,
				       id == BUILD_INFO ? RING_VERSION : NULL, NULL);
	for (unsigned i = 0; traffic_codes[i] && error == 0; i++) {
		char code[16];
		snprintf(code, sizeof code, "%u", traffic_codes[i]);
		error = own_add_series(selfstat->exporter, REQUESTS - EXPORTER_FIRST, code, NULL);
		selfstat->sandbox_series = REQUESTS - EXPORTER_FIRST + i + 1;
	}
	for (unsigned layer = 0; layer < SANDBOX_LAYER_COUNT && error == 0; layer++)
		error = own_add_series(selfstat->exporter, SANDBOX - EXPORTER_FIRST,
				       sandbox_layer_words[layer], NULL);
	return error;
}

bool selfstat_uses_label(struct ring_text key)
{
	return own_uses_label(metrics, METRIC_COUNT, key) || usage_uses_label(key);
}

int selfstat_create(struct selfstat *selfstat, struct aggregate *data,
		    const struct selfstat_options *options)
{
	static const struct own_metric left_out = {.name = RENDER_LEFT_OUT_NAME};
	int error;

	*selfstat = (struct selfstat){.aggregate = aggregate_create(), .options = *options};
	if (!selfstat->aggregate)
		return -ENOMEM;
	aggregate_shape(selfstat->aggregate, &(struct shape){.labels = options->labels});
	aggregate_set_time(selfstat->aggregate, options->wall_ns);
	error = own_reserve(data, metrics, METRIC_COUNT);
	if (error == 0)
		error = own_reserve(data, &left_out, 1);
	if (error == 0)
		error = usage_reserve(data);
	if (error == 0)
		error = create_directory(selfstat);
	if (error == 0 && options->notify)
		error = create_notify(selfstat);
	if (error == 0 && options->exporter_metrics)
		error = create_exporter(selfstat);
	if (error)
		selfstat_destroy(selfstat);
	return error;
}

void selfstat_destroy(struct selfstat *selfstat)
{
	aggregate_destroy(selfstat->aggregate);
	selfstat->aggregate = NULL;
}

/* A source's series: ring by ring those of the first group, then the second group. */
static int create_source(struct selfstat *selfstat, struct source *source)
{
	char core_word[16];
	int error = own_join(selfstat->aggregate, &source->self, &metrics[RING_FIRST],
			     SEGMENT_END - RING_FIRST);

	if (error == 0)
		aggregate_start_member(source->self, source->start_ns);
	for (uint32_t core = 0; core < source->core_count; core++) {
		snprintf(core_word, sizeof core_word, "%u", core);
		for (uint32_t i = 0; i < RING_COUNT && error == 0; i++)
			error = own_add_series(source->self, i, source->name, core_word);
	}
	for (uint32_t i = RING_COUNT; i < SEGMENT_END && error == 0; i++)
		error = own_add_series(source->self, i, source->name, NULL);
	return error;
}

/* The same for one that is no segment, or none that can be followed. */
static int create_quarantined(struct selfstat *selfstat, struct source *source)
{
	int error = own_join(selfstat->aggregate, &source->self, &metrics[NOT_FOLLOWED], 1);

	if (error == 0)
		error = own_add_series(source->self, 0, source->name,
				       source_reason_word(source->reason));
	if (error == 0)
		own_set_gauge(source->self, 0, 1);
	return error;
}

static void update_ring(struct source *source, uint32_t core)
{
	const struct source_ring *ring = &source->rings[core];
	const uint32_t first = core * RING_COUNT;

	own_set_counter(source->self, first + WRITTEN, ring->account.written);
	own_set_counter(source->self, first + DRAINED, ring->account.drained);
	own_set_counter(source->self, first + DROPPED, ring->account.dropped);
	own_set_counter(source->self, first + REJECTED, ring->rejected);
	own_set_gauge(source->self, first + PENDING, (double)ring->account.pending);
}

static void update_segment(struct source *source, uint64_t drained_ns)
{
	const struct ring_header *header = ring_reader_header(source->reader);
	struct aggregate_member *self = source->self;
	const uint32_t first = source->core_count * RING_COUNT - SEGMENT_FIRST;

	/* relaxed: the reader's own copy, as of its last refresh. */
	own_set_gauge(self, first + UP, source->alive ? 1 : 0);
	own_set_gauge(self, first + DEFINITIONS_REFUSED,
		      (double)ring_load_relaxed(&header->definitions_refused));
	own_set_gauge(self, first + LABELS_REFUSED,
		      (double)ring_load_relaxed(&header->labels_refused));
	own_set_gauge(self, first + CLAIMS_REFUSED,
		      (double)ring_load_relaxed(&header->claims_refused));
	own_set_gauge(self, first + OVERFLOWED, (double)ring_load_relaxed(&header->overflowed));
	own_set_gauge(self, first + CONFLICTING, aggregate_conflict_count(source->member));
	own_set_gauge(self, first + SERIES, source->named_count);
	own_set_gauge(self, first + LAST_DRAIN, (double)(drained_ns / 1000000) / 1e3);
}

/* What the source's member says depends on its reason not to be followed, if there is one. One that
 * has just been found has neither a reader nor a reason yet, and no member. */
static int prepare_source(struct selfstat *selfstat, struct source *source)
{
	const int reason = source->reader ? 0 : source->reason;
	int error = 0;

	if (source->self_reason != reason)
		own_leave(&source->self);
	source->self_reason = reason;
	if (!source->self && source->reader)
		error = create_source(selfstat, source);
	else if (!source->self && reason)
		error = create_quarantined(selfstat, source);
	if (error)
		own_leave(&source->self);
	return error;
}

static int update_source(struct selfstat *selfstat, struct source *source)
{
	const int error = prepare_source(selfstat, source);

	if (error || !source->reader)
		return error;
	for (uint32_t core = 0; core < source->core_count; core++)
		update_ring(source, core);
	update_segment(source, selfstat->drained_ns);
	return usage_update(source, selfstat->aggregate);
}

static void update_notify(const struct selfstat *selfstat)
{
	for (unsigned i = 0; i < notify_url_count(selfstat->options.notify); i++) {
		const uint32_t first = i * NOTIFY_COUNT - NOTIFY_FIRST;
		struct notify_figures figures;
		notify_read(selfstat->options.notify, i, &figures);
		own_set_counter(selfstat->alertmanagers, first + ALERTS_SENT, figures.sent);
		own_set_counter(selfstat->alertmanagers, first + ALERTS_FAILED, figures.failed);
		own_set_gauge(selfstat->alertmanagers, first + ALERTMANAGER_UP, figures.up);
	}
}

int selfstat_update(struct selfstat *selfstat, const struct attach *attach)
{
	uint32_t states[SOURCE_STATE_COUNT] = {0}, reasons[SOURCE_REASON_COUNT] = {0};
	uint32_t series = 0;
	int error = 0;

	for (size_t i = 0; i < attach->source_count && error == 0; i++) {
		struct source *source = attach->sources[i];
		states[source_state(source)]++;
		if (!source->reader)
			reasons[source->reason]++;
		error = update_source(selfstat, source);
	}
	/* In the order of create_directory. */
	for (unsigned state = 0; state < SOURCE_STATE_COUNT; state++)
		own_set_gauge(selfstat->directory, series++, states[state]);
	for (unsigned reason = 1; reason < SOURCE_REASON_COUNT; reason++)
		own_set_gauge(selfstat->directory, series++, reasons[reason]);
	own_set_gauge(selfstat->directory, series++, (double)attach->ignored_count);
	own_set_counter(selfstat->directory, series++,
			aggregate_forgotten_count(attach->aggregate));
	own_set_gauge(selfstat->directory, series++, aggregate_series_count(attach->aggregate));
	own_set_counter(selfstat->directory, series, aggregate_overflowed_count(attach->aggregate));
	if (selfstat->options.notify)
		update_notify(selfstat);
	return error;
}

static void update_traffic(struct aggregate_member *exporter, const struct traffic *traffic)
{
	static const struct {
		enum metric metric;
		enum traffic_figure figure;
	} shown[] = {
		{CONNECTIONS, TRAFFIC_CONNECTIONS},
		{ACCEPTED, TRAFFIC_ACCEPTED},
		{EVICTED, TRAFFIC_EVICTED},
		{IN_FLIGHT, TRAFFIC_IN_FLIGHT},
	};

	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		const uint64_t figure = traffic_read(traffic, shown[i].figure);
		const uint32_t series = shown[i].metric - EXPORTER_FIRST;
		if (metrics[shown[i].metric].kind == RING_COUNTER)
			own_set_counter(exporter, series, figure);
		else
			own_set_gauge(exporter, series, (double)figure);
	}
	for (unsigned i = 0; traffic_codes[i]; i++)
		own_set_counter(exporter, REQUESTS - EXPORTER_FIRST + i,
				traffic_read(traffic, TRAFFIC_ANSWERED + i));
}

static void update_reload(const struct selfstat *selfstat)
{
	struct aggregate_member *exporter = selfstat->exporter;
	const struct reload_figures figures = reload_read(selfstat->options.reload);

	own_set_gauge(exporter, RELOAD_SUCCESSFUL - EXPORTER_FIRST, figures.successful);
	own_set_gauge(exporter, RELOAD_SECONDS - EXPORTER_FIRST, figures.success_seconds);
	own_set_gauge(exporter, FILES_REFUSED - EXPORTER_FIRST, figures.refused_count);
}

static void update_textfile(struct aggregate_member *exporter, const struct textfile *textfile)
{
	struct textfile_figures figures;

	textfile_read(textfile, &figures);
	own_set_counter(exporter, TEXTFILE_WRITES - EXPORTER_FIRST, figures.written);
	own_set_counter(exporter, TEXTFILE_FAILURES - EXPORTER_FIRST, figures.failed);
}

static void update_process(struct aggregate_member *exporter)
{
	struct process_figures figures;

	if (process_read(&figures) != 0)
		return;
	own_set_gauge(exporter, CPU - EXPORTER_FIRST, figures.cpu_seconds);
	own_set_gauge(exporter, OPEN_FDS - EXPORTER_FIRST, figures.open_fds);
	own_set_gauge(exporter, MAX_FDS - EXPORTER_FIRST, figures.max_fds);
	own_set_gauge(exporter, VIRTUAL - EXPORTER_FIRST, figures.virtual_bytes);
	own_set_gauge(exporter, VIRTUAL_MAX - EXPORTER_FIRST, figures.virtual_bytes_max);
	own_set_gauge(exporter, RESIDENT - EXPORTER_FIRST, figures.resident_bytes);
	own_set_gauge(exporter, START - EXPORTER_FIRST, figures.start_seconds);
	if (!figures.has_network)
		return;
	own_set_gauge(exporter, RECEIVED - EXPORTER_FIRST, figures.received_bytes);
	own_set_gauge(exporter, TRANSMITTED - EXPORTER_FIRST, figures.transmitted_bytes);
}

void selfstat_update_exporter(struct selfstat *selfstat, const struct selfstat_work *work)
{
	struct aggregate_member *exporter = selfstat->exporter;

	selfstat->drained_ns = work->drained_ns;
	if (!exporter)
		return;
	own_set_gauge(exporter, BUILD_INFO - EXPORTER_FIRST, 1);
	own_set_counter(exporter, PASSES - EXPORTER_FIRST, work->pass_count);
	own_set_gauge(exporter, BUSY - EXPORTER_FIRST, (double)work->busy_ns / 1e9);
	own_set_counter(exporter, LINES_SUPPRESSED - EXPORTER_FIRST, log_suppressed_count());
	for (unsigned layer = 0; layer < SANDBOX_LAYER_COUNT; layer++)
		own_set_gauge(exporter, selfstat->sandbox_series + layer, sandbox_has(layer));
	if (selfstat->options.traffic)
		update_traffic(exporter, selfstat->options.traffic);
	if (selfstat->options.reload)
		update_reload(selfstat);
	if (selfstat->options.textfile)
		update_textfile(exporter, selfstat->options.textfile);
	update_process(exporter);
}
