// libFuzzer target for what --time-scale and the native runtime rewrite: whatever the file is, it is refused
// with a place or comes out readable, and edits stay inside the text. Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "stacks/addresses.hpp"
#include "stacks/promql_durations.hpp"
#include "stacks/time_scale.hpp"
#include "stacks/yaml_text.hpp"

using namespace obsctl::stacks;

namespace {

void check_expression(std::string_view expression) {
  const auto scaling = scale_promql(expression, 0.5);
  if (!scaling) {
    if (scaling.error().offset > expression.size() || scaling.error().message.empty()) std::abort();
    return;
  }
  for (const TextEdit& edit : scaling->edits) {
    if (edit.offset + edit.length > expression.size()) std::abort();
  }
}

void check_file(const std::string& text, FileKind kind) {
  const auto half = scale_file(text, "f", kind, 0.5);
  if (!half) {
    if (half.error().message.empty() || !half.error().where) std::abort();
    return;
  }
  if (!YamlText::parse(half->text, "f")) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_expression(text);
  for (const FileKind kind : {FileKind::prometheus, FileKind::rules, FileKind::alertmanager}) {
    if (static_cast<int>(kind) == data[0] % 3) check_file(text, kind);
  }
  if (with_addresses(text, {{"api:80", "api:80"}}) != text) std::abort();
  return 0;
}
