#include "stacks/proxy/http_body.hpp"

#include <algorithm>

namespace obsctl::stacks {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr std::uint64_t kLargestChunk = std::uint64_t{1} << 60;

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

}  // namespace

void BodyReader::start(BodyFraming framing) {
  left_ = framing.length;
  line_size_ = 0;
  has_digit_ = false;
  switch (framing.kind) {
    case BodyFraming::Kind::none:
      step_ = Step::done;
      break;
    case BodyFraming::Kind::sized:
      step_ = left_ == 0 ? Step::done : Step::sized;
      break;
    case BodyFraming::Kind::chunked:
      left_ = 0;
      step_ = Step::chunk_size;
      break;
    case BodyFraming::Kind::until_close:
      step_ = Step::until_close;
      break;
  }
}

std::size_t BodyReader::take(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && step_ != Step::done && step_ != Step::failed) {
    if (step_ == Step::until_close) return bytes.size();
    if (step_ == Step::sized || step_ == Step::chunk_data) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used));
      left_ -= part;
      used += part;
      if (left_ == 0) step_ = step_ == Step::sized ? Step::done : Step::chunk_data_cr;
    } else {
      step(bytes[used++]);
    }
  }
  return used;
}

void BodyReader::step(char c) {
  switch (step_) {
    case Step::chunk_size:
      return on_size(c);
    case Step::chunk_extension:
      if (c == '\r') {
        step_ = Step::chunk_size_lf;
      } else if (is_control(c) || ++line_size_ > kMaxLine) {
        step_ = Step::failed;
      }
      return;
    case Step::chunk_size_lf:
      line_size_ = 0;
      has_digit_ = false;
      return expect(c, '\n', left_ == 0 ? Step::trailer_start : Step::chunk_data);
    case Step::chunk_data_cr:
      return expect(c, '\r', Step::chunk_data_lf);
    case Step::chunk_data_lf:
      return expect(c, '\n', Step::chunk_size);
    case Step::last_lf:
      return expect(c, '\n', Step::done);
    default:
      return on_trailer(c);
  }
}

void BodyReader::on_size(char c) {
  const int digit = hex_digit(c);
  if (digit >= 0 && left_ < kLargestChunk / 16 && ++line_size_ <= kMaxLine) {
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    has_digit_ = true;
  } else if (digit < 0 && has_digit_ && c == '\r') {
    step_ = Step::chunk_size_lf;
  } else if (digit < 0 && has_digit_ && (c == ';' || c == ' ' || c == '\t')) {
    step_ = Step::chunk_extension;
  } else {
    step_ = Step::failed;
  }
}

void BodyReader::on_trailer(char c) {
  if (++line_size_ > kMaxTrailer) {
    step_ = Step::failed;
  } else if (step_ == Step::trailer_lf) {
    expect(c, '\n', Step::trailer_start);
  } else if (c == '\r') {
    step_ = step_ == Step::trailer_start ? Step::last_lf : Step::trailer_lf;
  } else {
    step_ = is_control(c) ? Step::failed : Step::trailer;
  }
}

}  // namespace obsctl::stacks
