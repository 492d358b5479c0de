// Any bytes as a name in presentation and in wire form: what is accepted survives a round trip.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "dns/wire/name.h"

namespace {

using meridian::Result;
using meridian::dns::Name;

void require(bool holds) {
  if (!holds) std::abort();
}

void checkName(const Name& name) {
  require(name.view().size() <= 255 && name.view().labelCount() <= 127);
  const Result<Name> from_text = Name::parse(name.text());
  require(from_text && *from_text == name);
  const Result<Name> from_wire = Name::fromWire(name.view().wire());
  require(from_wire && *from_wire == name);
  require(name.lowered().lowered() == name.lowered());
  require(name.view().isWithin(Name()));
  if (!name.view().isRoot()) require(name.view().isWithin(name.view().parent()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const Result<Name> name = Name::parse(text)) checkName(*name);
  if (const Result<Name> name = Name::fromWire(std::span(data, size))) checkName(*name);
  return 0;
}
