// The histogram against exact quantiles, and its export against HdrHistogram's own.
#include "loadgen/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <zlib.h>

#include "core/file.hpp"
#include "loadgen/base64.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::loadgen;
using obsctl::core::Nanoseconds;

TEST_CASE("every value lies within the counter it is put into") {
  const HistogramLayout layout(GENERATE(2, 3));
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const auto value = static_cast<std::int64_t>(random() >> (22 + random() % 40));
    const std::size_t index = layout.index_of(value);
    const std::int64_t kept = std::min(value, layout.highest());
    REQUIRE(index < layout.size());
    REQUIRE(layout.lowest_at(index) <= kept);
    REQUIRE(layout.highest_at(index) >= kept);
  }
  CHECK(layout.index_of(-5) == 0);
  CHECK(layout.index_of(INT64_MAX) < layout.size());
}

TEST_CASE("quantiles are within a thousandth of the exact ones") {
  std::mt19937_64 random(GENERATE(1, 2, 3));
  std::lognormal_distribution<double> spread(15, 2);  // around 3 ms, over several decades
  std::vector<std::int64_t> values;
  Histogram histogram;
  for (int i = 0; i < 50'000; ++i) {
    values.push_back(
        std::clamp<std::int64_t>(static_cast<std::int64_t>(spread(random)), 600'000, 3'000'000'000'000));
    histogram.record(Nanoseconds(values.back()));
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0}) {
    const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(q * 50'000)));
    const auto exact = static_cast<double>(values[rank - 1]);
    CAPTURE(q);
    CHECK(static_cast<double>(histogram.quantile(q).count()) == Approx(exact).epsilon(0.001));
  }
  CHECK(histogram.max().count() == values.back());
  CHECK(histogram.min().count() == values.front());
}

TEST_CASE("an empty histogram has zeros and one value is every quantile") {
  Histogram histogram;
  CHECK(histogram.quantile(0.99) == 0ns);
  CHECK(histogram.mean() == 0ns);
  histogram.record(7ms);
  CHECK(histogram.quantile(0.5) == 7ms);
  CHECK(histogram.quantile(1) == 7ms);
}

TEST_CASE("adding histograms is the same as recording everything into one") {
  Histogram all;
  Histogram a;
  Histogram b;
  HistogramRecorder recorder;
  for (int i = 1; i < 5000; ++i) {
    const Nanoseconds value(i * 77'777);
    all.record(value);
    if (i % 2 == 0) {
      a.record(value);
    } else {
      recorder.record(value.count());
    }
  }
  recorder.add_to(b);
  REQUIRE(a.add(b));
  CHECK(a == all);
  CHECK(a.count() == all.count());
  CHECK(a.min() == all.min());
  CHECK(a.max() == all.max());
  const auto refused = a.add(Histogram(HistogramLayout(2)));
  REQUIRE(!refused);
  CHECK(refused.error().message == "the histograms have different ranges or precision");
}

TEST_CASE("the V2 text survives the round trip") {
  Histogram histogram;
  std::mt19937_64 random(5);
  for (int i = 0; i < 20'000; ++i)
    histogram.record(Nanoseconds(static_cast<std::int64_t>(random() >> (24 + random() % 30))));
  const std::string text = histogram.to_base64();
  CHECK(text.substr(0, 8) == "HISTFAAA");
  const auto decoded = Histogram::from_base64(text);
  REQUIRE(decoded);
  CHECK(*decoded == histogram);
  CHECK(decoded->count() == histogram.count());
}

TEST_CASE("a text that HdrHistogram for Python 0.10 wrote is read to the same figures") {
  // HdrHistogram(1000, 3600000000000, 3) with i × 12345 ns for i in 1 … 10000.
  const auto decoded = Histogram::from_base64(
      "HISTFAAAAK54nJNpmSzMwCCymgECmKHUCyB2M9ixgMH+"
      "A0REn0kXBaLzB4uINpMoFIrDWbjhQKoRZuLEgNxYxMiBI9UcdiZmoiArkeroBUfd"
      "M3RcQw33MAIh2YgCrYPYqlGPjVo1SGyjgyVMTCwQTAaio7ZRF456bDBYNew8xsLGxsIGJrAi3DL01TZq4PBxxwg0cLC4A1OMi4uHC4"
      "zhCDeH"
      "eJW0NWPwGzjqqFFf8nAAANwqdXY=");
  REQUIRE(decoded);
  Histogram same;
  for (int i = 1; i <= 10'000; ++i) same.record(Nanoseconds(i * 12'345));
  CHECK(*decoded == same);
  CHECK(decoded->quantile(0.5) == Nanoseconds(61'734'911));
  CHECK(decoded->quantile(0.99) == Nanoseconds(122'224'639));
}

TEST_CASE("a text that HdrHistogram for Java wrote is read, and written, to the same bytes") {
  // HdrHistogram 2.2.2, encodeIntoCompressedByteBuffer of new Histogram(1000, 3600000000000, 3) with these
  // values.
  Histogram same;
  for (std::int64_t i = 1; i <= 3000; ++i) same.record(Nanoseconds(i * i * 40'009));
  same.record(5ms, 70'000);
  same.record(1ns, 3);
  same.record(Nanoseconds(3'599'999'999'999));
  std::string text = obsctl::core::read_file("tests/golden/load/hdrhistogram-java-2.2.2.txt").value();
  text.resize(text.find('\n'));
  const auto decoded = Histogram::from_base64(text);
  REQUIRE(decoded);
  CHECK(*decoded == same);
  CHECK(decoded->count() == 73'004);
  CHECK(decoded->max() == Nanoseconds(3'601'330'077'695));
  CHECK(decoded->quantile(0.5) == Nanoseconds(5'001'215));
  CHECK(decoded->quantile(0.99) == Nanoseconds(206'426'865'663));
  CHECK(decoded->quantile(0.999) == Nanoseconds(343'060'512'767));
  // What Java wrote, Java reads: the same bytes from us are read by every HdrHistogram. Compared inflated, as
  // another zlib may compress otherwise.
  const auto inflated = [](const std::string& base64) {
    const std::string framed = base64_decoded(base64).value();
    std::string plain(1u << 20, '\0');
    uLongf length = plain.size();
    REQUIRE(uncompress(reinterpret_cast<Bytef*>(plain.data()), &length,
                       reinterpret_cast<const Bytef*>(framed.data()) + 8, framed.size() - 8) == Z_OK);
    plain.resize(length);
    return framed.substr(0, 4) + plain;
  };
  CHECK(inflated(same.to_base64()) == inflated(text));
}

TEST_CASE("a damaged text is refused, whatever is wrong with it") {
  Histogram histogram;
  histogram.record(5ms, 100);
  const std::string text = histogram.to_base64();
  CHECK(Histogram::from_base64("").error().message == "not an HdrHistogram V2 text: the header is wrong");
  CHECK(Histogram::from_base64("!!").error().message == "not an HdrHistogram V2 text: it is not base64");
  CHECK(!Histogram::from_base64(text.substr(0, text.size() / 2)));
  std::mt19937_64 random(9);
  for (int i = 0; i < 2000; ++i) {  // must not crash, and must not be taken for the original
    std::string mutated = text;
    mutated[random() % mutated.size()] = static_cast<char>('A' + random() % 26);
    const auto decoded = Histogram::from_base64(mutated);
    if (decoded && mutated != text) CHECK(decoded->count() >= 0);
  }
}
