#include "dns/zone/loader.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <system_error>
#include <utility>

#include "dns/zone/rdata_parser.h"
#include "dns/zone/signing_faults.h"
#include "dns/zone/zone_parser.h"

namespace meridian::dns {
namespace {

struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

constexpr std::size_t kReadBytes = std::size_t{1} << 18;

tl::unexpected<Diagnostics> refuse(const std::string& file, std::string reason) {
  Diagnostics problems;
  problems.add({file, 0, 0}, "", "", std::move(reason));
  return tl::unexpected(std::move(problems));
}

std::string errnoText() {
  return std::generic_category().message(errno);
}

// Feeds the file piece by piece; an entry cut by the end of a piece is carried over. Says what went
// wrong with the reading itself.
Status feedFile(std::FILE* file, ZoneParser& parser, std::size_t& total) {
  std::string buffer;
  bool is_last = false;
  while (!is_last && !parser.stopped()) {
    const std::size_t carried = buffer.size();
    buffer.resize(carried + kReadBytes);
    const std::size_t got = std::fread(buffer.data() + carried, 1, kReadBytes, file);
    if (std::ferror(file) != 0) return fail(ErrorKind::kIo, "cannot be read: " + errnoText());
    buffer.resize(carried + got);
    total += got;
    if (total > kMaxZoneFileBytes) return fail(ErrorKind::kTooLarge, "over 1 GiB");
    is_last = got < kReadBytes;
    buffer.erase(0, parser.feed(buffer, is_last));
  }
  return {};
}

// `total`: bytes of all files of the zone so far.
Status feedPath(const std::filesystem::path& path, ZoneParser& parser, std::size_t& total) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return fail(ErrorKind::kIo, error ? error.message() : "not a regular file");
  }
  const std::unique_ptr<std::FILE, FileClose> opened(std::fopen(path.c_str(), "rbe"));
  if (opened == nullptr) return fail(ErrorKind::kIo, "cannot be opened: " + errnoText());
  return feedFile(opened.get(), parser, total);
}

Result<std::vector<std::filesystem::path>> zoneFiles(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> out;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".zone") out.push_back(at->path());
  }
  if (error) return fail(ErrorKind::kIo, "cannot be listed: " + error.message());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Checked<std::shared_ptr<const Zone>> parseZone(std::string_view text, const std::string& file) {
  if (text.size() > kMaxZoneFileBytes) return refuse(file, "over 1 GiB");
  ZoneParser parser(file);
  parser.feed(text, true);
  return parser.finish();
}

Checked<std::shared_ptr<const Zone>> loadZone(const std::filesystem::path& file) {
  std::size_t total = 0;
  const auto feed = [&total](const std::filesystem::path& path, ZoneParser& parser) {
    return feedPath(path, parser, total);
  };
  ZoneParser parser(file.string(), feed);
  if (const Status fed = feed(file, parser); !fed)
    return refuse(file.string(), fed.error().message);
  return parser.finish();
}

Checked<std::shared_ptr<const ZoneSet>> loadZones(const std::filesystem::path& folder,
                                                  WallTime now) {
  const Result<std::vector<std::filesystem::path>> files = zoneFiles(folder);
  if (!files) return refuse(folder.string(), files.error().message);
  Diagnostics problems;
  std::vector<LoadedZone> zones;
  std::map<std::string, std::string> file_of_apex;
  for (const std::filesystem::path& file : *files) {
    Checked<std::shared_ptr<const Zone>> zone = loadZone(file);
    if (!zone) {
      problems.append(zone.error());
      continue;
    }
    const std::string apex = (*zone)->apex().text();
    const auto [first, is_new] = file_of_apex.emplace(apex, file.string());
    if (!is_new) problems.add({file.string(), 0, 0}, apex, "", "also in " + first->second);
    logSigningFaults(**zone, file.string(), now);
    zones.push_back({std::move(*zone), file.string(), now});
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return std::make_shared<const ZoneSet>(std::move(zones));
}

namespace {

// One entry, and nothing else.
Status scanEntry(std::string_view text, ZoneEntry& entry) {
  ZoneScanner scanner;
  scanner.feed(text, true);
  ZoneEntry rest;
  ScanError error;
  using Outcome = ZoneScanner::Outcome;
  const Outcome first = scanner.next(entry, error);
  if (first == Outcome::kEnd) return fail(ErrorKind::kInvalid, "no record");
  if (first != Outcome::kEntry) return fail(ErrorKind::kInvalid, std::string(error.reason));
  if (scanner.next(rest, error) != Outcome::kEnd) {
    return fail(ErrorKind::kInvalid, "more than one record");
  }
  return {};
}

}  // namespace

Result<std::vector<std::uint8_t>> parseRdataText(RrType type, std::string_view text,
                                                 const Name& origin) {
  ZoneEntry entry;
  if (Status one = scanEntry(text, entry); !one) return tl::unexpected(one.error());
  std::vector<std::uint8_t> out;
  if (Status read = parseRdata(type, entry.tokens, origin, out); !read) {
    return tl::unexpected(read.error());
  }
  return out;
}

Result<ZoneRecord> parseRecord(std::string_view text, const Name& owner, std::uint32_t ttl) {
  ZoneEntry entry;
  if (Status one = scanEntry(text, entry); !one) return tl::unexpected(one.error());
  const Result<RrType> type = parseRrType(entry.tokens[0].text);
  if (!type) return tl::unexpected(type.error());
  if (!isDataType(*type)) return fail(ErrorKind::kInvalid, "a type that no record has");
  ZoneRecord record{owner, *type, ttl, {}};
  const auto rdata = std::span<const ZoneToken>(entry.tokens).subspan(1);
  const Status read = parseRdata(*type, rdata, std::nullopt, record.rdata);
  if (!read) return tl::unexpected(read.error());
  return record;
}

}  // namespace meridian::dns
