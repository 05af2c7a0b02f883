// A small server that answers as Grafana's HTTP API is documented to
// (https://grafana.com/docs/grafana/latest/developers/http_api/): Grafana itself is no Debian package. It
// checks credentials, health-checks its datasources, hands out dashboards, answers panel queries and keeps
// annotations.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/http_server.hpp"
#include "tests/support/catch.hpp"

namespace obsctl::tests {

class FakeGrafana {
 public:
  using json = nlohmann::json;

  FakeGrafana() {
    auto started = core::HttpServer::start({}, [this](const auto& exchange) { handle(exchange); });
    REQUIRE(started);
    server_ = std::move(*started);
  }

  // What it is like; to be set before it is asked.
  std::string database = "ok";
  std::string authorization = {};  ///< the header that it wants; empty: none
  struct Datasource {
    std::string uid, name, type;
    bool is_default = false;
    json health = {{"status", "OK"},
                   {"message", "Successfully queried the Prometheus API."}};  ///< null: has none
  };
  std::vector<Datasource> datasources{{"prometheus", "Prometheus", "prometheus", true}};
  std::map<std::string, std::string> dashboards;  ///< by uid
  std::map<std::string, std::string> newer;  ///< uid → refusal of one that its API for old formats has not
  /// What a query whose expression has this in it comes to; else one series with a number.
  std::map<std::string, json> results;
  int annotations_status = 200;
  bool queries_hang = false;  ///< POST /api/ds/query is never answered

  std::string url() const { return server_->url(); }
  /// The bodies of POST /api/ds/query, and "METHOD path" with the body of what was sent about annotations.
  std::vector<json> queries() const {
    const std::lock_guard lock(mutex_);
    return queries_;
  }
  std::vector<std::pair<std::string, json>> annotations() const {
    const std::lock_guard lock(mutex_);
    return annotations_;
  }

  static json series(const json& values, const json& labels = json::object()) {
    return {{"status", 200},
            {"frames",
             {{{"schema",
                {{"fields",
                  {{{"name", "Time"}, {"type", "time"}},
                   {{"name", "Value"}, {"type", "number"}, {"labels", labels}}}}}},
               {"data", {{"values", {json::array({1700000000000}), values}}}}}}}};
  }

 private:
  static void answer(const std::shared_ptr<core::HttpExchange>& exchange, int status, const json& body) {
    exchange->respond({.status = status, .body = body.dump(), .content_type = "application/json"});
  }

  void handle(const std::shared_ptr<core::HttpExchange>& exchange) {
    const std::lock_guard lock(mutex_);
    const std::string path(exchange->path());
    if (path == "/api/health") {
      return answer(exchange, database == "ok" ? 200 : 503,
                    {{"database", database}, {"version", "11.4.0"}, {"commit", "b58701869e1a"}});
    }
    if (!authorization.empty() && exchange->header("Authorization") != authorization)
      return answer(exchange, 401, {{"message", "Invalid username or password"}});
    if (path == "/api/datasources") return list_datasources(exchange);
    if (path == "/api/search") return list_dashboards(exchange);
    if (path == "/api/ds/query") return query(exchange);
    if (path.starts_with("/api/annotations")) return annotate(exchange, path);
    for (const Datasource& one : datasources) {
      if (path != "/api/datasources/uid/" + one.uid + "/health") continue;
      if (one.health.is_null()) return answer(exchange, 404, {{"message", "Not found"}});
      return answer(exchange, one.health.value("status", "") == "OK" ? 200 : 400, one.health);
    }
    for (const auto& [uid, refusal] : newer) {
      if (path == "/api/dashboards/uid/" + uid) return answer(exchange, 406, {{"message", refusal}});
    }
    for (const auto& [uid, text] : dashboards) {
      if (path == "/api/dashboards/uid/" + uid)
        return answer(exchange, 200, {{"meta", {{"slug", uid}}}, {"dashboard", json::parse(text)}});
    }
    answer(exchange, 404, {{"message", "Not found"}});
  }

  void list_datasources(const std::shared_ptr<core::HttpExchange>& exchange) const {
    json list = json::array();
    for (const Datasource& one : datasources)
      list.push_back(
          {{"uid", one.uid}, {"name", one.name}, {"type", one.type}, {"isDefault", one.is_default}});
    answer(exchange, 200, list);
  }

  void list_dashboards(const std::shared_ptr<core::HttpExchange>& exchange) const {
    json list = json::array();
    for (const auto& [uid, text] : dashboards)
      list.push_back({{"uid", uid}, {"title", json::parse(text).value("title", "")}, {"type", "dash-db"}});
    for (const auto& [uid, refusal] : newer)
      list.push_back({{"uid", uid}, {"title", uid}, {"type", "dash-db"}});
    answer(exchange, 200, list);
  }

  /// As Grafana 9.0 does.
  static bool is_mixture(const json& queries) {
    const auto source = [](const json& query) { return query.at("datasource").at("uid"); };
    bool mixed = false;
    for (const json& one : queries) {
      if (source(one) == "__expr__") return false;
      mixed = mixed || source(one) != source(queries.front());
    }
    return mixed;
  }

  void query(const std::shared_ptr<core::HttpExchange>& exchange) {
    const json request = json::parse(exchange->body());
    queries_.push_back(request);
    if (queries_hang) return exchange->after(std::chrono::hours(1), [exchange] {});
    if (is_mixture(request.at("queries")))
      return answer(exchange, 400, {{"message", "All queries must use the same datasource"}});
    json all = json::object();
    bool failed = false;
    for (const json& one : request.at("queries")) {
      if (one.at("datasource").value("type", json()) == "browser-only")
        return answer(exchange, 404, {{"message", "Not found"}, {"messageId", "plugin.notRegistered"}});
      json result = series(json::array({2.5}));
      for (const auto& [part, other] : results) {
        if (one.value("expr", "").find(part) != std::string::npos) result = other;
      }
      failed = failed || result.contains("error");
      all[one.at("refId").get<std::string>()] = std::move(result);
    }
    answer(exchange, failed ? 400 : 200, {{"results", all}});
  }

  void annotate(const std::shared_ptr<core::HttpExchange>& exchange, const std::string& path) {
    annotations_.emplace_back(std::string(exchange->method()) + " " + path, json::parse(exchange->body()));
    if (annotations_status != 200)
      return answer(exchange, annotations_status, {{"message", "Failed to save"}});
    if (exchange->method() == "POST")
      return answer(exchange, 200, {{"message", "Annotation added"}, {"id", annotations_.size()}});
    answer(exchange, 200, {{"message", "Annotation patched"}});
  }

  mutable std::mutex mutex_;
  std::vector<json> queries_;
  std::vector<std::pair<std::string, json>> annotations_;
  std::unique_ptr<core::HttpServer> server_;
};

}  // namespace obsctl::tests
