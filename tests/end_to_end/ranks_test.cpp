// The same sweep on several ranks: the bytes of one process, and what is refused or warned of before the work.
#include <common/communicator.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <end_to_end/ranks_support.hpp>
#include <sstream>

namespace {

using namespace qgrain::testing;
using qgrain::lm::testing::temporary_folder;

using arguments = std::vector<std::string>;

arguments with(arguments all, const arguments& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// Texts for several bundles of rows, all of which are scored.
arguments long_data(const std::string& samples) {
  return {"dataset.size=large", "dataset.max_calib_samples=" + samples, "autoquant.score_size=512",
          "runner.output_dir=out"};
}

fs::path made(const fs::path& folder) {
  fs::create_directories(folder);
  return folder;
}

// Runs in one process and on so many ranks, each in a folder of its own.
void compare(const arguments& sweep, const std::vector<int>& ranks, const fs::path& scratch) {
  const fs::path alone = made(scratch / "alone");
  const program_result one = run_alone(sweep, alone);
  BOOST_TEST_REQUIRE(one.exit_code == 0, one.err);
  const auto wanted = result_files(alone / "out");
  for (const int n : ranks) {
    const fs::path folder = made(scratch / std::to_string(n));
    const program_result many = run_ranks(n, sweep, folder);
    BOOST_TEST_REQUIRE(many.exit_code == 0, many.err);
    const auto found = result_files(folder / "out");
    BOOST_TEST((found == wanted), n << " ranks: " << differing_paths(found, wanted));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(any_number_of_ranks_and_threads_gives_the_bytes_of_one_process) {
  for (const char* threads : {"1", "2"}) {
    const temporary_folder scratch;
    const std::string of_threads = std::string("runner.threads=") + threads;
    compare(with(long_data("100"), {"quant_pair=wint4_aint8", of_threads}), {1, 2, 3, 4}, scratch.path());
  }
}

BOOST_AUTO_TEST_CASE(every_calibration_is_that_of_one_process) {
  for (const char* padding : {"left", "none"}) {
    const temporary_folder scratch;
    compare(with(long_data("60"), {"-m", "calibration=max,percentile,mse,entropy,smoothquant,awq_lite",
                                   "quant_pair=wint4_aint8", std::string("dataset.padding=") + padding}),
            {2}, scratch.path());
  }
}

BOOST_AUTO_TEST_CASE(every_method_is_that_of_one_process) {
  const arguments search{"autoquant.formats=[wint4_afp16,wint8_aint8/a_per_token_dynamic]",
                         "autoquant.effective_bits=6"};
  {
    const temporary_folder scratch;
    compare(with(search, {"autoquant.methods=[gradient,loss,kl_div]", "autoquant.verify=true",
                          "autoquant.study_bits=[5,8]", "dataset.size=small", "runner.output_dir=out"}),
            {3}, scratch.path());
  }
  const temporary_folder scratch;
  compare(with(long_data("60"), with(search, {"autoquant.methods=[fisher,mse,sqnr_db,weight_mse]"})), {2},
          scratch.path());
}

BOOST_AUTO_TEST_CASE(a_sampled_cross_term_is_that_of_one_process) {
  const temporary_folder scratch;
  compare(with(long_data("100"), {"quant_pair=wint4_aint8", "autoquant.cross_term=sampled"}), {2}, scratch.path());
}

BOOST_AUTO_TEST_CASE(ranks_without_rows_and_too_many_threads_are_named) {
  const temporary_folder scratch;
  const auto cores = static_cast<long>(::sysconf(_SC_NPROCESSORS_ONLN));
  const program_result few = run_ranks(3,
                                       {"quant_pair=wint8_aint8", "dataset.size=small", "dataset.max_calib_samples=4",
                                        "runner.threads=" + std::to_string(cores), "runner.output_dir=out"},
                                       scratch.path());
  BOOST_TEST(few.exit_code == 0, few.err);
  BOOST_TEST((few.err.find("ranks 1, 2 of 3 will be idle in the backward pass") != std::string::npos), few.err);
  BOOST_TEST((few.err.find("have " + std::to_string(3 * cores) + " threads together") != std::string::npos), few.err);
}

// Two bundles of rows and five jobs: six ranks have a part, with one or two jobs each.
BOOST_AUTO_TEST_CASE(ranks_beyond_the_bundles_take_jobs_to_the_same_bytes) {
  const temporary_folder scratch;
  const arguments sweep{"-m",
                        "quant_pair=wint8_aint8,wint4_aint4,wfp8_afp8,wint4_aint8,wint8_afp8",
                        "autoquant.methods=[gradient,fisher,mse,sqnr_db]",
                        "dataset.size=small",
                        "runner.threads=1",
                        "runner.output_dir=out"};
  compare(sweep, {5}, scratch.path());
  const fs::path seven = made(scratch.path() / "seven");
  const program_result many = run_ranks(7, sweep, seven);
  BOOST_TEST_REQUIRE(many.exit_code == 0, many.err);
  BOOST_TEST((result_files(seven / "out") == result_files(scratch.path() / "alone/out")));
  BOOST_TEST((many.err.find("rank 6 of 7 will be idle in the backward pass, which is 2 shares of the rows (2 bundles) "
                            "x 3 shares of the jobs") != std::string::npos),
             many.err);
  const program_result plan =
      run_alone(with({"--dry-run", "-n", "7"}, with(sweep, {"runner.output_dir=planned"})), scratch.path());
  BOOST_TEST_REQUIRE(plan.exit_code == 0, plan.err);
  BOOST_TEST((plan.err.find("; 2 bundles) x 3 job shares (1, 2, 2), 1 rank without work") != std::string::npos),
             plan.err);
}

// The rows of all ranks are the texts', in even shares, and a plan says what fewer ranks would take.
BOOST_AUTO_TEST_CASE(a_plan_for_ranks_names_their_shares_and_cores) {
  const temporary_folder scratch;
  const auto cores = static_cast<long>(::sysconf(_SC_NPROCESSORS_ONLN));
  const program_result plan = run_alone({"--dry-run", "-n", "4", "quant_pair=wint8_aint8", "dataset.size=medium",
                                         "runner.threads=" + std::to_string(cores), "runner.output_dir=out"},
                                        scratch.path());
  BOOST_TEST_REQUIRE(plan.exit_code == 0, plan.err);
  const std::string key = "4 row shares (";
  const std::size_t at = plan.err.find(key);
  BOOST_TEST_REQUIRE(at != std::string::npos, plan.err);
  std::istringstream numbers(plan.err.substr(at + key.size(), plan.err.find(';', at) - at - key.size()));
  std::vector<long> rows;
  for (std::string number; std::getline(numbers, number, ',');) rows.push_back(std::stol(number));
  BOOST_TEST_REQUIRE(rows.size() == 4U);
  const auto [least, most] = std::minmax_element(rows.begin(), rows.end());
  BOOST_TEST(*most - *least <= *most / 10, plan.err);
  for (const char* said : {"at the end of a block", "rows of the busiest", "memory of each", "hint: 4 ranks x "})
    BOOST_TEST((plan.err.find(said) != std::string::npos), said << ": " << plan.err);
}

BOOST_AUTO_TEST_CASE(ranks_that_were_given_other_runs_are_refused_before_the_work) {
  const temporary_folder scratch;
  const fs::path here = made(scratch.path() / "here"), there = made(scratch.path() / "there");
  std::ofstream(here / "texts.txt") << "A small dog runs across the green field.\n";
  std::ofstream(there / "texts.txt") << "A small cat runs across the green field.\n";
  const std::string out = (scratch.path() / "out").string();
  const arguments sweep{"quant_pair=wint8_aint8", "dataset.captions_path=texts.txt", "dataset.max_calib_samples=1",
                        "runner.output_dir=" + out};
  const auto refused = [&](const arguments& of_second, const std::string& word) {
    const program_result result = run_groups({{1, sweep, here}, {1, of_second, there}}, scratch.path());
    BOOST_TEST(result.exit_code == 1);
    BOOST_TEST((result.err.find("rank 1 of 2 on ") != std::string::npos), result.err);
    BOOST_TEST((result.err.find(word) != std::string::npos), result.err);
    BOOST_TEST(!fs::exists(out));
  };
  refused(sweep, "the texts (token ids) (");
  fs::copy_file(here / "texts.txt", there / "texts.txt", fs::copy_options::overwrite_existing);
  refused(with(sweep, {"autoquant.score_size=64"}), "autoquant.score_size is 64 there and 128 on the first rank");
  fs::remove(there / "texts.txt");
  refused(sweep, "texts.txt");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_is_missing_or_another_on_one_rank_is_refused_before_the_work) {
  const temporary_folder scratch;
  const fs::path here = made(scratch.path() / "here"), there = made(scratch.path() / "there");
  fs::copy(fs::path(QGRAIN_SOURCE_DIR) / "examples/models/tiny-qwen3", here / "model");
  const arguments sweep{"quant_pair=wint8_aint8", "dataset.max_calib_samples=1", "model.path=model",
                        "runner.output_dir=" + (scratch.path() / "out").string()};
  const auto refused = [&](const std::string& sentence) {
    const program_result result = run_groups({{1, sweep, here}, {1, sweep, there}}, scratch.path());
    BOOST_TEST(result.exit_code == 1);
    BOOST_TEST((result.err.find("rank 1 of 2 on ") != std::string::npos), result.err);
    BOOST_TEST((result.err.find(sentence) != std::string::npos), result.err);
    BOOST_TEST(!fs::exists(scratch.path() / "out"));
  };
  refused("model");
  fs::copy(here / "model", there / "model");
  for (const auto& entry : fs::directory_iterator(there / "model")) {
    if (entry.path().extension() != ".safetensors") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(-1, std::ios::end);  // the end of its last tensor
    const auto last = static_cast<char>(file.get() ^ 1);
    file.seekp(-1, std::ios::end);
    file.put(last);
  }
  refused("was given another run than the first rank: the weights (");
}

// The others do not see the first one's folder; its disk fills up, and there is room again.
BOOST_AUTO_TEST_CASE(results_are_the_first_ranks_and_so_is_a_full_disk) {
  const temporary_folder scratch;
  const fs::path alone = made(scratch.path() / "alone"), here = made(scratch.path() / "here"),
                 there = made(scratch.path() / "there");
  const arguments sweep{"quant_pair=wint8_aint8", "dataset.size=small", "runner.output_dir=out"};
  BOOST_TEST_REQUIRE(run_alone(sweep, alone).exit_code == 0);
  const auto wanted = result_files(alone / "out");
  const fs::path calls = scratch.path() / "calls.txt";
  const auto run = [&](const std::string& at) {
    fs::remove_all(here / "out");
    return run_groups({{1,
                        sweep,
                        here,
                        {"LD_PRELOAD=" QGRAIN_FAULT_SHIM, "QGRAIN_FAULT_FOLDER=" + (here / "out").string(),
                         "QGRAIN_FAULT_REPORT=" + calls.string(), "QGRAIN_FAULT_AT=" + at,
                         "QGRAIN_FAULT_ERRNO=" + std::to_string(ENOSPC), "QGRAIN_FAULT_LASTS=1"}},
                       {1, sweep, there}},
                      scratch.path());
  };
  const program_result undisturbed = run("0");
  BOOST_TEST_REQUIRE(undisturbed.exit_code == 0, undisturbed.err);
  BOOST_TEST((result_files(here / "out") == wanted));
  BOOST_TEST(!fs::exists(there / "out"));
  std::ifstream report(calls);
  std::string word;
  long count = 0;
  BOOST_TEST_REQUIRE(static_cast<bool>(report >> word >> count));
  const program_result full = run(std::to_string(count / 2));
  BOOST_TEST(full.exit_code == 1);
  BOOST_TEST((full.err.find("rank 0 of 2 on ") != std::string::npos), full.err);
  BOOST_TEST((full.err.find("No space left on device") != std::string::npos), full.err);
  const program_result resumed = run_ranks(3, {"runner.resume=out"}, here);
  BOOST_TEST_REQUIRE(resumed.exit_code == 0, resumed.err);
  const auto found = result_files(here / "out");
  BOOST_TEST((found == wanted), differing_paths(found, wanted));
}

BOOST_AUTO_TEST_CASE(experts_are_scored_as_by_one_process) {
  const temporary_folder scratch;
  const fs::path source(QGRAIN_SOURCE_DIR), model = scratch.path() / "moe";
  fs::copy(source / "tests/data/scores/qwen3-moe-captions", model);
  for (const char* file : {"tokenizer.json", "tokenizer_config.json"})
    fs::copy_file(source / "examples/models/tiny-qwen3" / file, model / file);
  compare({"quant_pair=wint8_aint8", "dataset.max_calib_samples=40", "autoquant.score_size=40", "runner.output_dir=out",
           "autoquant.effective_bits=9", "model.path=" + model.string()},
          {2}, scratch.path());
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_with_another_number_of_ranks_after_one_was_killed) {
  const temporary_folder scratch;
  kill_ranks(scratch.path(), 1);
}

// The source that stands for MPI where there is none is part of this program.
BOOST_AUTO_TEST_CASE(a_build_without_mpi_refuses_to_run_several_times) {
  int argc = 0;
  char** argv = nullptr;
  const scoped_variable none("OMPI_COMM_WORLD_SIZE", "1");
  BOOST_TEST((qgrain::common::start_communicator(argc, argv) == nullptr));
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    ::unsetenv("OMPI_COMM_WORLD_SIZE");
    const scoped_variable launched(variable, "4");
    BOOST_CHECK_EXCEPTION(static_cast<void>(qgrain::common::start_communicator(argc, argv)), qgrain::error,
                          [&](const qgrain::error& fault) {
                            const std::string said = fault.what();
                            return fault.code() == qgrain::errc::unsupported &&
                                   said.find(std::string("one of 4 ranks (") + variable) != std::string::npos &&
                                   said.find("built without MPI") != std::string::npos;
                          });
  }
}
