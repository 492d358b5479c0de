#include "server/drc_tls_config.h"

#include <string_view>

namespace meridian::server {
namespace {

Status isDrcFile(std::string_view text) {
  return text.empty() ? fail(ErrorKind::kInvalid, "must not be empty") : Status{};
}

}  // namespace

std::optional<TlsFiles> decodeDrcTls(ObjectReader& drc, const std::filesystem::path& folder) {
  const auto file = [&](std::string_view key) -> std::filesystem::path {
    if (!drc.has(key)) return {};
    const std::filesystem::path given(drc.string(key, {.check = isDrcFile}));
    return given.is_absolute() ? given : folder / given;
  };
  TlsFiles out{file("tls_certificate_file"), file("tls_key_file"), file("tls_client_ca_file")};
  if (out.certificate.empty() != out.key.empty()) {
    drc.error(out.key.empty() ? "tls_certificate_file" : "tls_key_file",
              "tls_certificate_file and tls_key_file go together");
  }
  if (!out.client_ca.empty() && out.certificate.empty()) {
    drc.error("tls_client_ca_file", "needs tls_certificate_file and tls_key_file");
  }
  for (const char* key : {"tls_certificate_file", "tls_key_file", "tls_client_ca_file"}) {
    drc.ignore(key);
  }
  if (out.certificate.empty()) return std::nullopt;
  return out;
}

}  // namespace meridian::server
