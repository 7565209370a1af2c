/* SPDX-License-Identifier: MIT */
/*
 * What clients say that they would rather have, and what they get.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "http/accept.h"

static const struct accept_offer types[] = {
	{"text/plain", {{"version", "0.0.4"}}},
	{"application/openmetrics-text", {{"version", "1.0.0"}}},
	{"application/vnd.google.protobuf",
	 {{"proto", "io.prometheus.client.MetricFamily"}, {"encoding", "delimited"}}},
};
static const struct accept_offer codings[] = {{.name = "identity"}, {.name = "gzip"}};

enum { TEXT, OPENMETRICS, PROTOBUF };
enum { IDENTITY, GZIP };

struct wish {
	const char *field;
	unsigned index;
};

static unsigned best(const struct accept_offer *offers, unsigned offer_count, const char *field)
{
	struct accept accept;

	accept_init(&accept, offers, offer_count);
	accept_field(&accept, field);
	return accept_best(&accept);
}

static void expect(const struct accept_offer *offers, unsigned offer_count,
		   const struct wish *wishes, size_t wish_count)
{
	for (size_t i = 0; i < wish_count; i++) {
		const unsigned index = best(offers, offer_count, wishes[i].field);
		if (index != wishes[i].index)
			fail_msg("%s: %s", wishes[i].field, offers[index].name);
	}
}

#define EXPECT(offers, offer_count, wishes) \
	expect(offers, offer_count, wishes, sizeof(wishes) / sizeof *(wishes))

#define PROTO                                                                      \
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;" \
	"encoding=delimited"

/* Word by word what they send: Prometheus 2.42 with and without native histograms, 3.14 the same,
 * vmagent, old Prometheus, curl, Firefox. */
static void scrapers_get_what_they_prefer(void **state)
{
	static const struct wish wishes[] = {
		{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		 "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 OPENMETRICS},
		{PROTO ",application/openmetrics-text;version=1.0.0;q=0.8,"
		       "application/openmetrics-text;version=0.0.1;q=0.75,"
		       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 PROTOBUF},
		{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
		 "application/openmetrics-text;version=0.0.1;q=0.5,"
		 "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
		 "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		 OPENMETRICS},
		{PROTO ";q=0.6,"
		       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
		       "application/openmetrics-text;version=0.0.1;q=0.4,"
		       "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
		       "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		 PROTOBUF},
		{"text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT},
		{"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,"
		 "*/*;q=0.1",
		 TEXT},
		{"*/*", TEXT},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT},
	};

	(void)state;
	EXPECT(types, 3, wishes);
}

static void without_protobuf_its_friends_get_openmetrics(void **state)
{
	static const struct wish wishes[] = {
		{PROTO ",application/openmetrics-text;version=1.0.0;q=0.8,"
		       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 OPENMETRICS},
		{PROTO, TEXT},
	};

	(void)state;
	EXPECT(types, 2, wishes);
}

static void parameters_that_matter_must_agree_and_others_need_not(void **state)
{
	static const struct wish wishes[] = {
		{"application/openmetrics-text", OPENMETRICS},
		{"application/openmetrics-text;charset=utf-8", OPENMETRICS},
		{"application/openmetrics-text;VERSION=1.0.0", OPENMETRICS},
		{"application/openmetrics-text;version=\"1.0.0\"", OPENMETRICS},
		{"application/openmetrics-text;version=\"1\\.0.0\"", OPENMETRICS},
		{"application/openmetrics-text; q=1 ; version=1.0.0", OPENMETRICS},
		{"application/openmetrics-text;version=1.0.0;version=2.0.0", TEXT},
		{"application/openmetrics-text;version=2.0.0", TEXT},
		{"application/openmetrics-text;version=1.0.00", TEXT},
		{"application/openmetrics-text;version=1.0", TEXT},
		{"application/openmetrics-text;version=\"1.0.0", TEXT},
		{"application/openmetrics-text;version=", TEXT},
		{"application/openmetrics-text;version", TEXT},
		{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
		 "encoding=text",
		 TEXT},
		{"text/plain;version=1.0.0;q=0.9, application/openmetrics-text;q=0.1", OPENMETRICS},
		{"application/openmetrics-text;version=1.0.0;q=0.5, "
		 "application/openmetrics-text;q=0.1, text/plain;q=0.3",
		 OPENMETRICS},
		{"application/openmetrics-text;version=1.0.0;q=0, application/*, text/plain;q=0.3",
		 PROTOBUF},
	};

	(void)state;
	EXPECT(types, 3, wishes);
}

static void the_most_specific_range_counts(void **state)
{
	static const struct wish wishes[] = {
		{"*/*, text/plain;q=0.5", OPENMETRICS},
		{"application/*, text/plain;q=0.5, application/openmetrics-text;q=0.1", PROTOBUF},
		{"text/*;version=0.0.4;q=0.1, text/plain, application/*;q=0.5", TEXT},
		{"text/plain;q=0, application/openmetrics-text;q=0.001", OPENMETRICS},
		{"text/plain;q=0, application/openmetrics-text;q=0", TEXT},
		{"text/plain, application/openmetrics-text", TEXT},
		{"text/plain, application/openmetrics-text;version=1.0.0", OPENMETRICS},
		{"text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0", TEXT},
		{"text/plain, application/openmetrics-text;version=1.0.0, " PROTO, PROTOBUF},
		{"TEXT/*;q=0.9, APPLICATION/OpenMetrics-Text", OPENMETRICS},
		{"application/openmetrics-text;q=1.5, text/plain;q=0.1", TEXT},
		{"application/openmetrics-text;q=-1, text/plain;q=0.1", TEXT},
		{"application/openmetrics-text;q=0.1;q=x, text/plain;q=0", TEXT},
		{"openmetrics-text, */openmetrics-text, application/, /, *", TEXT},
	};

	(void)state;
	EXPECT(types, 3, wishes);
}

static void gzip_is_for_those_who_ask_for_it(void **state)
{
	static const struct wish wishes[] = {
		{"gzip", GZIP},
		{"GZIP", GZIP},
		{"gzip, deflate, br, zstd", GZIP},
		{"deflate, gzip;q=1.0, *;q=0.5", GZIP},
		{"gzip;q=0.5", GZIP},
		{"gzip;q=0.001", GZIP},
		{"identity;q=0.5, gzip;q=0.6", GZIP},
		{"identity;q=0", IDENTITY},
		{"identity;q=0, *", GZIP},
		{"", IDENTITY},
		{"*", IDENTITY},
		{"identity", IDENTITY},
		{"gzip;q=0", IDENTITY},
		{"gzip;q=0.000, *", IDENTITY},
		{"gzip;q=0.5, identity", IDENTITY},
		{"gzip, identity", IDENTITY},
		{"br, deflate", IDENTITY},
		{"*;q=0", IDENTITY},
		{"gzipped, gzi, not-gzip", IDENTITY},
		{"gzip;q=2", IDENTITY},
		{"gzip;q=", IDENTITY},
	};

	(void)state;
	EXPECT(codings, 2, wishes);
}

static void fields_of_one_request_count_together(void **state)
{
	struct accept accept;

	(void)state;
	accept_init(&accept, types, 3);
	assert_int_equal(accept_best(&accept), TEXT);
	accept_field(&accept, "text/plain;q=0.5");
	accept_field(&accept, "application/openmetrics-text;q=0.6");
	assert_int_equal(accept_best(&accept), OPENMETRICS);
	accept_field(&accept, "text/plain;version=0.0.4;q=0.7");
	assert_int_equal(accept_best(&accept), TEXT);
}

/* Whatever it is, the answer is one of the offers, and nothing is read that is not the field's. */
static void any_field_has_an_answer(void **state)
{
	static const char *const pieces[] = {
		"text",
		"/",
		"plain",
		"*",
		";",
		",",
		"=",
		"q",
		"0.5",
		"1",
		"version",
		"0.0.4",
		"\"",
		"\\",
		" ",
		"\t",
		"application/openmetrics-text",
		"gzip",
		"identity",
		"\xff",
		"q=",
	};
	uint64_t dice = dice_seed();

	(void)state;
	for (int round = 0; round < 100000; round++) {
		char field[400] = "";
		for (uint64_t count = dice_roll(&dice) % 16; count > 0; count--)
			strcat(field, pieces[dice_roll(&dice) % (sizeof pieces / sizeof *pieces)]);
		char *exact = strdup(field); /* for the sanitizer to see its end */
		assert_in_range(best(types, 3, exact), 0, 2);
		assert_in_range(best(codings, 2, exact), 0, 1);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scrapers_get_what_they_prefer),
		cmocka_unit_test(without_protobuf_its_friends_get_openmetrics),
		cmocka_unit_test(parameters_that_matter_must_agree_and_others_need_not),
		cmocka_unit_test(the_most_specific_range_counts),
		cmocka_unit_test(gzip_is_for_those_who_ask_for_it),
		cmocka_unit_test(fields_of_one_request_count_together),
		cmocka_unit_test(any_field_has_an_answer),
	};

	return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
