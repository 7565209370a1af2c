// SPDX-License-Identifier: MIT
// prometheus-cpp's text format, of families that have been collected already.
#include <string>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

extern "C" {
#include "bench.h"
#include "pages.h"
#include "peers.h"
}

namespace
{

struct Page {
	pages wanted;
	std::vector<prometheus::MetricFamily> families;
	std::string text;
};

void *open(const void *setup)
{
	static const char *const keys[] = PAGES_KEYS;
	auto *page = new Page{*static_cast<const pages *>(setup), {}, {}};
	const bool gauges = page->wanted.kind == PAGES_DOUBLES;
	page_line line;

	for (size_t i = 0; i < page->wanted.series_count; i++) {
		pages_line(&line, &page->wanted, i);
		if (page->families.empty() || page->families.back().name != line.name)
			page->families.push_back({line.name,
						  PAGES_HELP,
						  gauges ? prometheus::MetricType::Gauge
							 : prometheus::MetricType::Counter,
						  {}});
		prometheus::ClientMetric metric;
		metric.label = {{keys[0], line.values[0]}, {keys[1], line.values[1]}};
		page->families.back().metric.push_back(metric);
	}
	return page;
}

bool prepare(void *state)
{
	auto *page = static_cast<Page *>(state);
	uint64_t count;
	size_t i = 0;

	page->wanted.edition++;
	for (auto &family : page->families)
		for (auto &metric : family.metric)
			metric.gauge.value = metric.counter.value = pages_value(&page->wanted, i++,
										&count);
	return true;
}

void serialize(void *state, uint64_t)
{
	auto *page = static_cast<Page *>(state);

	page->text = prometheus::TextSerializer().Serialize(page->families);
}

bool check(void *state, uint64_t)
{
	auto *page = static_cast<Page *>(state);

	/* It writes 16 digits, with which not every double reads back. */
	return pages_check(&page->wanted, page->text.data(), page->text.size(), 1e-15);
}

void close(void *state)
{
	delete static_cast<Page *>(state);
}

} // namespace

extern "C" {
const struct contender prometheus_text = {
	"prometheus-cpp", nullptr, open, prepare, check, close, {serialize},
};
}
