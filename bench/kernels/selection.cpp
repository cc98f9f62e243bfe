#include <kernels/selection.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <regex>
#include <set>

namespace qgrain::bench {
namespace {

constexpr const char* own_name = "qgrain";

using predicate = std::function<bool(const kernel_row&)>;

[[nodiscard]] std::string joined(const std::vector<kernel_row>& rows, std::string kernel::*part) {
  std::set<std::string> names;
  for (const kernel_row& row : rows) names.insert(row.what->*part);
  return join_names(names);
}

[[nodiscard]] std::string what_there_is(const std::vector<kernel_row>& all) {
  return "; rows are called BY/WORK/RECIPE/ELEMENT/FOOTPRINT/THREADS\n  by: " + joined(all, &kernel::by) +
         "\n  work: " + joined(all, &kernel::work) + "\n  recipe: " + joined(all, &kernel::recipe) +
         "\n  element: " + joined(all, &kernel::element) +
         "\n  footprint: L2, L3, DRAM\n  threads: 1_thread, all_threads\n  --benchmark_list_tests lists the rows";
}

[[nodiscard]] predicate by_filter(const std::string& filter) {
  if (filter.empty()) return [](const kernel_row& row) { return row.in_default(); };
  if (filter == "all") return [](const kernel_row&) { return true; };
  const bool is_negative = filter.front() == '-';
  try {
    const std::regex expression(filter.substr(is_negative ? 1 : 0), std::regex::extended);
    return [=](const kernel_row& row) { return std::regex_search(row.name(), expression) != is_negative; };
  } catch (const std::regex_error&) {
    throw error(errc::invalid_argument, "--benchmark_filter: \"" + filter + "\" is no regular expression");
  }
}

[[nodiscard]] predicate by_peer(const std::vector<kernel_row>& all, const std::string& peer) {
  if (peer.empty()) return [](const kernel_row&) { return true; };
  std::set<std::string> peers;
  std::vector<const kernel*> theirs;
  for (const kernel_row& row : all) {
    if (row.what->by != own_name) peers.insert(row.what->by);
    if (row.what->by == peer) theirs.push_back(row.what);
  }
  if (!peers.contains(peer)) {
    throw error(errc::unknown_name, "unknown peer \"" + peer + "\"; there are " + join_names(peers) +
                                        ", and scripts/bench_peers times onnxruntime and ggml");
  }
  return [theirs, peer](const kernel_row& row) {
    const kernel& k = *row.what;
    return k.by == peer || (k.by == own_name && std::any_of(theirs.begin(), theirs.end(), [&](const kernel* other) {
                              return other->work == k.work && other->recipe == k.recipe && other->element == k.element;
                            }));
  };
}

}  // namespace

std::vector<kernel_row> selected_rows(const std::vector<kernel_row>& all, const std::string& filter,
                                      const std::string& peer) {
  const predicate named = by_filter(filter);
  const predicate related = by_peer(all, peer);
  std::vector<kernel_row> rows;
  std::copy_if(all.begin(), all.end(), std::back_inserter(rows),
               [&](const kernel_row& row) { return named(row) && related(row); });
  if (rows.empty()) {
    throw error(errc::unknown_name, "no benchmark is called \"" + filter + "\"" + what_there_is(all));
  }
  return rows;
}

}  // namespace qgrain::bench
