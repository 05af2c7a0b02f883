// A flag of flagd, as the OpenTelemetry demo injects its failures: the default variant of one flag in the
// file that flagd watches is changed, and changed back. What flagd makes of it is asked over its OFREP API
// (https://openfeature.dev/specification/appendix-c), where the fault says where that is.
#include <filesystem>

#include <fmt/format.h>

#include "core/file.hpp"
#include "scenarios/faults/fault_calls.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::ErrorKind;
using core::Result;
using core::TomlTable;
using core::WallTime;

namespace {

class FlagdFault final : public Fault {
 public:
  FlagdFault(FaultSpec spec, const FaultPlace& /*place*/, core::Clock& clock)
      : spec_(std::move(spec)),
        file_(spec_.parameters.value("file", "")),
        flag_(spec_.parameters.value("flag", "")),
        variant_(spec_.parameters.value("variant", "")),
        api_(spec_.parameters.value("api", "")),
        clock_(clock) {}

  bool has_ttl() const override { return false; }

  std::string undo() const override {
    return fmt::format("set flags.{}.defaultVariant to \"{}\" in {}", flag_, before_, file_);
  }

  Result<void> check(const std::stop_token& /*stop*/) override {
    auto flags = read();
    if (!flags) return flags.error();
    const Json& flag = (*flags)["flags"][flag_];
    const Json before = flag.value("defaultVariant", Json());
    if (!before.is_string())
      return core::make_error(ErrorKind::invalid_input,
                              fmt::format("{}: flag {} has no defaultVariant to go back to", file_, flag_),
                              "give it one");
    before_ = before.get<std::string>();
    if (!flag.value("variants", Json::object()).contains(variant_))
      return core::make_error(ErrorKind::invalid_input,
                              fmt::format("{}: flag {} has no variant \"{}\"", file_, flag_, variant_));
    if (before_ == variant_)
      return core::make_error(ErrorKind::unavailable, fmt::format("{} is {} already", flag_, variant_));
    return {};
  }

  Json memory() const override { return {{"variant", before_}}; }
  void recall(const Json& memory) override {
    if (memory.is_object()) before_ = memory.value("variant", before_);
  }

  Result<WallTime> inject(const std::stop_token& /*stop*/) override { return set(variant_); }

  Result<WallTime> clear(const std::stop_token& /*stop*/) override {
    if (before_.empty()) return clock_.wall_now();  // nothing was changed
    return set(before_);
  }

  Result<FaultSight> look(const std::stop_token& stop) override {
    std::string now;
    if (api_.empty()) {
      auto flags = read();
      if (!flags) return flags.error();
      now = (*flags)["flags"][flag_].value("defaultVariant", "");
    } else {
      const auto answer =
          call_json(http_,
                    {.method = "POST",
                     .url = fmt::format("{}/ofrep/v1/evaluate/flags/{}", api_, core::percent_encoded(flag_)),
                     .headers = {{"Content-Type", "application/json"}},
                     .body = R"({"context":{}})"},
                    stop);
      if (!answer) return answer.error();
      now = answer->value("variant", "");
    }
    return FaultSight{now == variant_, fmt::format("{} is {}", flag_, now)};
  }

 private:
  /// The file's flags, ours among them. Errors: those of core::read_file; invalid_input.
  Result<Json> read() const {
    const auto text = core::read_file(file_);
    if (!text) return text.error();
    Json flags = Json::parse(*text, nullptr, false);
    if (!flags.is_object() || !flags.contains("flags") || !flags["flags"].is_object())
      return core::make_error(
          ErrorKind::invalid_input, fmt::format("{}: this is no file of flagd's", file_),
          "it is a JSON object with the member \"flags\", without comments: they would be lost");
    if (!flags["flags"].contains(flag_) || !flags["flags"][flag_].is_object())
      return core::make_error(ErrorKind::not_found, fmt::format("{}: there is no flag {}", file_, flag_));
    return {boost::system::in_place_value, std::move(flags)};
  }

  Result<WallTime> set(const std::string& variant) {
    auto flags = read();
    if (!flags) return flags.error();
    (*flags)["flags"][flag_]["defaultVariant"] = variant;
    const WallTime at = clock_.wall_now();
    // Through a link, and with the mode it has: it is not ours.
    std::error_code failure;
    const auto file = std::filesystem::canonical(file_, failure);
    const auto status = std::filesystem::status(file_, failure);
    if (failure)
      return core::make_error(ErrorKind::unavailable, fmt::format("{}: {}", file_, failure.message()));
    const auto mode = static_cast<unsigned>(status.permissions() & std::filesystem::perms::mask);
    if (const auto written = core::write_file(file, flags->dump(2) + "\n", mode); !written)
      return written.error();
    return at;
  }

  const FaultSpec spec_;
  const std::string file_;
  const std::string flag_;
  const std::string variant_;
  const std::string api_;
  core::Clock& clock_;
  core::HttpClient http_;
  std::string before_;  ///< the variant to go back to
};

void read_flagd(TomlTable& table, FaultSpec& fault) {
  const std::string file = required_text(table, "file");
  // Another process may mend it from another folder.
  fault.parameters["file"] = file.empty() ? file : std::filesystem::absolute(file).string();
  fault.parameters["flag"] = required_text(table, "flag");
  fault.parameters["variant"] = read_name(table, "variant", "on");
  if (table.has("api")) fault.parameters["api"] = read_api(table, fault, "");
  fault.description =
      fmt::format("flag {} is {}", fault.parameters.value("flag", ""), fault.parameters.value("variant", ""));
}

}  // namespace

std::vector<FaultKind> flagd_kinds() {
  return {{"flagd",
           "a flag of flagd has another variant, as in the OpenTelemetry demo",
           {"file", "flag", "variant", "api"},
           FaultKind::Place::own_keys,
           read_flagd,
           make_kind<FlagdFault>,
           nullptr,
           [](const Json& one, const Json& other) {
             return same_in(one, other, {"file", "flag"});
           }}};
}

}  // namespace obsctl::scenarios
