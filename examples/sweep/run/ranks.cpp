#include <common/json_text.hpp>
#include <common/launcher.hpp>
#include <engine/score/checkpoint.hpp>
#include <sweep/run/ranks.hpp>

#include <qgrain/core/status.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <map>
#include <thread>
#include <utility>

namespace qgrain::sweep {
namespace {

constexpr std::chrono::seconds turn_of_first{2};

std::string name_of_rank(const common::communicator& ranks, const std::string& host) {
  return "rank " + std::to_string(ranks.rank()) + " of " + std::to_string(ranks.size()) + " on " + host;
}

// A pass that fails on one rank cannot be ended by all together: the others are somewhere within it.
template <class Work>
auto or_abort(common::communicator& ranks, const Work& work) {
  try {
    return work();
  } catch (const engine::interrupted&) {
    throw;  // on all ranks
  } catch (const std::exception& fault) {
    // What fails on all of them alike is said once, by the first.
    if (ranks.rank() > 0) std::this_thread::sleep_for(turn_of_first);
    std::cerr << "qgrain-sweep: " << name_of_rank(ranks, common::host_name()) << ": " << fault.what() << std::endl;
    ranks.abort(1);
    throw;
  }
}

}  // namespace

void together(common::communicator* ranks, const std::function<void()>& step) {
  if (!common::is_divided(ranks)) return step();
  errc code = errc::invalid_argument;
  std::string fault;
  try {
    step();
  } catch (const error& found) {
    code = found.code();
    fault = found.what();
  } catch (const std::exception& found) {
    fault = found.what();
  }
  json::array mine{name_of_rank(*ranks, common::host_name()), fault};
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::string>> of_fault;
  for (const std::string& text : ranks->gather(json::serialize(mine))) {
    const json::value found = json::parse(text);
    of_fault[std::string(found.at(1).as_string())].emplace_back(found.at(0).as_string());
  }
  if (of_fault.size() == 1 && of_fault.begin()->first.empty()) return;
  if (of_fault.size() == 1) throw error(code, of_fault.begin()->first);
  std::string sentence;
  for (const auto& [text, of] : of_fault) {
    if (!text.empty()) sentence += (sentence.empty() ? "" : "\n  ") + of.front() + ": " + text;
  }
  throw error(code, sentence);
}

void alone(const common::communicator* ranks, const std::function<void()>& work) {
  if (!common::is_divided(ranks)) return work();
  try {
    work();
  } catch (const error& fault) {
    throw error(fault.code(), name_of_rank(*ranks, common::host_name()) + ": " + fault.what());
  }
}

std::optional<run_request> shared_request(common::communicator& ranks, std::optional<run_request> of_first,
                                          std::int64_t& time) {
  json::object mine{{"time", time}};
  if (of_first) mine["request"] = request_json(*of_first);
  const json::object first = json::parse(ranks.gather(json::serialize(mine)).front()).as_object();
  time = first.at("time").as_int64();
  if (const json::value* request = first.if_contains("request"); request != nullptr && ranks.rank() > 0)
    return request_in(request->as_object(), "what the first rank found");
  return of_first;
}

template <class Work>
auto pass_caller::on_all(const json::object& call, const Work& work) {
  if (!common::is_divided(ranks_)) return work();
  static_cast<void>(ranks_->gather(json::serialize(call)));
  others_wait_ = false;
  auto found = or_abort(*ranks_, work);
  others_wait_ = true;
  return found;
}

scored_pass pass_caller::score(std::size_t number, const opened_pass& pass, std::vector<engine::job> jobs,
                               scoring_options options) {
  bench_.clear();
  options.ranks = ranks_;
  return on_all({{"pass", number}}, [&] { return sweep::score(pass, std::move(jobs), options); });
}

engine::mix_report pass_caller::measure(std::size_t number, const opened_pass& pass, const engine::recipe_mix& mix) {
  return on_all({{"pass", number}, {"mix", engine::mix_json(mix, pass.model)}},
                [&] { return bench_.of(number, pass, ranks_).measure(mix); });
}

void pass_caller::dismiss() {
  if (!common::is_divided(ranks_) || !others_wait_) return;
  static_cast<void>(ranks_->gather(""));
  others_wait_ = false;
  ranks_->leave();
}

void serve_passes(common::communicator& ranks, std::span<const pass_of_jobs> passes) {
  pass_bench bench;
  for (;;) {
    const std::string text = ranks.gather("").front();
    if (text.empty()) return ranks.leave();
    or_abort(ranks, [&] {
      const json::object call = json::parse(text).as_object();
      const auto number = call.at("pass").to_number<std::size_t>();
      const opened_pass& pass = *passes[number].opened;
      if (const json::value* mix = call.if_contains("mix"); mix != nullptr) {
        const engine::recipe_mix parsed = engine::parse_mix(*mix, "the mix of the first rank", pass.model);
        static_cast<void>(bench.of(number, pass, &ranks).measure(parsed));
        return;
      }
      bench.clear();
      scoring_options options;
      options.progress = [](double) {};
      options.ranks = &ranks;
      static_cast<void>(score(pass, {}, options));
    });
  }
}

}  // namespace qgrain::sweep
