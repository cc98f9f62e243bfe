// The override grammar, against what Hydra made of the same texts.
#include <hydra/override.hpp>
#include <hydra/reference_cases.hpp>
#include <hydra/sweep_expand.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

namespace hydra = qgrain::hydra;
namespace json = boost::json;

namespace {

hydra::memory_source source_of(const json::object& groups) {
  std::map<std::string, hydra::config_file> files;
  for (const auto& group : groups) {
    for (const auto& name : qgrain::test::text_list(group.value())) files[std::string(group.key()) + "/" + name];
    if (group.value().as_array().empty()) files[std::string(group.key()) + "/any"];
  }
  return hydra::memory_source(files);
}

const char* stored_type(const hydra::element& value) {
  if (const auto* number = std::get_if<hydra::number>(&value.value)) return number->index() == 0 ? "int" : "float";
  constexpr const char* names[] = {"null", "bool", "number", "str", "list", "dict"};
  return names[value.value.index()];
}

const char* sweep_name(const hydra::sweep_value& sweep) {
  if (const auto* choice = std::get_if<hydra::choice_sweep>(&sweep)) {
    return choice->written_as == hydra::choice_sweep::form::comma_list ? "simple_choice" : "choice";
  }
  constexpr const char* names[] = {"", "range", "interval", "glob_choice"};
  return names[sweep.index()];
}

const std::set<std::string>* tags_of(const hydra::sweep_value& sweep) {
  if (const auto* choice = std::get_if<hydra::choice_sweep>(&sweep)) return &choice->tags;
  if (const auto* range = std::get_if<hydra::range_sweep>(&sweep)) return &range->tags;
  if (const auto* interval = std::get_if<hydra::interval_sweep>(&sweep)) return &interval->tags;
  return nullptr;
}

void describe_plain(const hydra::element& value, json::object& found) {
  found["value"] = hydra::to_json(value);
  found["value_type"] = stored_type(value);
  if (const auto* dictionary = std::get_if<hydra::element_dictionary>(&value.value)) {
    json::array types;
    bool all_text = true;
    for (const auto& entry : *dictionary) {
      types.emplace_back(stored_type(entry.key));
      all_text = all_text && types.back() == "str";
    }
    if (!all_text) found["key_types"] = types;
  }
  found["text"] = hydra::canonical_text(value);
}

void describe_sweep(const hydra::config_override& parsed, const hydra::config_source& source, json::object& found) {
  const auto& sweep = *hydra::swept_value(parsed);
  found["sweep"] = sweep_name(sweep);
  if (const auto* interval = std::get_if<hydra::interval_sweep>(&sweep)) {
    found["interval"] = {hydra::to_json({interval->start}), hydra::to_json({interval->end})};
  } else {
    json::array values, types, texts;
    for (const auto& item : hydra::sweep_elements(parsed, source)) {
      values.push_back(hydra::to_json(item));
      types.emplace_back(stored_type(item));
      texts.emplace_back(hydra::canonical_text(item));
    }
    found["values"] = values;
    found["value_types"] = types;
    found["texts"] = texts;
  }
  const auto* tags = tags_of(sweep);
  if (tags && !tags->empty()) found["tags"] = json::array(tags->begin(), tags->end());
}

// The fields of a stored case, in the stored order.
json::object describe(const std::string& text, const hydra::config_source& source) {
  constexpr const char* types[] = {"change", "add", "force_add", "delete"};
  const auto parsed = hydra::parse_override(text);
  json::object found;
  found["type"] = types[static_cast<std::size_t>(parsed.type)];
  found["target"] = hydra::targets_group(parsed, source) ? "group" : "value";
  found["key"] = parsed.key;
  found["package"] = parsed.package ? json::value(*parsed.package) : json::value(nullptr);
  if (!parsed.value) {
    found["value_absent"] = true;
  } else if (const auto* value = hydra::plain_value(parsed)) {
    describe_plain(*value, found);
  } else {
    describe_sweep(parsed, source, found);
  }
  return found;
}

std::string sentence_of(const std::string& text) {
  return qgrain::test::sentence_of([&text] { (void)hydra::parse_override(text); });
}

}  // namespace

// Python's integers have no end, those of hydra/number.hpp have 64 bits.
bool needs_more_than_64_bits(const json::object& stored) { return stored.at("id") == "value-22"; }

BOOST_AUTO_TEST_CASE(every_reference_case_has_the_stored_result_or_error) {
  const auto reference = qgrain::test::reference_cases("overrides.json");
  const auto source = source_of(reference.at("groups").as_object());
  std::size_t cases = 0, right = 0, refused = 0;
  for (const auto& item : reference.at("cases").as_array()) {
    auto wanted = item.as_object();
    const std::string id(wanted.at("id").as_string()), input(wanted.at("input").as_string());
    for (const char* field : {"id", "kind", "input"}) wanted.stable_erase(field);
    ++cases;
    std::string found;
    try {
      found = qgrain::test::stored_text(describe(input, source));
    } catch (const qgrain::error& failure) {
      found = failure.what();
      if (wanted.contains("error")) {
        ++right;
        continue;
      }
      if (needs_more_than_64_bits(item.as_object())) {
        BOOST_TEST(found ==
                   "override 'k=12345678901234567890123', column 3: cannot hold the integer 12345678901234567890123, "
                   "which needs more than 64 bits");
        ++refused;
        continue;
      }
    }
    const bool equal = found == json::serialize(wanted);
    BOOST_CHECK_MESSAGE(equal,
                        id << " " << input << "\n  found  " << found << "\n  wanted " << json::serialize(wanted));
    right += equal ? 1 : 0;
  }
  BOOST_TEST_MESSAGE("override cases: " << right << " of " << cases);
  BOOST_TEST(cases == 329U);
  BOOST_TEST(refused == 1U);
  BOOST_TEST(right == cases - refused);
}

BOOST_AUTO_TEST_CASE(the_canonical_text_of_every_case_reads_back_as_itself) {
  const auto reference = qgrain::test::reference_cases("overrides.json");
  std::size_t texts = 0;
  for (const auto& item : reference.at("cases").as_array()) {
    const auto* text = item.as_object().if_contains("text");
    if (text == nullptr || needs_more_than_64_bits(item.as_object())) continue;
    const auto parsed = hydra::parse_override("k=" + std::string(text->as_string()));
    BOOST_TEST_REQUIRE(hydra::plain_value(parsed) != nullptr);
    BOOST_TEST(hydra::canonical_text(*hydra::plain_value(parsed)) == text->as_string());
    ++texts;
  }
  BOOST_TEST(texts > 150U);
}

BOOST_AUTO_TEST_CASE(errors_name_the_override_the_column_and_the_reason) {
  BOOST_TEST(sentence_of("seed=[1,2") ==
             "override 'seed=[1,2', column 10: the list that opens in column 6 is not closed");
  BOOST_TEST(sentence_of("k=a!b") == "override 'k=a!b', column 4: a character that no value or key may hold here");
  BOOST_TEST(sentence_of("k='abc") == "override 'k='abc', column 3: a quote that is not closed");
  BOOST_TEST(sentence_of("seed") == "override 'seed', column 5: an equals sign is missing");
  BOOST_TEST(sentence_of("k=rnage(3)") ==
             "override 'k=rnage(3)', column 3: there is no function 'rnage'; did you mean range?");
  BOOST_TEST(sentence_of("k=int(x)") == "override 'k=int(x)', column 3: int() cannot make an integer of x");
  BOOST_TEST(sentence_of("k=range(1,2,0)") == "override 'k=range(1,2,0)', column 3: range(1,2,0) has a step of zero");
  BOOST_TEST(sentence_of("k=range(1e9)") ==
             "override 'k=range(1e9)', column 3: range(0,1000000000.0,1) has more than 100000 elements");
}

BOOST_AUTO_TEST_CASE(integers_end_at_64_bits_and_the_sentence_names_the_one_that_does_not_fit) {
  const auto text_of = [](const std::string& written) {
    return hydra::canonical_text(*hydra::plain_value(hydra::parse_override("k=" + written)));
  };
  for (const std::string least_or_largest : {"-9223372036854775808", "9223372036854775807"})
    BOOST_TEST(text_of(least_or_largest) == least_or_largest);
  BOOST_TEST(text_of("int(-9223372036854775808.0)") == "-9223372036854775808");
  const auto refusal = [](const std::string& what) {
    return "cannot hold the integer " + what + ", which needs more than 64 bits";
  };
  const auto column_3 = [](const std::string& written) { return "override 'k=" + written + "', column 3: "; };
  BOOST_TEST(sentence_of("k=9223372036854775808") == column_3("9223372036854775808") + refusal("9223372036854775808"));
  BOOST_TEST(sentence_of("k=[1,-9223372036854775809]") ==
             "override 'k=[1,-9223372036854775809]', column 6: " + refusal("-9223372036854775809"));
  BOOST_TEST(sentence_of("k=int(1e30)") == column_3("int(1e30)") + "int() " + refusal("1e+30"));
  BOOST_TEST(sentence_of("k=int('9223372036854775808')") ==
             column_3("int('9223372036854775808')") + "int() " + refusal("9223372036854775808"));
  BOOST_TEST(sentence_of("k=sort(range(9223372036854775807,0,2))") ==
             column_3("sort(range(9223372036854775807,0,2))") + "sort() " + refusal("9223372036854775807 + 2"));
  const hydra::memory_source nothing({});
  const auto last =
      hydra::sweep_elements(hydra::parse_override("k=range(9223372036854775803,9223372036854775807,3)"), nothing);
  BOOST_TEST_REQUIRE(last.size() == 2U);
  BOOST_TEST(hydra::canonical_text(last.back()) == "9223372036854775806");
  BOOST_TEST(
      hydra::sweep_elements(hydra::parse_override("k=range(9.3e18,9223372036854775807,-1e17)"), nothing).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_shuffle_keeps_the_elements_and_gives_the_same_order_each_time) {
  const hydra::memory_source nothing({});
  const auto once = hydra::sweep_elements(hydra::parse_override("k=shuffle(range(20))"), nothing);
  const auto again = hydra::sweep_elements(hydra::parse_override("k=shuffle(range(20))"), nothing);
  std::vector<std::string> first, second, sorted;
  for (const auto& item : once) first.push_back(hydra::canonical_text(item));
  for (const auto& item : again) second.push_back(hydra::canonical_text(item));
  for (const auto& item : hydra::sweep_elements(hydra::parse_override("k=range(20)"), nothing)) {
    sorted.push_back(hydra::canonical_text(item));
  }
  BOOST_TEST(first == second);
  BOOST_TEST(first != sorted);
  BOOST_TEST(std::is_permutation(first.begin(), first.end(), sorted.begin(), sorted.end()));
}
