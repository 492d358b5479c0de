// ZoneParser: the entries of one zone file → a ZoneBuilder; owners, TTLs, classes and directives of
// RFC 1035 §5.1 and RFC 2308 §4.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "dns/zone/zone_builder.h"
#include "dns/zone/zone_scanner.h"

namespace meridian::dns {

class ZoneParser {
 public:
  // Feeds a file that $INCLUDE names to the parser, and says why it cannot be read.
  using Include = std::function<Status(const std::filesystem::path& file, ZoneParser& parser)>;
  static constexpr std::size_t kMaxIncludes = 8;  // one in another

  // Without `include`, $INCLUDE is refused.
  explicit ZoneParser(std::string file, Include include = {})
      : file_(std::move(file)), include_file_(std::move(include)) {}

  // Reads on; returns how many bytes of `text` need not be given again. `is_last`: the file ends
  // with this text.
  std::size_t feed(std::string_view text, bool is_last);
  // Nothing that follows can be understood, or the zone is too large; feeding more is pointless.
  bool stopped() const { return stopped_; }
  // REQUIRES: everything was fed, or stopped().
  Checked<std::shared_ptr<const Zone>> finish();

 private:
  // What an entry says before its RDATA.
  struct Head {
    std::optional<std::uint32_t> ttl;
    std::size_t type_at = 0;  // index of the token
    RrType type = RrType::kA;
  };
  struct Counter {
    std::size_t count = 0;
    std::uint32_t first_line = 0;
  };

  void readEntry();
  void readDirective();
  void readOrigin(const std::string& directive);
  void readInclude();
  void readGenerate();
  void generate(std::uint32_t number);
  void readRecord();
  bool readOwner(const ZoneToken& token);
  std::optional<Head> readHead(std::size_t at);
  std::optional<std::uint32_t> ttlFor(const Head& head);
  void addRecord(const ZoneToken& at, RrType type, std::uint32_t ttl);
  void reject(const ZoneToken& at, std::string field, std::string_view value, std::string reason);
  std::string ownerAndType(RrType type) const;
  void logOddities(const Zone& zone) const;

  std::string file_;
  Include include_file_;
  std::size_t includes_ = 0;  // that are open
  Diagnostics problems_;
  ZoneScanner scanner_;
  ZoneEntry entry_;
  ZoneBuilder builder_;
  bool stopped_ = false;
  std::optional<Name> origin_;
  bool origin_is_stated_ = false;  // by $ORIGIN, not by the SOA
  std::optional<Name> owner_;
  std::optional<NodeIx> owner_node_;          // of owner_, once it has a record
  std::optional<std::uint32_t> default_ttl_;  // $TTL
  std::optional<std::uint32_t> last_ttl_;     // RFC 1035 §5.1, where there is no $TTL
  std::vector<std::uint8_t> rdata_;
  Counter duplicates_;
  Counter evened_;
};

}  // namespace meridian::dns
