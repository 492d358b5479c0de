#include "dns/update/challenge_book.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/byte_reader.h"
#include "base/config_node.h"
#include "base/config_reader.h"
#include "base/log.h"
#include "partition/stored_json.h"

namespace meridian::dns {
namespace {

constexpr std::string_view kFamily = "acme";

std::string encodeChallenge(const Challenge& challenge) {
  return partition::storedText({{"v", partition::kStoredFormat},
                                {"id", challenge.id},
                                {"owner", challenge.owner},
                                {"value", challenge.value},
                                {"actor", challenge.actor},
                                {"created", unixMillis(challenge.created)},
                                {"expires", unixMillis(challenge.expires)}});
}

Checked<Challenge> decodeChallenge(std::string_view text) {
  auto root = parseJson(text, "store");
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", "store", problems);
  const auto time = [&](const char* key) {
    return WallTime(std::chrono::milliseconds(in.integer(key, {.required = true})));
  };
  Challenge out;
  in.integer("v", {.required = true, .min = 1, .max = 1});
  out.id = static_cast<std::uint64_t>(in.integer("id", {.required = true, .min = 1}));
  out.owner = in.string("owner", {.required = true});
  if (!Name::parse(out.owner)) in.error("owner", "is no name");
  out.value = in.string("value", {.required = true});
  out.actor = in.string("actor", {.required = true});
  out.created = time("created");
  out.expires = time("expires");
  if (!problems.empty()) return tl::unexpected(problems);
  return out;
}

tl::unexpected<ZoneError> refuse(ErrorKind kind, std::string message) {
  return tl::unexpected(ZoneError{{kind, std::move(message)}});
}

bool isToken(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return !text.empty() && text.size() <= ChallengeBook::kMaxValueBytes &&
         text.find_first_not_of(kDigits) == std::string_view::npos;
}

std::vector<std::uint8_t> characterString(std::string_view text) {
  std::vector<std::uint8_t> out{static_cast<std::uint8_t>(text.size())};
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

}  // namespace

std::vector<std::string> ChallengeBook::families() {
  return {std::string(kFamily)};
}

Result<ChallengeBook> ChallengeBook::open(std::shared_ptr<KvStore> store, const Clock& clock,
                                          ZoneService& zones) {
  auto list = List::open(std::move(store), {std::string(kFamily), "challenge/", "challenge",
                                            kMaxChallenges, encodeChallenge, decodeChallenge});
  if (!list) return tl::unexpected(list.error());
  return ChallengeBook(std::move(*list), clock, zones);
}

ZoneResult<Challenge> ChallengeBook::present(NameView owner, const std::string& value,
                                             std::chrono::seconds life, const std::string& actor) {
  const Name lowered = Name(owner).lowered();
  if (owner.isRoot() || asText(lowered.view().firstLabel()) != kLabel) {
    return refuse(ErrorKind::kInvalid, "the name must begin with " + std::string(kLabel) + ".");
  }
  if (!isToken(value)) {
    return refuse(ErrorKind::kInvalid, "the value must be base64url, of 255 characters at most");
  }
  Challenge challenge{0, lowered.text(), value, actor, clock_->wallNow(), {}};
  challenge.expires = challenge.created + life;
  const auto known = std::find_if(all().begin(), all().end(), [&](const Challenge& each) {
    return each.owner == challenge.owner && each.value == value;
  });
  const bool is_new = known == all().end();
  // The entry first: a record without one would stay for ever.
  if (is_new) {
    auto added = list_.add(std::move(challenge));
    if (!added) return tl::unexpected(ZoneError{added.error()});
    challenge = std::move(*added);
  } else {
    challenge.id = known->id;
    challenge.expires = std::max(challenge.expires, known->expires);
    if (const Status kept = list_.replace(challenge); !kept) {
      return tl::unexpected(ZoneError{kept.error()});
    }
  }
  if (auto done = edit(lowered, value, true); !done) {
    // After a write that failed the record may be there, at the next start: the entry will end it.
    const bool may_be_there = done.error().error.kind == ErrorKind::kIo;
    if (is_new && !may_be_there) (void)list_.remove(challenge.id);
    return tl::unexpected(done.error());
  }
  return challenge;
}

ZoneResult<void> ChallengeBook::cleanUp(NameView owner, const std::string& value) {
  const std::string text = Name(owner).lowered().text();
  const auto found = std::find_if(all().begin(), all().end(), [&](const Challenge& each) {
    return each.owner == text && each.value == value;
  });
  if (found == all().end()) {
    return refuse(ErrorKind::kNotFound, "there is no such token at " + text);
  }
  return end(*found);
}

void ChallengeBook::tick() {
  const WallTime now = clock_->wallNow();
  const std::vector<Challenge> copies = all();
  for (const Challenge& each : copies) {
    if (each.expires > now) continue;
    if (const auto done = end(each); !done) {
      logError("challenge_not_removed",
               {{"name", each.owner},
                {"why", done.error().error.message + " " + done.error().problems.text()},
                {"next", "it is tried again; if it goes on, look at the zone"}});
      continue;
    }
    logInfo("challenge_expired", {{"name", each.owner}, {"actor", each.actor}});
  }
}

// The record, then the entry.
ZoneResult<void> ChallengeBook::end(const Challenge& challenge) {
  const std::uint64_t id = challenge.id;
  const Name owner = *Name::parse(challenge.owner);  // was read so
  auto done = edit(owner, challenge.value, false);
  // A zone that is gone has taken its records with it.
  if (!done && done.error().error.kind != ErrorKind::kNotFound) return done;
  if (const Status removed = list_.remove(id); !removed) {
    return tl::unexpected(ZoneError{removed.error()});
  }
  return {};
}

// The TXT records of the name, with the value or without.
ZoneResult<void> ChallengeBook::edit(NameView owner, const std::string& value, bool there) {
  const Zone* zone = zones_->zones()->find(owner);
  if (zone == nullptr) return refuse(ErrorKind::kNotFound, "no zone here has " + owner.text());
  const std::shared_ptr<const Zone>& now = zones_->zones()->at(zone->apex())->editable();
  const Zone::Match match = now->find(owner);
  if (match.kind == Zone::MatchKind::kDelegation) {
    return refuse(ErrorKind::kRefused, owner.text() + " is delegated to other servers at " +
                                           now->nodeName(match.node).text() +
                                           ": the token belongs there");
  }
  RrsetEdit rrset{Name(owner), RrType::kTxt, kTtl, {}};
  const std::vector<std::uint8_t> wanted = characterString(value);
  bool found = false;
  if (const std::optional<NodeIx> node = now->nodeOf(owner)) {
    const RrsetView old = now->rrset(*node, RrType::kTxt);
    if (!old.empty()) rrset.ttl = old.ttl;
    for (auto rest = old.rendered; !rest.empty();) {
      const std::size_t length = std::size_t{rest[10]} << 8U | rest[11];
      const auto rdata = rest.subspan(kRenderedFixedBytes, length);
      rest = rest.subspan(kRenderedFixedBytes + length);
      const bool same = std::ranges::equal(rdata, wanted);
      found |= same;
      if (!same || there) rrset.rdata.emplace_back(rdata.begin(), rdata.end());
    }
  }
  if (found == there) return {};
  if (there) rrset.rdata.push_back(wanted);
  const auto changed = zones_->edit({Name(zone->apex()), {std::move(rrset)}});
  if (!changed) return tl::unexpected(changed.error());
  return {};
}

}  // namespace meridian::dns
