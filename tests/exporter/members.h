/* SPDX-License-Identifier: MIT */
/*
 * Segments made of thin air for tests of the pure middle: members with metrics and series, set
 * by hand and read back from a view.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "aggregate/aggregate.h"
#include "render/format.h"

/* cmocka set-up and tear-down. The state is an empty aggregate. */
int members_make(void **state);
int members_unmake(void **state);

/* A metric with up to two label keys (NULL: fewer). */
struct ring_metric_info members_metric(enum ring_kind kind, enum ring_merge merge, const char *name,
				       const char *key_a, const char *key_b);

/* A histogram with the bounds 1 and 2.5 and one label key. */
struct ring_metric_info members_histogram(const char *name, const char *key);

/* A state set of "idle", "ready" and a quotation mark, the second by default, with up to one label
 * key. The last one set holds. */
struct ring_metric_info members_stateset(const char *name, const char *key);

/* Joins; `uuid` and `predecessor` are numbers, 0 for none. */
struct aggregate_member *members_join(struct aggregate *aggregate, const char *name, uint8_t uuid,
				      uint8_t predecessor, uint32_t core_count);

/* Adds a metric; a series with these values (NULL: fewer). */
void members_add_metric(struct aggregate_member *member, struct ring_metric_info metric);
void members_add_series(struct aggregate_member *member, uint32_t metric, const char *value_a,
			const char *value_b);

void members_count(struct aggregate_member *member, uint32_t series, uint32_t core, uint64_t total);
void members_gauge(struct aggregate_member *member, uint32_t series, uint32_t core, double value,
		   uint64_t time_ns);

/* Publishes a snapshot of both. */
void members_publish(struct aggregate *data, struct aggregate *self);

/* What a view shows, as Prometheus text, which the caller frees; of so many bytes at most; or in
 * another format, without its end. */
char *members_page(struct aggregate *aggregate);
char *members_page_of(struct aggregate *aggregate, size_t bytes_max);
char *members_page_in(struct aggregate *aggregate, enum format format);

/* Demands that the page has, or lacks, this line. */
void members_expect(struct aggregate *aggregate, const char *line);
void members_expect_not(struct aggregate *aggregate, const char *line);

#endif
