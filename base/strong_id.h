// StrongId<Tag, Rep>: an index or number that cannot be mixed up with another kind. Costs nothing.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace meridian {

template <class Tag, class Rep>
struct StrongId {
  using Representation = Rep;
  Rep value{};

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) : value(v) {}
  constexpr std::size_t index() const { return static_cast<std::size_t>(value); }
  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;
};

}  // namespace meridian

template <class Tag, class Rep>
struct std::hash<meridian::StrongId<Tag, Rep>> {
  std::size_t operator()(const meridian::StrongId<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
