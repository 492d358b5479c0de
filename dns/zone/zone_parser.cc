#include "dns/zone/zone_parser.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "dns/zone/rdata_parser.h"
#include "dns/zone/zone_generate.h"

namespace meridian::dns {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

bool isClass(std::string_view text) {
  if (text.size() == 2) {
    const std::string name = upper(text);
    return name == "IN" || name == "CH" || name == "HS" || name == "CS";
  }
  return text.size() > 5 && upper(text.substr(0, 5)) == "CLASS";
}

bool isTtl(std::string_view text) {
  return !text.empty() && text[0] >= '0' && text[0] <= '9';
}

std::string_view fromToken(std::string_view first, const ZoneToken& last) {
  const char* end = last.text.data() + last.text.size();
  return {first.data(), static_cast<std::size_t>(end - first.data())};
}

}  // namespace

std::size_t ZoneParser::feed(std::string_view text, bool is_last) {
  scanner_.feed(text, is_last);
  ScanError error;
  while (!stopped_) {
    const ZoneScanner::Outcome outcome = scanner_.next(entry_, error);
    if (outcome == ZoneScanner::Outcome::kEntry) {
      readEntry();
    } else if (outcome == ZoneScanner::Outcome::kError || outcome == ZoneScanner::Outcome::kFatal) {
      problems_.add({file_, error.line, error.column}, "", "", std::string(error.reason));
      stopped_ = outcome == ZoneScanner::Outcome::kFatal;
    } else {
      break;
    }
  }
  return scanner_.consumed();
}

Checked<std::shared_ptr<const Zone>> ZoneParser::finish() {
  builder_.check(file_, problems_);
  if (!problems_.empty()) return tl::unexpected(std::move(problems_));
  std::shared_ptr<const Zone> zone = builder_.build();
  logOddities(*zone);
  return zone;
}

void ZoneParser::readEntry() {
  const std::string_view first = entry_.tokens.front().text;
  if (!entry_.starts_blank && first.front() == '$') {
    readDirective();
  } else {
    readRecord();
  }
}

void ZoneParser::readDirective() {
  const ZoneToken& directive = entry_.tokens[0];
  const std::string name = upper(directive.text);
  if (name == "$INCLUDE") return readInclude();
  if (name == "$GENERATE") return readGenerate();
  if (name != "$ORIGIN" && name != "$TTL") {
    return reject(directive, "", directive.text,
                  "unknown directive: $ORIGIN, $TTL, $INCLUDE and $GENERATE are known");
  }
  if (entry_.tokens.size() != 2) return reject(directive, name, "", "needs exactly one value");
  if (name == "$ORIGIN") return readOrigin(name);
  const ZoneToken& value = entry_.tokens[1];
  const Result<std::uint32_t> ttl = parseTtl(value.text);
  if (!ttl) return reject(value, name, value.text, ttl.error().message);
  default_ttl_ = *ttl;
}

void ZoneParser::readOrigin(const std::string& directive) {
  const ZoneToken& value = entry_.tokens.back();
  const Result<Name> origin = parseName(value.text, origin_);
  if (!origin) return reject(value, directive, value.text, origin.error().message);
  origin_ = *origin;
  origin_is_stated_ = true;
}

// RFC 1035 §5.1: the origin may be another within the included file, and is the old one behind it;
// so is the owner.
void ZoneParser::readInclude() {
  const ZoneToken directive = entry_.tokens[0];
  if (!include_file_) {
    return reject(directive, "$INCLUDE", "", "refused: this text comes from no file");
  }
  const std::size_t count = entry_.tokens.size();
  if (count != 2 && count != 3) {
    return reject(directive, "$INCLUDE", "", "needs a file, and may have an origin");
  }
  if (includes_ == kMaxIncludes) {
    return reject(directive, "$INCLUDE", "", "more than 8 files, one within another");
  }
  std::string named(entry_.tokens[1].text);
  std::erase(named, '"');
  const auto origin = origin_;
  const bool origin_was_stated = origin_is_stated_;
  if (count == 3) readOrigin("$INCLUDE");
  const std::filesystem::path path = std::filesystem::path(file_).parent_path() / named;
  const std::string outer_file = std::exchange(file_, path.string());
  const ZoneScanner outer_scanner = std::exchange(scanner_, ZoneScanner());
  const auto owner = std::exchange(owner_, std::nullopt);
  const auto owner_node = std::exchange(owner_node_, std::nullopt);
  ++includes_;
  const Status read = include_file_(path, *this);
  --includes_;
  file_ = outer_file;
  scanner_ = outer_scanner;
  // An apex that the included SOA has found stays.
  if (origin || origin_is_stated_) origin_ = origin;
  origin_is_stated_ = origin_was_stated;
  owner_ = owner;
  owner_node_ = owner_node;
  if (!read) reject(directive, "$INCLUDE", named, read.error().message);
}

void ZoneParser::readGenerate() {
  const ZoneToken directive = entry_.tokens[0];
  if (entry_.tokens.size() < 5) {
    return reject(directive, "$GENERATE", "", "needs a range, an owner, a type and data");
  }
  const ZoneToken& range_token = entry_.tokens[1];
  const Result<GenerateRange> range = parseGenerateRange(range_token.text);
  if (!range) return reject(range_token, "$GENERATE", range_token.text, range.error().message);
  // The first entry that is wrong is told, and ends it: the others would be wrong alike.
  const std::size_t problems = problems_.size();
  const ZoneEntry words = entry_;
  for (std::uint64_t number = range->first; number <= range->last && !stopped_;
       number += range->step) {
    entry_ = words;
    generate(static_cast<std::uint32_t>(number));
    if (problems_.size() != problems) return;
  }
}

void ZoneParser::generate(std::uint32_t number) {
  const ZoneToken directive = entry_.tokens[0];
  std::string line;
  for (std::size_t i = 2; i < entry_.tokens.size(); ++i) {
    const ZoneToken& word = entry_.tokens[i];
    const Result<std::string> text = generatedText(word.text, number);
    if (!text) return reject(word, "$GENERATE", word.text, text.error().message);
    line += *text + " ";
  }
  ZoneScanner scanner;
  scanner.feed(line, true);
  ScanError error;
  if (scanner.next(entry_, error) != ZoneScanner::Outcome::kEntry) {
    return reject(directive, "$GENERATE", line, std::string(error.reason));
  }
  for (ZoneToken& token : entry_.tokens) {
    token.line = directive.line;
    token.column = directive.column;
  }
  readRecord();
}

void ZoneParser::readRecord() {
  std::size_t at = 0;
  if (!entry_.starts_blank) {
    if (!readOwner(entry_.tokens[at++])) return;
  } else if (!owner_) {
    return reject(entry_.tokens[0], "", entry_.tokens[0].text, "the first record has no owner");
  }
  const std::optional<Head> head = readHead(at);
  if (!head) return;
  const ZoneToken& type_token = entry_.tokens[head->type_at];
  const auto rdata = std::span<const ZoneToken>(entry_.tokens).subspan(head->type_at + 1);
  // Without $ORIGIN names are relative to the zone's apex, from the SOA's own RDATA on.
  if (head->type == RrType::kSoa && !origin_) origin_ = owner_;
  const Status read = parseRdata(head->type, rdata, origin_, rdata_);
  if (!read) {
    const std::string_view shown =
        rdata.empty() ? std::string_view() : fromToken(rdata.front().text, rdata.back());
    return reject(type_token, ownerAndType(head->type), shown, read.error().message);
  }
  const std::optional<std::uint32_t> ttl = ttlFor(*head);
  if (!ttl) return reject(type_token, ownerAndType(head->type), "", "no TTL, and no $TTL before");
  addRecord(type_token, head->type, *ttl);
}

bool ZoneParser::readOwner(const ZoneToken& token) {
  owner_node_.reset();
  const Result<Name> owner = parseName(token.text, origin_);
  if (!owner) {
    owner_.reset();
    reject(token, "owner", token.text, owner.error().message);
    return false;
  }
  owner_ = *owner;
  return true;
}

std::optional<ZoneParser::Head> ZoneParser::readHead(std::size_t at) {
  Head head;
  bool has_class = false;
  for (; at < entry_.tokens.size(); ++at) {
    const ZoneToken& token = entry_.tokens[at];
    if (!head.ttl && isTtl(token.text)) {
      const Result<std::uint32_t> ttl = parseTtl(token.text);
      if (!ttl) return reject(token, "TTL", token.text, ttl.error().message), std::nullopt;
      head.ttl = *ttl;
    } else if (!has_class && isClass(token.text)) {
      const std::string name = upper(token.text);
      if (name != "IN" && name != "CLASS1") {
        return reject(token, "class", token.text, "the class must be IN"), std::nullopt;
      }
      has_class = true;
    } else {
      break;
    }
  }
  if (at == entry_.tokens.size()) {
    return reject(entry_.tokens.back(), "", entry_.tokens.back().text, "the type is missing"),
           std::nullopt;
  }
  const ZoneToken& token = entry_.tokens[at];
  const Result<RrType> type = parseRrType(token.text);
  if (!type) return reject(token, "type", token.text, type.error().message), std::nullopt;
  if (!isDataType(*type)) {
    return reject(token, "type", token.text, "a type that never stands in a zone"), std::nullopt;
  }
  head.type = *type;
  head.type_at = at;
  return head;
}

std::optional<std::uint32_t> ZoneParser::ttlFor(const Head& head) {
  if (head.ttl) {
    last_ttl_ = head.ttl;
    return head.ttl;
  }
  if (default_ttl_) return default_ttl_;
  // A SOA that opens the file without any TTL is cached as its MINIMUM says.
  if (!last_ttl_ && head.type == RrType::kSoa && rdata_.size() >= 4) {
    const auto end = std::span(rdata_).last(4);
    last_ttl_ = std::uint32_t{end[0]} << 24 | std::uint32_t{end[1]} << 16 |
                std::uint32_t{end[2]} << 8 | end[3];
  }
  return last_ttl_;
}

void ZoneParser::addRecord(const ZoneToken& at, RrType type, std::uint32_t ttl) {
  if (!owner_node_) {
    const Result<NodeIx> node = builder_.node(*owner_, includes_ == 0 ? at.line : 0);
    if (!node) {
      stopped_ = true;
      return reject(at, ownerAndType(type), "", node.error().message);
    }
    owner_node_ = *node;
  }
  const Result<ZoneBuilder::Added> added = builder_.add(*owner_node_, type, ttl, rdata_);
  if (!added) {
    stopped_ = added.error().kind == ErrorKind::kTooLarge;
    return reject(at, ownerAndType(type), "", added.error().message);
  }
  if (*added == ZoneBuilder::Added::kNew) return;
  Counter& counter = *added == ZoneBuilder::Added::kDuplicate ? duplicates_ : evened_;
  if (counter.count++ == 0) counter.first_line = at.line;
}

void ZoneParser::reject(const ZoneToken& at, std::string field, std::string_view value,
                        std::string reason) {
  problems_.add({file_, at.line, at.column}, std::move(field), value, std::move(reason));
}

std::string ZoneParser::ownerAndType(RrType type) const {
  return owner_->text() + " " + rrTypeName(type);
}

void ZoneParser::logOddities(const Zone& zone) const {
  const auto log = [&](std::string_view event, const Counter& counter) {
    if (counter.count == 0) return;
    logWarn(event, {{"zone", zone.apex().text()},
                    {"file", file_},
                    {"first_line", std::to_string(counter.first_line)},
                    {"count", std::to_string(counter.count)}});
  };
  log("zone_duplicate_records", duplicates_);
  log("zone_ttls_evened", evened_);
}

}  // namespace meridian::dns
