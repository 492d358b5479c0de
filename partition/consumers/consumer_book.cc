#include "partition/consumers/consumer_book.h"

#include <algorithm>
#include <array>
#include <utility>

namespace meridian::partition {
namespace {

constexpr std::array kKinds = {std::pair{ConsumerKind::kRouter, std::string_view("router")},
                               std::pair{ConsumerKind::kDal, std::string_view("dal")}};

bool isSilent(const Consumer& consumer, MonotonicTime now) {
  return now - consumer.heard > ConsumerBook::kSilence;
}

}  // namespace

std::string_view consumerKindName(ConsumerKind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  return "unknown";
}

std::optional<ConsumerKind> consumerKindOf(std::string_view name) {
  for (const auto& [kind, known] : kKinds) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

bool ConsumerBook::isId(std::string_view id) {
  if (id.empty() || id.size() > kMaxId) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || c == '.' || c == '-' || c == '_' || c == ':';
  });
}

bool ConsumerBook::heard(std::string_view id, ConsumerKind kind, Rev rev, MonotonicTime now) {
  auto found = consumers_.find(id);
  if (found == consumers_.end()) {
    if (consumers_.size() >= kMax) {
      std::erase_if(consumers_, [now](const auto& each) { return isSilent(each.second, now); });
    }
    if (consumers_.size() >= kMax) return false;
    found = consumers_.emplace(id, Consumer{}).first;
  }
  found->second = {kind, rev, now};
  return true;
}

std::map<std::string, Consumer, std::less<>> ConsumerBook::all(MonotonicTime now) const {
  auto all = consumers_;
  std::erase_if(all, [now](const auto& each) { return isSilent(each.second, now); });
  return all;
}

ConsumerStanding ConsumerBook::standing(Rev rev, bool dals_only, MonotonicTime now) const {
  ConsumerStanding standing;
  for (const auto& [id, consumer] : consumers_) {
    const bool counts = !dals_only || consumer.kind == ConsumerKind::kDal;
    if (!counts || isSilent(consumer, now)) continue;
    ++standing.all;
    if (consumer.rev >= rev) {
      ++standing.there;
    } else if (standing.behind.size() < ConsumerStanding::kNamed) {
      standing.behind.push_back(id);
    }
  }
  return standing;
}

}  // namespace meridian::partition
