// SPDX-License-Identifier: MIT
// prometheus-cpp, used as its README does: handles are resolved once and held.
#include <cstdlib>
#include <memory>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

extern "C" {
#include "peers.h"
#include "subject.h"
}

namespace
{

template <typename Metric> struct Handles {
	prometheus::Registry registry;
	Metric *metric[SUBJECT_SERIES];
	uint64_t times = 0; /* that each was recorded; of histograms, periods */
};

template <typename Metric, typename... Arguments> void *open(Arguments... arguments)
{
	auto *handles = new Handles<Metric>;
	auto &family = prometheus::detail::Builder<Metric>()
			       .Name("bench")
			       .Help("Of the benchmark.")
			       .Register(handles->registry);

	for (unsigned i = 0; i < SUBJECT_SERIES; i++)
		handles->metric[i] = &family.Add({{"number", std::to_string(i)}}, arguments...);
	return handles;
}

void *open_counter(const void *)
{
	return open<prometheus::Counter>();
}

void *open_gauge(const void *)
{
	return open<prometheus::Gauge>();
}

void *open_histogram(const void *)
{
	return open<prometheus::Histogram>(prometheus::Histogram::BucketBoundaries(
		subject_bounds, subject_bounds + SUBJECT_BOUNDS));
}

template <typename Metric> void close(void *handles)
{
	delete static_cast<Handles<Metric> *>(handles);
}

inline void increment(Handles<prometheus::Counter> *handles, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		handles->metric[i % SUBJECT_SERIES]->Increment();
}

inline void set(Handles<prometheus::Gauge> *handles, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		handles->metric[i % SUBJECT_SERIES]->Set(static_cast<double>(i % SUBJECT_SERIES));
}

inline void observe(Handles<prometheus::Histogram> *handles, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		handles->metric[i % SUBJECT_SERIES]->Observe(subject_value(i));
}

bool check_counter(void *state, uint64_t count)
{
	auto *handles = static_cast<Handles<prometheus::Counter> *>(state);

	handles->times += count / SUBJECT_SERIES;
	for (auto *counter : handles->metric)
		if (counter->Value() != static_cast<double>(handles->times))
			return bench_fail("prometheus-cpp: a counter is wrong");
	return true;
}

bool check_gauge(void *state, uint64_t)
{
	auto *handles = static_cast<Handles<prometheus::Gauge> *>(state);

	for (unsigned i = 0; i < SUBJECT_SERIES; i++)
		if (handles->metric[i]->Value() != i)
			return bench_fail("prometheus-cpp: a gauge is wrong");
	return true;
}

/* How many of one series' observations in a period are not above `bound`. */
uint64_t count_up_to(unsigned series, double bound)
{
	uint64_t count = 0;

	for (unsigned i = series; i < SUBJECT_PERIOD; i += SUBJECT_SERIES)
		count += subject_value(i) <= bound;
	return count;
}

bool check_histogram(void *state, uint64_t count)
{
	auto *handles = static_cast<Handles<prometheus::Histogram> *>(state);

	handles->times += count / SUBJECT_PERIOD;
	for (unsigned i = 0; i < SUBJECT_SERIES; i++)
		for (const auto &bucket : handles->metric[i]->Collect().histogram.bucket)
			if (bucket.cumulative_count !=
			    handles->times * count_up_to(i, bucket.upper_bound))
				return bench_fail("prometheus-cpp: a bucket is wrong");
	return true;
}

template <typename Metric, void loop(Handles<Metric> *, uint64_t)>
void run(void *handles, uint64_t count)
{
	loop(static_cast<Handles<Metric> *>(handles), count);
}

} // namespace

/* Its calls are into a library and not inlined, so that one place in memory says enough. */
extern "C" {
const struct contender prometheus_counter = {
	"prometheus-cpp",
	nullptr,
	open_counter,
	nullptr,
	check_counter,
	close<prometheus::Counter>,
	{run<prometheus::Counter, increment>},
};
const struct contender prometheus_gauge = {
	"prometheus-cpp",
	nullptr,
	open_gauge,
	nullptr,
	check_gauge,
	close<prometheus::Gauge>,
	{run<prometheus::Gauge, set>},
};
const struct contender prometheus_histogram = {
	"prometheus-cpp",
	nullptr,
	open_histogram,
	nullptr,
	check_histogram,
	close<prometheus::Histogram>,
	{run<prometheus::Histogram, observe>},
};
}
