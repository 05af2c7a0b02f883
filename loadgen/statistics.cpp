// Sums and quantiles.
#include "loadgen/statistics.hpp"

namespace obsctl::loadgen {

double Counts::error_ratio() const {
  return completed() == 0 ? 0 : static_cast<double>(errors()) / static_cast<double>(completed());
}

Counts& Counts::operator+=(const Counts& other) {
  scheduled += other.scheduled;
  sent += other.sent;
  dropped += other.dropped;
  shed += other.shed;
  unsent_at_end += other.unsent_at_end;
  ok += other.ok;
  http_error += other.http_error;
  check_failed += other.check_failed;
  timeout += other.timeout;
  connection_error += other.connection_error;
  in_flight_at_end += other.in_flight_at_end;
  return *this;
}

Quantiles quantiles_of(const Histogram& histogram) {
  Quantiles quantiles;
  quantiles.count = histogram.count();
  quantiles.mean = histogram.mean();
  quantiles.min = histogram.min();
  quantiles.p50 = histogram.quantile(0.5);
  quantiles.p90 = histogram.quantile(0.9);
  quantiles.p95 = histogram.quantile(0.95);
  quantiles.p99 = histogram.quantile(0.99);
  quantiles.p999 = histogram.quantile(0.999);
  quantiles.max = histogram.max();
  return quantiles;
}

Statistics Summary::statistics() const {
  Statistics result;
  result.counts = counts;
  result.length = elapsed;
  result.response_time = quantiles_of(response_time);
  result.service_time = quantiles_of(service_time);
  result.schedule_lag = quantiles_of(schedule_lag);
  result.pool_wait = quantiles_of(pool_wait);
  return result;
}

}  // namespace obsctl::loadgen
