#include <common/json.hpp>
#include <common/launcher.hpp>
#include <sweep/results/identity.hpp>
#include <sweep/run/ranks.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

namespace qgrain::sweep {
namespace {

// "AMD EPYC 9654 96-Core Processor", as the system calls it.
std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

// Cores that this process may run on.
std::int64_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : ::sysconf(_SC_NPROCESSORS_ONLN);
}

// The run of one rank as the others are to know it.
json::object rank_facts(const sweep_plan& plan, std::span<const pass_of_jobs> passes) {
  json::array configs, identities;
  std::int64_t threads = 1;
  for (const planned_job& job : plan.jobs) configs.push_back(job.config);
  if (plan.recipe_list) configs.push_back(plan.recipe_list->config);
  for (const pass_of_jobs& pass : passes) {
    identities.push_back(pass.identity);
    threads = std::max<std::int64_t>(threads, pass.opened->settings.threads);
  }
  return {{"host", common::host_name()},
          {"processor", processor_name()},
          {"threads", threads},
          {"usable_cores", usable_cores()},
          {"cores", ::sysconf(_SC_NPROCESSORS_ONLN)},
          {"configs", std::move(configs)},
          {"identities", std::move(identities)}};
}

// The first key at which two configurations differ, with both values, or nothing.
std::string difference(const std::string& key, const json::value& one, const json::value& other) {
  if (one == other) return {};
  if (!one.is_object() || !other.is_object())
    return key + " is " + json::serialize(other) + " there and " + json::serialize(one) + " on the first rank";
  std::set<std::string> keys;
  for (const json::object* object : {&one.get_object(), &other.get_object()}) {
    for (const auto& entry : *object) keys.emplace(entry.key());
  }
  const json::value none = "missing";
  for (const std::string& name : keys) {
    const json::value* a = one.get_object().if_contains(name);
    const json::value* b = other.get_object().if_contains(name);
    const std::string found =
        difference(key.empty() ? name : key + "." + name, a != nullptr ? *a : none, b != nullptr ? *b : none);
    if (!found.empty()) return found;
  }
  return {};
}

std::string difference_of(const json::object& first, const json::object& other) {
  const json::array& ours = first.at("configs").as_array();
  const json::array& theirs = other.at("configs").as_array();
  if (ours.size() != theirs.size())
    return "it plans " + std::to_string(theirs.size()) + " jobs, the first rank " + std::to_string(ours.size());
  for (std::size_t j = 0; j < ours.size(); ++j) {
    if (const std::string found = difference("", ours[j], theirs[j]); !found.empty()) return found;
  }
  const json::array& here = first.at("identities").as_array();
  const json::array& there = other.at("identities").as_array();
  for (std::size_t p = 0; p < std::min(here.size(), there.size()); ++p) {
    const auto parts = differing_parts(there[p].as_object(), here[p].as_object());
    if (!parts.empty()) return join_names(parts);
  }
  return {};
}

void warn_of_machines(std::span<const json::object> facts, const std::function<void(const std::string&)>& warn) {
  std::map<std::string, std::string> host_of_processor;
  struct load {
    std::int64_t threads = 0;
    std::int64_t cores = 0;
  };
  std::map<std::string, load> loads;
  for (const json::object& rank : facts) {
    const std::string host(rank.at("host").as_string());
    host_of_processor.emplace(rank.at("processor").as_string(), host);
    load& of_host = loads[host];
    of_host.threads += rank.at("threads").as_int64();
    of_host.cores = rank.at("cores").as_int64();
  }
  if (host_of_processor.size() > 1) {
    std::vector<std::string> names;
    for (const auto& [processor, host] : host_of_processor) names.push_back(processor + " (" + host + ")");
    warn("the ranks run on different processors: " + join_names(names) +
         "; sums of products may differ in their last bits between them, and the results from those of one type");
  }
  for (const auto& [host, of] : loads) {
    if (of.threads <= of.cores) continue;
    warn("the ranks on " + host + " have " + std::to_string(of.threads) + " threads together, but " +
         std::to_string(of.cores) + " cores: set runner.threads to " +
         std::to_string(std::max<std::int64_t>(1, of.cores * facts.front().at("threads").as_int64() / of.threads)));
  }
  for (std::size_t r = 0; r < facts.size(); ++r) {
    const std::int64_t threads = facts[r].at("threads").as_int64(), usable = facts[r].at("usable_cores").as_int64();
    if (threads <= usable || usable == facts[r].at("cores").as_int64()) continue;
    return warn("rank " + std::to_string(r) + " has " + std::to_string(threads) + " threads, but is bound to " +
                std::to_string(usable) + (usable == 1 ? " core" : " cores") +
                ": start mpirun with --bind-to none, or with as many cores for each rank");
  }
}

}  // namespace

void require_agreement(common::communicator& ranks, const sweep_plan& plan, std::span<const pass_of_jobs> passes,
                       const std::function<void(const std::string&)>& warn) {
  std::vector<json::object> facts;
  for (const std::string& text : ranks.gather(json::serialize(rank_facts(plan, passes))))
    facts.push_back(json::parse(text).as_object());
  for (std::size_t r = 1; r < facts.size(); ++r) {
    const std::string found = difference_of(facts.front(), facts[r]);
    if (found.empty()) continue;
    throw error(errc::invalid_argument, "rank " + std::to_string(r) + " of " + std::to_string(facts.size()) + " on " +
                                            std::string(facts[r].at("host").as_string()) +
                                            " was given another run than the first rank: " + found);
  }
  if (ranks.rank() > 0) return;
  warn_of_machines(facts, warn);
}

}  // namespace qgrain::sweep
