#include "admin/key_requests.h"

#include <utility>

#include "admin/requests.h"
#include "base/config_node.h"
#include "base/config_reader.h"
#include "dns/sign/key_file.h"

namespace meridian::admin {
namespace {

template <class Body, class Read>
Checked<Body> decodeKeyBody(std::string_view body, const Read& read) {
  constexpr const char* kDocument = "request";
  auto root = parseJson(body, kDocument);
  if (!root) return tl::unexpected(root.error());
  Diagnostics problems;
  ObjectReader in(*root, "", kDocument, problems);
  Body out = read(in);
  in.finish();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return out;
}

dns::KeyRole roleIn(ObjectReader& in) {
  const std::string name = in.string("role", {.required = true, .one_of = {"ksk", "zsk", "csk"}});
  return dns::keyRoleOf(name).value_or(dns::KeyRole::kCsk);
}

}  // namespace

Checked<KeyRollBody> decodeKeyRoll(std::string_view body) {
  return decodeKeyBody<KeyRollBody>(body, [](ObjectReader& in) {
    return KeyRollBody{roleIn(in), reasonOf(in)};
  });
}

Checked<DsSeenBody> decodeDsSeen(std::string_view body) {
  return decodeKeyBody<DsSeenBody>(body, [](ObjectReader& in) {
    const auto tag = in.integer("tag", {.required = true, .min = 0, .max = 0xffff});
    return DsSeenBody{static_cast<std::uint16_t>(tag), reasonOf(in)};
  });
}

Checked<KeyImportBody> decodeKeyImport(std::string_view body) {
  return decodeKeyBody<KeyImportBody>(body, [](ObjectReader& in) {
    // Their size is for readKeyFiles() to refuse: a rule here would show what it refuses.
    const StringRule text{.required = true, .max_bytes = std::size_t{1} << 30};
    KeyImportBody out;
    out.record = in.string("key", text);
    out.secret = in.string("private", text);
    out.role = roleIn(in);
    out.reason = reasonOf(in);
    return out;
  });
}

Checked<std::string> decodeKeyExport(std::string_view body) {
  return decodeKeyBody<std::string>(body, [](ObjectReader& in) { return reasonOf(in); });
}

}  // namespace meridian::admin
