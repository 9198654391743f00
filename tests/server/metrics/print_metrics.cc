// Prints the text of sample metrics, for checks that are not ours to make.
#include <iostream>

#include "tests/server/metrics/sample_metrics.h"

int main() {
  durable_streams::server::SampleMetrics sample;
  std::cout << durable_streams::server::render_metrics(sample.sources());
}
