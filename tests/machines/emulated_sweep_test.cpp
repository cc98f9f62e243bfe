// A small sweep in the emulator, on a processor without AVX-512 and on one without AVX, against the same one on this
// processor.
#include <common/json.hpp>
#include <support/score_agreement.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <end_to_end/sweep_fixture.hpp>
#include <string>
#include <vector>

namespace {

using qgrain::testing::gradient_score_kind;
using qgrain::testing::program_result;
using qgrain::testing::score_agreement;
using fixture = qgrain::testing::sweep_fixture;

const std::vector<std::pair<std::string, std::string>> pairs{{"wint4_afp16", "fp16"}, {"wint8_aint8", "int8"}};

// The demonstration cut to two jobs on two captions.
std::vector<std::string> arguments(const std::string& out) {
  std::string list;
  for (const auto& [pair, activation] : pairs) list.append(list.empty() ? "" : ",").append(pair);
  return {"preset=demo",
          "sweep.quant_pair='" + list + "'",
          "sweep.quant_granularity=default",
          "dataset.size=small",
          "dataset.max_calib_samples=2",
          "runner.threads=2",
          "runner.output_dir=" + out};
}

std::vector<double> scores_in(const std::string& out, const std::string& pair) {
  const boost::json::value manifest =
      qgrain::common::read_json_file(out + "/" + pair + "/default/small/" + pair + "_autoquant_lm_quant_manifest.json");
  std::vector<double> scores;
  for (const auto& entry : manifest.at("linear_scores").as_object())
    scores.push_back(entry.value().to_number<double>());
  return scores;
}

void compare(fixture& f, const std::string& cpu) {
  if (std::system("command -v qemu-x86_64 >/dev/null") != 0) {
    BOOST_TEST_MESSAGE("skipped: qemu-x86_64 was not found (Debian package qemu-user)");
    return;
  }
  BOOST_TEST_REQUIRE(f.run(arguments(f.path("here"))).exit_code == 0);
  std::vector<std::string> emulated{"-u",          "OPENBLAS_CORETYPE",
                                    "-u",          "QGRAIN_INSTRUCTION_SET",
                                    "qemu-x86_64", "-cpu",
                                    cpu,           std::string(QGRAIN_BINARY_DIR) + "/bin/qgrain-sweep"};
  for (const std::string& argument : arguments(f.path("there"))) emulated.push_back(argument);
  const program_result result = qgrain::testing::run_program("/usr/bin/env", emulated, f.folder.path());
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  score_agreement agreement;
  for (const auto& [pair, activation] : pairs) {
    agreement.add(pair, gradient_score_kind(activation), scores_in(f.path("there"), pair),
                  scores_in(f.path("here"), pair));
  }
  BOOST_TEST(agreement.compared() == 86U);
  agreement.check("a sweep emulated as " + cpu);
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(without_avx512, fixture) { compare(*this, "Haswell"); }
BOOST_FIXTURE_TEST_CASE(without_avx, fixture) { compare(*this, "Nehalem"); }
