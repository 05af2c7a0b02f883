// The arithmetic of HdrHistogram's layout, and quantiles over it. The names unit, bucket and sub-bucket are
// those of the original's documentation.
#include "loadgen/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace obsctl::loadgen {

using core::Nanoseconds;

HistogramLayout::HistogramLayout(int digits, std::int64_t lowest_ns, std::int64_t highest_ns)
    : digits_(digits), lowest_(lowest_ns), highest_(highest_ns) {
  std::int64_t single_unit_up_to = 2;
  for (int i = 0; i < digits; ++i) single_unit_up_to *= 10;
  const auto bits_for = [](std::int64_t n) { return std::bit_width(static_cast<std::uint64_t>(n)); };
  unit_bits_ = bits_for(lowest_ns) - 1;
  half_bits_ = bits_for(single_unit_up_to - 1) - 1;
  const std::int64_t sub_buckets = std::int64_t{2} << half_bits_;
  std::size_t buckets = 1;
  for (std::int64_t untrackable = sub_buckets << unit_bits_; untrackable <= highest_ns; ++buckets) {
    if (untrackable > INT64_MAX / 2) {
      ++buckets;
      break;
    }
    untrackable <<= 1;
  }
  size_ = (buckets + 1) << half_bits_;
}

std::size_t HistogramLayout::index_of(std::int64_t nanoseconds) const {
  const auto value = static_cast<std::uint64_t>(std::clamp<std::int64_t>(nanoseconds, 0, highest_));
  const std::uint64_t mask = ((std::uint64_t{2} << half_bits_) - 1) << unit_bits_;
  const int bucket = std::bit_width(value | mask) - (unit_bits_ + half_bits_ + 1);
  const auto sub = static_cast<std::size_t>(value >> (bucket + unit_bits_));
  return (static_cast<std::size_t>(bucket + 1) << half_bits_) + sub - (std::size_t{1} << half_bits_);
}

std::int64_t HistogramLayout::lowest_at(std::size_t index) const {
  const std::size_t half = std::size_t{1} << half_bits_;
  auto bucket = static_cast<int>(index >> half_bits_) - 1;
  std::size_t sub = (index & (half - 1)) + half;
  if (bucket < 0) {
    sub -= half;
    bucket = 0;
  }
  return static_cast<std::int64_t>(sub) << (bucket + unit_bits_);
}

std::int64_t HistogramLayout::highest_at(std::size_t index) const {
  const auto bucket = std::max(static_cast<int>(index >> half_bits_) - 1, 0);
  return lowest_at(index) + (std::int64_t{1} << (bucket + unit_bits_)) - 1;
}

Histogram::Histogram(HistogramLayout layout) : layout_(layout), counters_(layout.size(), 0) {}

void Histogram::record(Nanoseconds value, std::int64_t times) {
  counters_[layout_.index_of(value.count())] += times;
  count_ += times;
  max_ = std::max(max_, value.count());
  min_ = std::min(min_, std::max<std::int64_t>(value.count(), 0));
}

core::Result<void> Histogram::add(const Histogram& other) {
  if (!(layout_ == other.layout_)) {
    return core::make_error(core::ErrorKind::invalid_input,
                            "the histograms have different ranges or precision");
  }
  for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i] += other.counters_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  min_ = std::min(min_, other.min_);
  return {};
}

Nanoseconds Histogram::min() const {
  return Nanoseconds(count_ == 0 ? 0 : min_);
}

void Histogram::restore_extremes(Nanoseconds min, Nanoseconds max) {
  if (count_ == 0) return;
  min_ = min.count();
  max_ = max.count();
}

Nanoseconds Histogram::mean() const {
  if (count_ == 0) return {};
  long double sum = 0;
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    if (counters_[i] == 0) continue;
    const long double middle =
        (static_cast<long double>(layout_.lowest_at(i)) + static_cast<long double>(layout_.highest_at(i))) /
        2;
    sum += middle * static_cast<long double>(counters_[i]);
  }
  const auto mean = static_cast<std::int64_t>(sum / static_cast<long double>(count_));
  return Nanoseconds(std::max(std::min(mean, max_), min_));
}

Nanoseconds Histogram::quantile(double q) const {
  if (count_ == 0) return {};
  const double rank = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  const auto wanted = std::clamp<std::int64_t>(static_cast<std::int64_t>(rank), 1, count_);
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    seen += counters_[i];
    if (seen >= wanted) return Nanoseconds(std::min(layout_.highest_at(i), max_));
  }
  return max();
}

std::int64_t Histogram::count_at_or_below(Nanoseconds value) const {
  std::int64_t seen = 0;
  const std::size_t last = layout_.index_of(value.count());
  for (std::size_t i = 0; i <= last; ++i) seen += counters_[i];
  return seen;
}

bool Histogram::operator==(const Histogram& other) const {
  return layout_ == other.layout_ && counters_ == other.counters_;
}

HistogramRecorder::HistogramRecorder(HistogramLayout layout)
    : layout_(layout), counters_(std::make_unique<Tally[]>(layout.size())) {
  min_.set(INT64_MAX);
}

void HistogramRecorder::add_to(Histogram& histogram) const {
  for (std::size_t i = 0; i < layout_.size(); ++i) {
    const std::int64_t n = counters_[i].get();
    histogram.counters_[i] += n;
    histogram.count_ += n;
  }
  histogram.max_ = std::max(histogram.max_, max_.get());
  histogram.min_ = std::min(histogram.min_, min_.get());
}

void HistogramRecorder::clear() {
  for (std::size_t i = 0; i < layout_.size(); ++i) counters_[i].set(0);
  max_.set(0);
  min_.set(INT64_MAX);
}

}  // namespace obsctl::loadgen
