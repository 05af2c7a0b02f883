// A stack behind a supervisor's control API.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

#include "core/http_client.hpp"
#include "stacks/control_protocol.hpp"
#include "stacks/stack.hpp"

namespace obsctl::stacks {

class RemoteStack final : public Stack {
 public:
  RemoteStack(StackFile file, std::filesystem::path directory);

  std::string name() const override { return file_.stack; }
  std::string instance() const override { return file_.instance; }
  double time_scale() const override { return file_.time_scale; }
  Runtime runtime() const override { return file_.runtime; }
  core::Result<std::string> endpoint(std::string_view service) const override;
  core::Result<std::vector<ServiceStatus>> status() override;
  std::string token() const override { return file_.token; }
  core::Result<void> stop_service(std::string_view service, StopMode mode) override;
  core::Result<void> start_service(std::string_view service) override;
  core::Result<void> signal_service(std::string_view service, int number) override;
  std::optional<ServiceFailure> failed() override;
  core::Result<void> down() override;
  std::map<std::string, std::string> versions() const override { return file_.versions; }
  std::vector<FileChecksum> checksums() const override { return file_.checksums; }
  std::vector<std::string> notes() const override { return file_.notes; }
  std::filesystem::path run_directory() const override { return directory_; }

 private:
  core::Result<nlohmann::json> call(const std::string& method, const std::string& path,
                                    const std::string& body, core::Nanoseconds timeout);
  core::Result<void> command(std::string_view service, std::string_view verb, const std::string& body);

  const StackFile file_;
  const std::filesystem::path directory_;
  std::mutex mutex_;  // guards http_ and down_
  core::HttpClient http_;
  bool down_ = false;
};

}  // namespace obsctl::stacks
