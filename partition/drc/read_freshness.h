// Which copies of a global zone may answer reads (domain.md §3d): a copy becomes stale above one
// lag and usable again only below a lower one, so that it does not flap around a bound.
//
// Fail-open stays with the caller: when every copy is stale, its `read_fallback` answers, never
// nobody. Pure. Threads: one.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "partition/drc/link_view.h"

namespace meridian::partition {

struct ReadBounds {
  std::chrono::milliseconds enter_stale{5'000};  // stale at more than this
  std::chrono::milliseconds leave_stale{3'000};  // usable again at no more than this
};

class ReadFreshness {
 public:
  // Takes the link primary → copy; true when the copy may answer reads. A copy never seen before is
  // usable at no more than leave_stale. An unknown lag is stale, but in REBASING the lag bound is
  // suspended: the copy stays what it was.
  bool update(std::string_view zone, std::string_view copy, const LinkView& link,
              const ReadBounds& bounds = {});
  // What update() said last; false for a copy never seen.
  bool usable(std::string_view zone, std::string_view copy) const;
  // Forgets all copies of which `keeps` says no: for a topology that changed.
  template <class Keeps>
  void retain(const Keeps& keeps) {
    std::erase_if(usable_, [&](const auto& each) {
      return !keeps(std::string_view(each.first.first), std::string_view(each.first.second));
    });
  }

 private:
  std::map<std::pair<std::string, std::string>, bool> usable_;  // (zone, copy)
};

}  // namespace meridian::partition
