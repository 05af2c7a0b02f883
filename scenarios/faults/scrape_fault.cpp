// An outage of scrapes: the Prometheus of a stack cannot reach the targets of one job any more, while nothing
// is wrong with them. Its configuration is changed on disk and loaded anew (stacks/scrape_cut.hpp).
#include <algorithm>
#include <csignal>
#include <filesystem>

#include <fmt/format.h>

#include "core/file.hpp"
#include "scenarios/faults/fault_calls.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"
#include "stacks/scrape_cut.hpp"

namespace obsctl::scenarios {

using core::ErrorKind;
using core::Result;
using core::TomlTable;
using core::WallTime;

namespace {

class ScrapeOutage final : public Fault {
 public:
  ScrapeOutage(FaultSpec spec, const FaultPlace& place, core::Clock& clock)
      : job_(spec.parameters.value("job", "")),
        service_(place.target),
        url_(place.url),
        stack_(*place.stack),
        clock_(clock) {}

  bool has_ttl() const override { return false; }

  std::string undo() const override {
    return fmt::format("obsctl stack down {0} && obsctl stack up {1} --name {0}", stack_.instance(),
                       stack_.name());
  }

  Result<WallTime> inject(const std::stop_token& stop) override {
    return rewrite(stacks::with_job_cut_off, stop);
  }
  Result<WallTime> clear(const std::stop_token& stop) override {
    return rewrite(stacks::with_job_connected, stop);
  }

  /// By the configuration that Prometheus has loaded; that the job is cut off counts once a scrape has failed
  /// for it.
  Result<FaultSight> look(const std::stop_token& stop) override {
    const auto loaded = call_json(http_, {.url = url_ + "/api/v1/status/config"}, stop);
    if (!loaded) return loaded.error();
    const std::string yaml = loaded->value(Json::json_pointer("/data/yaml"), "");
    const auto cut = stacks::is_job_cut_off(yaml, url_, job_);
    if (!cut) return cut.error();
    if (!*cut) return FaultSight{false, fmt::format("{} scrapes job {} directly", service_, job_)};
    const auto targets = call_json(http_, {.url = url_ + "/api/v1/targets?state=active"}, stop);
    if (!targets) return targets.error();
    int all = 0;
    int down = 0;
    for (const Json& target :
         targets->value(Json::json_pointer("/data/activeTargets"), Json(Json::array()))) {
      if (target.value("scrapePool", "") != job_) continue;
      ++all;
      if (target.value("health", "") == "down") ++down;
    }
    if (down == all)
      return FaultSight{true,
                        fmt::format("{} cannot reach {} of {} targets of job {}", service_, down, all, job_)};
    return core::make_error(
        ErrorKind::unavailable,
        fmt::format("job {} is cut off, but {} of its {} targets have not been scraped since", job_,
                    all - down, all));
  }

 private:
  using Edit = Result<std::string> (*)(const std::string&, const std::string&, const std::string&);

  Result<WallTime> rewrite(Edit edit, const std::stop_token& /*stop*/) {
    const auto file = configuration();
    if (!file) return file.error();
    const auto text = core::read_file(*file);
    if (!text) return text.error();
    const auto edited = edit(*text, file->string(), job_);
    if (!edited) return edited.error();
    if (const auto written = core::write_file(*file, *edited); !written) return written.error();
    const WallTime at = clock_.wall_now();
    if (const auto reloaded = stack_.signal_service(service_, SIGHUP); !reloaded) return reloaded.error();
    return at;
  }

  /// The file that the stack's Prometheus reads. Errors: usage.
  Result<std::filesystem::path> configuration() const {
    const auto files = stack_.checksums();
    const auto own = std::find_if(files.begin(), files.end(),
                                  [](const stacks::FileChecksum& file) { return file.kind == "prometheus"; });
    if (own != files.end()) return stack_.run_directory() / "config" / own->path;
    return core::make_error(ErrorKind::usage,
                            fmt::format("the stack {} has no configuration of a Prometheus", stack_.name()));
  }

  const std::string job_;
  const std::string service_;
  const std::string url_;
  stacks::Stack& stack_;
  core::Clock& clock_;
  core::HttpClient http_;
};

void read_scrape_outage(TomlTable& table, FaultSpec& fault) {
  fault.parameters["job"] = required_text(table, "job");
  fault.description = fmt::format("no scrapes of job {}", fault.parameters.value("job", ""));
}

}  // namespace

std::vector<FaultKind> scrape_kinds() {
  return {{"scrape-outage",
           "the Prometheus of a stack cannot reach the targets of one job",
           {"job"},
           FaultKind::Place::service,
           read_scrape_outage,
           make_kind<ScrapeOutage>,
           nullptr,
           [](const Json& one, const Json& other) { return same_in(one, other, {"job"}); }}};
}

}  // namespace obsctl::scenarios
