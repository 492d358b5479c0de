#include "admin/ctl/show_json.h"

#include <nlohmann/json.hpp>

#include "admin/ctl/text_table.h"

namespace meridian::ctl {

using Json = nlohmann::json;

std::string plain(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  return value.dump();
}

std::string field(const Json& object, const char* key) {
  return object.contains(key) ? plain(object.at(key)) : "-";
}

std::string pairs(const Json& object, std::initializer_list<const char*> keys) {
  TextTable table({"FIELD", "VALUE"});
  for (const char* key : keys) table.add({key, field(object, key)});
  return table.text();
}

}  // namespace meridian::ctl
