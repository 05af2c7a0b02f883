// A server that does what a test says with each request, on a real loopback socket and its own thread: one
// thread a connection, so that it can be slow, silent, rude or wrong.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

class ScriptedServer {
 public:
  /// Gets the request's text and its number (from 0); returns the bytes to send. A trailing "\x01close"
  /// closes afterwards, "\x01reset" resets.
  using Script = std::function<std::string(const std::string& request, int number)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, 128);
    socklen_t length = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedServer() {
    stopping_ = true;
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int requests() const { return requests_; }
  int connections() const { return connections_; }
  std::vector<std::string> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  bool readable(int fd) const {
    while (!stopping_) {
      pollfd poll_fd{fd, POLLIN, 0};
      if (poll(&poll_fd, 1, 10) > 0) return true;
    }
    return false;
  }
  void accept_all() {
    while (readable(listener_)) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) continue;
      ++connections_;
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }
  void serve(int fd) {
    std::string input;
    bool open = true;
    while (open && readable(fd)) {
      char buffer[4096];
      const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      input.append(buffer, static_cast<std::size_t>(n));
      const std::size_t end = input.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      {
        const std::lock_guard lock(mutex_);
        seen_.push_back(input);
      }
      std::string answer = script_(input, requests_++);
      input.clear();
      if (const std::size_t mark = answer.find('\x01'); mark != std::string::npos) {
        open = false;
        if (answer.substr(mark + 1) == "reset") {
          const linger hard{1, 0};
          setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        answer.resize(mark);
      }
      if (!answer.empty() && send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
    }
    close(fd);
  }

  Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> requests_{0};
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> seen_;
  std::thread acceptor_;
  std::vector<std::thread> threads_;
};
