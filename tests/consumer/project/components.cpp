#include <qgrain/qgrain.hpp>

#include <boost/json.hpp>

#include <Eigen/Core>

#include <string_view>

int main() {
  const boost::json::object recipe{{"name", std::string_view(qgrain::int4::name())}};
  const Eigen::Vector2f x(1.0F, 2.0F);
  return recipe.at("name") == "int4" && x.sum() == 3.0F ? 0 : 1;
}
