// SPDX-License-Identifier: MIT
//
// What prometheus-cpp serves: as many counters as plane has, with the same names and labels,
// behind its own HTTP server.
//
//   exposer SERIES
//
// It says on which port, and ends with its input.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/registry.h>

#include "plane.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	const auto registry = std::make_shared<prometheus::Registry>();
	auto &family = prometheus::BuildCounter()
			       .Name(PLANE_COUNTERS)
			       .Help("Packets that nobody has sent.")
			       .Register(*registry);
	for (uint32_t series = 0; series < (uint32_t)std::atoi(argv[1]); series++) {
		char label[24];
		std::snprintf(label, sizeof label, PLANE_LABEL, series);
		family.Add({{"channel", label}}).Increment(plane_first_value(series));
	}
	prometheus::Exposer exposer("127.0.0.1:0");
	exposer.RegisterCollectable(registry);
	std::printf("%d\n", exposer.GetListeningPorts().front());
	std::fflush(stdout);
	while (std::getchar() != EOF) {
	}
	return 0;
}
