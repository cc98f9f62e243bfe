// A quantizer type as a JSON object and back to a name of a list. Needs Boost.JSON.
#ifndef QGRAIN_INTEROP_JSON_HPP
#define QGRAIN_INTEROP_JSON_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/quantizer/describe.hpp>
#include <qgrain/quantizer/dispatch.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <type_traits>

namespace qgrain::interop {

/// What `describe` says, one key per field: name, format, granularity, scale, rounding, bits_per_element, and tail and
/// source where there are such.
[[nodiscard]] inline boost::json::object to_json(const quantizer_description& text) {
  const auto string = [](std::string_view part) { return boost::json::string(part.data(), part.size()); };
  boost::json::object object;
  object["name"] = string(text.name);
  object["format"] = string(text.format);
  object["granularity"] = string(text.granularity);
  object["scale"] = string(text.scale);
  object["rounding"] = string(text.rounding);
  object["bits_per_element"] = text.bits_per_element;
  if (!text.tail.empty()) object["tail"] = string(text.tail);
  if (!text.source.empty()) object["source"] = string(text.source);
  return object;
}

/// `describe<Q>()` as an object; keys are the names of its members.
template <quantizer_type Q>
[[nodiscard]] boost::json::object describe_json() {
  return to_json(describe<Q>());
}

namespace detail {

/// Equal values; numbers by value, since 8 and 8.0 are different kinds in JSON libraries.
[[nodiscard]] inline bool same_json(const boost::json::value& a, const boost::json::value& b) {
  return a.is_number() && b.is_number() ? a.to_number<double>() == b.to_number<double>() : a == b;
}

}  // namespace detail

/// The name of the recipe that an object describes, for `dispatch` over the same list. "name" is needed; every other
/// key has to say what the recipe says, so that a stored description that no longer fits the code is found.
/// @throws error errc::bad_file for a value that is no such object or says something else, both named;
/// errc::unknown_name for a name that the list does not have, with the nearest ones
template <class... Quantizers>
[[nodiscard]] std::string recipe_name(const boost::json::value& description, recipe_list<Quantizers...> list) {
  const boost::json::object* const given = description.if_object();
  if (given == nullptr) {
    qgrain::detail::raise(errc::bad_file,
                          "a recipe is described by an object, not by " + boost::json::serialize(description));
  }
  const boost::json::value* const name = given->if_contains("name");
  if (name == nullptr || !name->is_string()) {
    qgrain::detail::raise(
        errc::bad_file, "the description of a recipe needs the text \"name\": " + boost::json::serialize(description));
  }
  const std::string wanted(name->get_string());
  dispatch(list, wanted, [&]<class Q>(std::type_identity<Q>) {
    const boost::json::object own = describe_json<Q>();
    for (const auto& [key, value] : *given) {
      const boost::json::value* const said = own.if_contains(key);
      const bool same = said != nullptr && detail::same_json(*said, value);
      if (!same) {
        qgrain::detail::raise(errc::bad_file,
                              "recipe \"" + wanted + "\": \"" + std::string(key) + "\" is " +
                                  (said == nullptr ? "no part of a description" : boost::json::serialize(*said)) +
                                  ", the file says " + boost::json::serialize(value));
      }
    }
  });
  return wanted;
}

}  // namespace qgrain::interop

#endif
