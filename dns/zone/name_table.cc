#include "dns/zone/name_table.h"

namespace meridian::dns {

void NameTable::reset(std::size_t slots) {
  std::vector<std::uint32_t>().swap(slots_);  // the old table is gone before the new one is made
  slots_.resize(slots);
  mask_ = static_cast<std::uint32_t>(slots - 1);
  used_ = 0;
}

void NameTable::insert(std::uint64_t hash, std::uint32_t index) {
  std::size_t at = hash & mask_;
  while (slots_[at] != 0) at = (at + 1) & mask_;
  slots_[at] = tagOf(hash) | (index + 1);
  ++used_;
}

}  // namespace meridian::dns
