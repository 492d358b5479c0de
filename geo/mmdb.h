// MaxMind DB files (format 2.0): MaxMind's nested schema and flat ones such as DB-IP City Lite.
//
// The file is mapped read-only. open() checks metadata and sizes, walk() the search tree, record()
// the bytes of one record: a torn or foreign file is refused with a reason, never read outside its
// bounds. Replace a file by renaming a new one over it: to truncate one that is mapped ends the
// process (mmap(2), SIGBUS). Threads: immutable after open(); lookups from any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/ip.h"
#include "base/result.h"
#include "geo/location.h"

namespace meridian::geo {

// Dotted key paths into a record; an empty path means "find it": each known place is tried
// (docs/config.md).
struct MmdbSchema {
  std::string latitude, longitude, country, subdivision, city, asn;
};
struct MmdbSource {
  std::filesystem::path path;
  MmdbSchema schema;
  std::string attribution;  // what the data's licence asks to be shown with results; may be empty
};

class Mmdb {
 public:
  static Result<std::shared_ptr<const Mmdb>> open(const MmdbSource& source);
  ~Mmdb();
  Mmdb(const Mmdb&) = delete;
  Mmdb& operator=(const Mmdb&) = delete;

  struct Found {
    Location location;
    IpPrefix network;
  };
  // nullopt: the database has no record for the address.
  Result<std::optional<Found>> lookup(const IpAddress& address) const;

  const std::filesystem::path& path() const;
  const std::string& attribution() const;
  bool hasV4() const;
  bool hasV6() const;               // a v6 tree holds IPv4 as well, in ::/96
  std::string description() const;  // type, build date, nodes: for logs
  std::size_t nodeCount() const;    // of the search tree; no family has more networks than 1 + this

  // Gives the pages of the mapping back; they return from the file when they are read again.
  void dropPages() const;

  // Visits each record of a family in address order: the networks that have one, each with the
  // record's number. Left out of IPv6 are ::/96, which holds IPv4, and the aliases of it
  // (::ffff:0:0/96, 2002::/16, 64:ff9b::/96, 2001::/32). `first` is right-aligned, as in
  // IpAddress::bits(). kCorrupt when the tree is torn; what was visited until then is void.
  using RecordNumber = std::uint32_t;
  Status walk(
      IpFamily family,
      const std::function<void(U128 first, std::uint8_t length, RecordNumber)>& visit) const;
  // Decodes one record. kCorrupt.
  Result<Location> record(RecordNumber number) const;

 private:
  struct State;
  explicit Mmdb(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace meridian::geo
