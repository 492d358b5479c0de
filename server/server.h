// Server: builds and owns everything of a running meridiand, in a numbered order; stops in the
// reverse one.
//
//   1 world     configuration, geo data, zone files, topology          (server/world)
//   2 journal   RocksDB in state_dir; the map; the first serving state  (partition/map_service,
//   server/state_publisher) 3 sockets   UDP and TCP on every address, REST (dns/net,
//   admin/http_server) 4 workers   UDP threads, the TCP thread, the one that tells of queries
//   (dns/tap/tap_thread) 5 loop      the control thread: REST and signals, until SIGTERM or SIGINT
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

namespace meridian::server {

class Server {
 public:
  // Does 1 to 4. The error's message is ready to be shown: all problems, a line each.
  static Result<std::unique_ptr<Server>> start(const std::filesystem::path& config_file);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Does 5, on the calling thread.
  void run();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace meridian::server
