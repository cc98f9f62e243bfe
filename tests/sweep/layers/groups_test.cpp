#include <common/glob.hpp>
#include <sweep/layers/groups.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace qgrain::sweep;

namespace {

std::string described(const std::vector<std::string>& names, layer_fusion how = layer_fusion::fused) {
  std::string text;
  for (const auto& group : group_layers(names, how)) {
    text += group.key + ":";
    for (const auto member : group.members) text += std::to_string(member);
    text += " ";
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_five_rules) {
  BOOST_TEST(
      described({"m.0.attn.q_proj", "m.0.attn.k_proj", "m.0.attn.o_proj", "m.0.attn.v_proj", "m.1.attn.q_proj"}) ==
      "m.0.attn.q_proj.quant_recipe:013 m.0.attn.o_proj.quant_recipe:2 m.1.attn.q_proj.quant_recipe:4 ");
  BOOST_TEST(described({"l.0.mlp.experts.0.gate_proj", "l.0.mlp.experts.0.down_proj", "l.0.mlp.experts.11.up_proj",
                        "l.0.mlp.gate", "l.1.mlp.experts.0.up_proj"}) ==
             "l.0.mlp.experts.0.gate_proj.quant_recipe:012 l.0.mlp.gate.quant_recipe:3 "
             "l.1.mlp.experts.0.up_proj.quant_recipe:4 ");
  BOOST_TEST(described({"m.mlp.up_proj", "m.mlp.down_proj", "m.mlp.gate_proj"}) ==
             "m.mlp.up_proj.quant_recipe:02 m.mlp.down_proj.quant_recipe:1 ");
  BOOST_TEST(described({"m.experts.0.w1", "m.experts.0.w2", "m.experts.7.w3", "m.experts.7.w4"}) ==
             "m.experts.0.w1.quant_recipe:012 m.experts.7.w4.quant_recipe:3 ");
  BOOST_TEST(described({"m.mlp.w1_linear.0", "m.mlp.v1_linear.0", "m.mlp.w2_linear.15"}) ==
             "m.mlp.w1_linear.0.quant_recipe:02 m.mlp.v1_linear.0.quant_recipe:1 ");
}

BOOST_AUTO_TEST_CASE(what_stands_alone) {
  BOOST_TEST(described({"lm_head", "m.qkv_proj", "q_proj", "m.q_proj.x"}) ==
             "lm_head.quant_recipe:0 m.qkv_proj.quant_recipe:1 q_proj.quant_recipe:2 m.q_proj.x.quant_recipe:3 ");
  BOOST_TEST(described({"m.q_proj", "m.k_proj"}, layer_fusion::none) ==
             "m.q_proj.quant_recipe:0 m.k_proj.quant_recipe:1 ");
  BOOST_TEST(described({}).empty());
}

BOOST_AUTO_TEST_CASE(user_rules_come_first) {
  const std::vector<std::string> names{"m.0.q_proj", "m.0.k_proj", "m.0.o_proj", "m.1.q_proj", "m.1.k_proj",
                                       "m.1.o_proj", "m.2.q_proj", "m.2.k_proj", "m.2.o_proj", "head"};
  const auto described_by = [&](layer_fusion how, std::vector<std::string> patterns) {
    std::string text;
    for (const auto& group : group_layers(names, group_rules{how, std::move(patterns)})) {
      for (const auto member : group.members) text += std::to_string(member);
      text += " ";
    }
    return text;
  };
  BOOST_TEST(described_by(layer_fusion::fused, {}) == "01 2 34 5 67 8 9 ");
  BOOST_TEST(described_by(layer_fusion::none, {}) == "0 1 2 3 4 5 6 7 8 9 ");
  // what the parentheses capture, or what is found
  BOOST_TEST(described_by(layer_fusion::fused, {R"((m\.[01])\..*)"}) == "012 345 67 8 9 ");
  BOOST_TEST(described_by(layer_fusion::fused, {"o_proj"}) == "01 258 34 67 9 ");
  BOOST_TEST(described_by(layer_fusion::none, {R"(^m\.[12])"}) == "0 1 2 345 678 9 ");
  // the first rule that is found decides; two rules make no common group
  BOOST_TEST(described_by(layer_fusion::none, {"(m).0", "(m)"}) == "012 345678 9 ");
  // parentheses that take no part
  BOOST_TEST(described_by(layer_fusion::none, {"(x)?_proj"}) == "012345678 9 ");
}

BOOST_AUTO_TEST_CASE(rules_that_are_wrong_or_match_nothing) {
  const std::vector<std::string> names{"m.0.q_proj", "m.0.k_proj"};
  BOOST_CHECK_EXCEPTION((void)group_layers(names, group_rules{layer_fusion::fused, {"ok", "m.(0"}}), qgrain::error,
                        [](const qgrain::error& e) {
                          return std::string(e.what()).starts_with("the group rule m.(0 is no regular expression: ");
                        });
  const auto warnings = unmatched_rules(names, {layer_fusion::fused, {"q_proj", R"((m\.\d+)\.q_porj)"}});
  BOOST_TEST_REQUIRE(warnings.size() == 1U);
  BOOST_TEST(warnings[0] ==
             R"(the group rule (m\.\d+)\.q_porj matches no layer; did you mean m.0.q_proj, m.0.k_proj?)");
}

BOOST_AUTO_TEST_CASE(distances_to_patterns) {
  BOOST_TEST(qgrain::common::glob_distance("abc", "abc") == 0U);
  BOOST_TEST(qgrain::common::glob_distance("", "abc") == 3U);
  BOOST_TEST(qgrain::common::glob_distance("abc", "") == 3U);
  BOOST_TEST(qgrain::common::glob_distance("*", "abc") == 0U);
  BOOST_TEST(qgrain::common::glob_distance("*.q_prj", "m.0.q_proj") == 1U);
  BOOST_TEST(qgrain::common::glob_distance("a*c", "abbd") == 1U);
  BOOST_TEST(qgrain::common::glob_distance("a?[0-9]", "abx") == 1U);
  BOOST_TEST(qgrain::common::glob_distance("x*y*z", "aybz") == 1U);
}

BOOST_AUTO_TEST_CASE(shell_patterns) {
  const auto yes = [](const char* pattern, const char* text) {
    BOOST_TEST(qgrain::common::glob_match(pattern, text), pattern << text);
  };
  const auto no = [](const char* pattern, const char* text) {
    BOOST_TEST(!qgrain::common::glob_match(pattern, text), pattern << text);
  };
  yes("model.visual*", "model.visuals");
  yes("model.visual*", "model.visual.blocks.0.fc1");
  no("model.visual*", "xmodel.visual");
  yes("*lm_head*", "lm_head");
  yes("*a*b", "aabab");
  no("*a*b", "aaba");
  yes("", "");
  no("", "a");
  yes("**", "");
  yes("l[0-3]?x", "l2.x");
  no("l[0-3]?x", "l4.x");
  yes("[!a]", "b");
  no("[!a]", "a");
  yes("[]a]", "]");
  yes("[abc", "[abc");
  yes("a[-]b", "a-b");
  no("A", "a");
  yes("*[0-9].w", "x.12.w");
  no("*[0-9].w", "x.w");
}
