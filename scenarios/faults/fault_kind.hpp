// The table of the kinds of faults. A kind is one file that reads its own keys, says what the fault does to
// requests, and makes it; how to write one is in docs/how-to/write-a-fault.md. Scenarios and `obsctl fault`
// share it.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/toml_reader.hpp"
#include "scenarios/faults/fault.hpp"
#include "stacks/services/fraction.hpp"

namespace obsctl::scenarios {

struct FaultKind {
  std::string name;     ///< as in kind = "…"
  std::string summary;  ///< "a share of the answers becomes an error", for lists
  /// Its own keys, besides those that every fault has.
  std::vector<std::string> keys;
  /// What it has to be done to.
  enum class Place {
    url,      ///< a target: a service of a stack, or any URL
    service,  ///< a service of a stack that obsctl itself runs
    own_keys  ///< its own keys say where; `target` only names what the load sees of it
  } place = Place::url;
  /// Reads its keys into `parameters` and `effect`, and may say in `description` what it does ("error-rate
  /// 30% → 503"), which is otherwise its name and parameters. Reports every mistake.
  void (*read)(core::TomlTable& table, FaultSpec& fault);
  std::unique_ptr<Fault> (*make)(const FaultSpec& fault, const FaultPlace& place, core::Clock& clock);
  /// Its keys for [chaos], drawn, as lines of TOML; null: it is not for chance to choose.
  std::string (*draw)(stacks::SplitMix64& random) = nullptr;
  /// Whether two of them (their parameters) break the same thing, so that one would overwrite the other or
  /// end with it. Null: there can be only one in a place.
  bool (*same)(const Json& one, const Json& other) = nullptr;
};

/// Whether both have the same values there, or none.
bool same_in(const Json& one, const Json& other, std::initializer_list<const char*> keys);

/// FaultKind::make of a kind whose class is made of a spec, a place and a clock.
template <class Kind>
std::unique_ptr<Fault> make_kind(const FaultSpec& fault, const FaultPlace& place, core::Clock& clock) {
  return std::make_unique<Kind>(fault, place, clock);
}

/// In the order of the reference.
const std::vector<FaultKind>& fault_kinds();
std::vector<std::string> fault_kind_names();
/// Null when there is none of that name.
const FaultKind* find_fault_kind(std::string_view name);

/// Fills in a description that the kind has left out, and says what the fault is done to.
void complete_description(FaultSpec& fault);

// What the files of the kinds give to the table.
std::vector<FaultKind> toggle_kinds();
std::vector<FaultKind> process_kinds();
std::vector<FaultKind> scrape_kinds();
std::vector<FaultKind> receiver_kinds();
std::vector<FaultKind> http_kinds();
std::vector<FaultKind> exec_kinds();
std::vector<FaultKind> container_kinds();
std::vector<FaultKind> toxiproxy_kinds();
std::vector<FaultKind> flagd_kinds();
std::vector<FaultKind> envoy_kinds();

}  // namespace obsctl::scenarios
