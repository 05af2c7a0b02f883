// HdrHistogram's V2 compressed encoding and its base64 text: a big-endian header, the counters as ZigZag
// LEB128 with runs of zeros as one negative number, deflated, behind a second header. Source:
// AbstractHistogram.java (encodeIntoByteBuffer, encodeIntoCompressedByteBuffer) and ZigZagEncoding.java of
// HdrHistogram 2.1.
#include <algorithm>
#include <bit>

#include <fmt/format.h>
#include <zlib.h>

#include "loadgen/base64.hpp"
#include "loadgen/histogram.hpp"

namespace obsctl::loadgen {

namespace {

constexpr std::uint32_t kCookie = 0x1c849303u | 0x10u;  // the 0x10 says: word size free, V2
constexpr std::uint32_t kCompressedCookie = 0x1c849304u | 0x10u;
constexpr std::size_t kHeader = 40;

template <class T>
void put(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> shift) & 0xff);
  }
}

template <class T>
T get(std::string_view in, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((value << 8) | static_cast<unsigned char>(in[at + i]));
  }
  return value;
}

/// ZigZag LEB128 in at most nine bytes: the ninth holds eight bits.
void put_number(std::string& out, std::int64_t number) {
  auto value = (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
  for (int i = 0; i < 8 && value >= 0x80; ++i) {
    out += static_cast<char>((value & 0x7f) | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

/// False at the end of the input in the middle of a number.
bool take_number(std::string_view& in, std::int64_t& number) {
  std::uint64_t value = 0;
  for (int i = 0; i < 9; ++i) {
    if (in.empty()) return false;
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    if (i == 8) {
      value |= static_cast<std::uint64_t>(byte) << 56;
      break;
    }
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) break;
  }
  number = static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  return true;
}

core::Error damaged(std::string_view why) {
  return core::make_error(core::ErrorKind::invalid_input,
                          fmt::format("not an HdrHistogram V2 text: {}", why));
}

std::string encoded_counters(const std::vector<std::int64_t>& counters) {
  std::size_t used = counters.size();
  while (used > 0 && counters[used - 1] == 0) --used;
  std::string out;
  for (std::size_t i = 0; i < used;) {
    if (counters[i] != 0) {
      put_number(out, counters[i++]);
      continue;
    }
    std::int64_t zeros = 0;
    for (; counters[i] == 0; ++i) ++zeros;
    put_number(out, zeros > 1 ? -zeros : 0);
  }
  return out;
}

core::Result<std::string> inflated(std::string_view packed) {
  // A histogram of ours is at most 9 bytes a counter; a small text that claims more is hostile.
  std::string plain(1u << 20, '\0');
  uLongf length = plain.size();
  const int result = uncompress(reinterpret_cast<Bytef*>(plain.data()), &length,
                                reinterpret_cast<const Bytef*>(packed.data()), packed.size());
  if (result != Z_OK) return damaged("it does not decompress");
  plain.resize(length);
  return plain;
}

}  // namespace

std::string Histogram::to_base64() const {
  const std::string counters = encoded_counters(counters_);
  std::string plain;
  put(plain, kCookie);
  put(plain, static_cast<std::uint32_t>(counters.size()));
  put(plain, std::uint32_t{0});  // normalising index offset
  put(plain, static_cast<std::uint32_t>(layout_.digits()));
  put(plain, static_cast<std::uint64_t>(layout_.lowest()));
  put(plain, static_cast<std::uint64_t>(layout_.highest()));
  put(plain, std::bit_cast<std::uint64_t>(1.0));  // integer to double conversion ratio
  plain += counters;

  uLongf length = compressBound(plain.size());
  std::string packed(length, '\0');
  compress2(reinterpret_cast<Bytef*>(packed.data()), &length, reinterpret_cast<const Bytef*>(plain.data()),
            plain.size(), Z_DEFAULT_COMPRESSION);
  packed.resize(length);
  std::string framed;
  put(framed, kCompressedCookie);
  put(framed, static_cast<std::uint32_t>(packed.size()));
  framed += packed;

  return base64_encoded(framed);
}

core::Result<Histogram> Histogram::from_base64(std::string_view text) {
  const auto framed = base64_decoded(text);
  if (!framed) return damaged("it is not base64");
  if (framed->size() < 8 || get<std::uint32_t>(*framed, 0) != kCompressedCookie)
    return damaged("the header is wrong");
  const auto plain = inflated(std::string_view(*framed).substr(8));
  if (!plain) return plain.error();
  if (plain->size() < kHeader || get<std::uint32_t>(*plain, 0) != kCookie)
    return damaged("the inner header is wrong");
  const auto digits = get<std::uint32_t>(*plain, 12);
  const auto lowest = get<std::uint64_t>(*plain, 16);
  const auto highest = get<std::uint64_t>(*plain, 24);
  if (digits < 1 || digits > 4 || lowest < 1 || highest < 2 * lowest || highest > (std::uint64_t{1} << 62)) {
    return damaged("its range or precision is out of bounds");
  }
  if (get<std::uint32_t>(*plain, 8) != 0) return damaged("a shifted histogram is not supported");
  Histogram histogram(HistogramLayout(static_cast<int>(digits), static_cast<std::int64_t>(lowest),
                                      static_cast<std::int64_t>(highest)));
  std::string_view rest = std::string_view(*plain).substr(kHeader);
  for (std::size_t i = 0; !rest.empty();) {
    std::int64_t number = 0;
    if (!take_number(rest, number)) return damaged("it ends in the middle of a number");
    if (number <= 0) {
      const std::uint64_t zeros = number == 0 ? 1 : ~static_cast<std::uint64_t>(number) + 1;
      if (zeros > histogram.counters_.size() - i) return damaged("it has more counters than its range");
      i += zeros;
      continue;
    }
    if (i >= histogram.counters_.size()) return damaged("it has more counters than its range");
    if (number > (std::int64_t{1} << 53) || histogram.count_ > (std::int64_t{1} << 60))
      return damaged("a count is absurd");
    histogram.counters_[i] = number;
    histogram.count_ += number;
    histogram.min_ = std::min(histogram.min_, histogram.layout_.lowest_at(i));
    histogram.max_ = std::max(histogram.max_, histogram.layout_.highest_at(i));
    ++i;
  }
  return histogram;
}

}  // namespace obsctl::loadgen
