// Latencies in fixed memory. The layout is Gil Tene's HdrHistogram
// (https://github.com/HdrHistogram/HdrHistogram): buckets of doubling width, each split evenly, so that a
// value is kept to three significant digits over a range of nine decades, and two histograms can be added
// exactly.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"

namespace obsctl::loadgen {

/// Which values share a counter.
class HistogramLayout {
 public:
  /// 1 µs … 1 h. `digits` (1 … 5) is the number of significant decimal digits kept.
  explicit HistogramLayout(int digits = 3, std::int64_t lowest_ns = 1'000,
                           std::int64_t highest_ns = 3'600'000'000'000);

  std::size_t size() const { return size_; }
  int digits() const { return digits_; }
  std::int64_t lowest() const { return lowest_; }
  std::int64_t highest() const { return highest_; }

  /// The counter for a value; values below 0 count as 0, values above the highest as the highest.
  std::size_t index_of(std::int64_t nanoseconds) const;
  /// The smallest value that falls into counter `index`.
  std::int64_t lowest_at(std::size_t index) const;
  /// The largest value that falls into counter `index`: what a quantile reports.
  std::int64_t highest_at(std::size_t index) const;
  bool operator==(const HistogramLayout& other) const = default;

 private:
  int digits_;
  std::int64_t lowest_;
  std::int64_t highest_;
  int unit_bits_;
  int half_bits_;  ///< log2 of half the sub-buckets
  std::size_t size_;
};

/// A distribution as a value: query, add, export.
class Histogram {
 public:
  explicit Histogram(HistogramLayout layout = HistogramLayout());

  void record(core::Nanoseconds value, std::int64_t times = 1);
  /// Adds another's counts. Errors: invalid_input when the layouts differ.
  core::Result<void> add(const Histogram& other);

  std::int64_t count() const { return count_; }
  core::Nanoseconds min() const;
  /// Exact, where recorded here or merged; from the bucket, where decoded.
  core::Nanoseconds max() const { return core::Nanoseconds(max_); }
  core::Nanoseconds mean() const;
  /// The value at or below which the share `q` (0 … 1) of all values lie: the upper end of its counter, but
  /// never above max(). Zero when empty.
  core::Nanoseconds quantile(double q) const;
  /// Puts back the exact extremes that a decoded histogram has lost. Without effect when empty.
  void restore_extremes(core::Nanoseconds min, core::Nanoseconds max);
  /// How many values are at or below `value`, to the layout's precision.
  std::int64_t count_at_or_below(core::Nanoseconds value) const;

  /// The HdrHistogram V2 compressed encoding as base64 ("HISTFAAAA…"), readable by HdrHistogram in every
  /// language.
  std::string to_base64() const;
  /// Errors: invalid_input (not base64, not V2, damaged, or of another layout than `HistogramLayout()`'s
  /// kind).
  static core::Result<Histogram> from_base64(std::string_view text);

  const HistogramLayout& layout() const { return layout_; }
  const std::vector<std::int64_t>& counters() const { return counters_; }
  bool operator==(const Histogram& other) const;

 private:
  friend class HistogramRecorder;
  HistogramLayout layout_;
  std::vector<std::int64_t> counters_;
  std::int64_t count_ = 0;
  std::int64_t max_ = 0;
  std::int64_t min_ = INT64_MAX;
};

/// A number that one thread adds to and any thread may read, at the cost of a plain addition.
class Tally {
 public:
  void add(std::int64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::int64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// A histogram that one thread records into while others look.
class HistogramRecorder {
 public:
  explicit HistogramRecorder(HistogramLayout layout = HistogramLayout());

  void record(std::int64_t nanoseconds) {
    counters_[layout_.index_of(nanoseconds)].add();
    if (nanoseconds > max_.get()) max_.set(nanoseconds);
    if (nanoseconds < min_.get()) min_.set(nanoseconds < 0 ? 0 : nanoseconds);
  }
  /// Adds what has been recorded so far to `histogram`, whose layout must be the same.
  void add_to(Histogram& histogram) const;
  void clear();

 private:
  HistogramLayout layout_;
  std::unique_ptr<Tally[]> counters_;
  Tally max_;
  Tally min_;
};

}  // namespace obsctl::loadgen
