#include <qgrain/interop/eigen.hpp>
#include <qgrain/interop/json.hpp>
#include <qgrain/qgrain.hpp>

#include <Eigen/Core>
#include <boost/json.hpp>

int main() {
  Eigen::Matrix<float, 2, 32, Eigen::RowMajor> x;
  x.setConstant(0.5F);
  const auto view = qgrain::interop::as_view(x);
  qgrain::fake_quantize<qgrain::mxfp4_ocp>(qgrain::on_host{}, view, view);
  const boost::json::object recipe = qgrain::interop::describe_json<qgrain::mxfp4_ocp>();
  return recipe.at("name") == "mxfp4_ocp" && x.sum() == 32.0F ? 0 : 1;
}
