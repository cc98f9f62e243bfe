#include <lm/gguf/gguf_reading.hpp>

#include <variant>

namespace qgrain::lm {

namespace json = boost::json;

void refuse_key(const gguf_file& file, errc code, const std::string& key, const std::string& what) {
  throw error(code, file.path() + ": " + key + " " + what);
}

std::optional<json::value> number_at(const gguf_file& file, const std::string& key) {
  const gguf_value* value = file.find_key(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_array) refuse_key(file, errc::unsupported, key, "is an array; one number for all layers is supported");
  if (const auto* u = std::get_if<std::vector<std::uint64_t>>(&value->content); u && value->kind != gguf_kind::boolean)
    return json::value(u->front());
  if (const auto* i = std::get_if<std::vector<std::int64_t>>(&value->content)) return json::value(i->front());
  if (const auto* f = std::get_if<std::vector<double>>(&value->content)) return json::value(f->front());
  refuse_key(file, errc::bad_file, key, "must be a number, not of type " + std::string(name_of(value->kind)));
}

json::value required_number(const gguf_file& file, const std::string& key) {
  if (auto value = number_at(file, key)) return *value;
  refuse_key(file, errc::bad_file, key, "is missing");
}

}  // namespace qgrain::lm
