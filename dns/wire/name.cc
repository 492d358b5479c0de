#include "dns/wire/name.h"

#include <string_view>

namespace meridian::dns {
namespace {

// Appends labels one byte at a time and keeps the bounds of RFC 1035 §2.3.4.
class LabelWriter {
 public:
  Status put(std::uint8_t byte) {
    if (size_ - label_ > kMaxLabel) return fail(ErrorKind::kInvalid, "label over 63 bytes");
    // One byte is kept for the root.
    if (size_ >= kMaxName - 1) return fail(ErrorKind::kInvalid, "name over 255 bytes");
    bytes_[size_++] = byte;
    return {};
  }
  Status endLabel() {
    if (size_ - label_ == 1) return fail(ErrorKind::kInvalid, "empty label");
    bytes_[label_] = static_cast<std::uint8_t>(size_ - label_ - 1);
    label_ = size_++;
    return {};
  }
  bool inLabel() const { return size_ - label_ > 1; }
  // REQUIRES: !inLabel(). The open label's length byte, still zero, is the root.
  Name name() const { return Name(NameView(std::span(bytes_).first(size_))); }

 private:
  std::array<std::uint8_t, kMaxName> bytes_{};
  std::size_t label_ = 0;  // where the open label's length byte stands
  std::size_t size_ = 1;
};

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

// The byte that the escape at text[at] == '\\' stands for; moves `at` to its last character.
Result<std::uint8_t> unescape(std::string_view text, std::size_t& at) {
  if (at + 1 >= text.size()) return fail(ErrorKind::kInvalid, "escape without a character");
  if (!isDigit(text[at + 1])) return static_cast<std::uint8_t>(text[++at]);
  if (at + 3 >= text.size() || !isDigit(text[at + 2]) || !isDigit(text[at + 3])) {
    return fail(ErrorKind::kInvalid, "escape needs three digits");
  }
  const int value = (text[at + 1] - '0') * 100 + (text[at + 2] - '0') * 10 + (text[at + 3] - '0');
  if (value > 255) return fail(ErrorKind::kInvalid, "escape over 255");
  at += 3;
  return static_cast<std::uint8_t>(value);
}

void appendEscaped(std::string& out, std::uint8_t byte) {
  constexpr std::string_view kSpecial = ".\\\"();@$";
  const char c = static_cast<char>(byte);
  if (byte <= 0x20 || byte >= 0x7f) {
    out += '\\';
    out += static_cast<char>('0' + byte / 100);
    out += static_cast<char>('0' + byte / 10 % 10);
    out += static_cast<char>('0' + byte % 10);
    return;
  }
  if (kSpecial.find(c) != std::string_view::npos) out += '\\';
  out += c;
}

constexpr std::uint64_t kMix1 = 0x9e3779b97f4a7c15;
constexpr std::uint64_t kMix2 = 0xd6e8feb86659fd93;

std::uint64_t foldedProduct(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t loadWord(const std::uint8_t* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Eight bytes at once: sets bit 5 of each byte from 'A' to 'Z'. No sum leaves its byte, since bit 7
// is kept out.
std::uint64_t loweredWord(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::uint64_t low_bits = word & 0x7F * kOnes;
  const std::uint64_t at_least_a = low_bits + (0x80 - 'A') * kOnes;
  const std::uint64_t above_z = low_bits + (0x7F - 'Z') * kOnes;
  const std::uint64_t upper = at_least_a & ~above_z & ~word & 0x80 * kOnes;
  return word | upper >> 2;
}

}  // namespace

std::size_t NameView::labelCount() const {
  std::size_t count = 0;
  for (std::size_t at = 0; wire_[at] != 0; at += 1 + std::size_t{wire_[at]}) ++count;
  return count;
}

bool NameView::isWithin(const NameView& ancestor) const {
  if (ancestor.size() > size()) return false;
  const std::size_t start = size() - ancestor.size();
  std::size_t at = 0;
  while (at < start) at += 1 + std::size_t{wire_[at]};
  return at == start && NameView(wire_.subspan(start)) == ancestor;
}

std::string NameView::text() const {
  if (isRoot()) return ".";
  std::string out;
  for (NameView rest = *this; !rest.isRoot(); rest = rest.parent()) {
    for (const std::uint8_t byte : rest.firstLabel()) appendEscaped(out, byte);
    out += '.';
  }
  return out;
}

Result<Name> Name::parse(std::string_view text) {
  if (text.empty()) return fail(ErrorKind::kInvalid, "empty name");
  LabelWriter writer;
  if (text == ".") return writer.name();
  for (std::size_t at = 0; at < text.size(); ++at) {
    Status done;
    if (text[at] == '.') {
      done = writer.endLabel();
    } else if (text[at] == '\\') {
      const Result<std::uint8_t> byte = unescape(text, at);
      if (!byte) return tl::unexpected(byte.error());
      done = writer.put(*byte);
    } else {
      done = writer.put(static_cast<std::uint8_t>(text[at]));
    }
    if (!done) return tl::unexpected(done.error());
  }
  if (writer.inLabel()) {
    if (const Status done = writer.endLabel(); !done) return tl::unexpected(done.error());
  }
  return writer.name();
}

Result<Name> Name::fromWire(std::span<const std::uint8_t> wire) {
  if (wire.size() > kMaxName) return fail(ErrorKind::kInvalid, "name over 255 bytes");
  std::size_t at = 0;
  while (at < wire.size() && wire[at] != 0) {
    if (wire[at] > kMaxLabel) return fail(ErrorKind::kInvalid, "label over 63 bytes");
    at += 1 + std::size_t{wire[at]};
  }
  if (at >= wire.size()) return fail(ErrorKind::kInvalid, "name without its end");
  if (at + 1 != wire.size()) return fail(ErrorKind::kInvalid, "bytes after the name");
  return Name(NameView(wire));
}

void Name::assignLowered(NameView name) {
  const std::uint8_t* from = name.wire().data();
  std::uint8_t* to = bytes_.data();
  std::size_t left = name.size();
  size_ = static_cast<std::uint8_t>(left);
  for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t)) {
    const std::uint64_t word = loweredWord(loadWord(from));
    std::memcpy(to, &word, sizeof word);
    from += sizeof word;
    to += sizeof word;
  }
  std::uint64_t tail = 0;
  std::memcpy(&tail, from, left);
  tail = loweredWord(tail);
  std::memcpy(to, &tail, left);
}

Name Name::lowered() const {
  Name out;
  out.assignLowered(view());
  return out;
}

std::uint64_t hashName(NameView lowered) noexcept {
  const std::uint8_t* at = lowered.wire().data();
  std::size_t left = lowered.size();
  std::uint64_t hash = kMix1 ^ left;
  for (; left >= sizeof(std::uint64_t);
       at += sizeof(std::uint64_t), left -= sizeof(std::uint64_t)) {
    hash = foldedProduct(hash ^ loadWord(at), kMix2);
  }
  std::uint64_t tail = 0;
  for (std::size_t i = 0; i < left; ++i) tail |= std::uint64_t{at[i]} << (8 * i);
  return foldedProduct(hash ^ tail, kMix1);
}

}  // namespace meridian::dns
