// Must not compile: a list of recipes with a format in it.
#include <qgrain/quantizer/tool_recipes.hpp>

qgrain::recipe_list<qgrain::mxfp4_ocp, qgrain::ct_nvfp4> good;
#ifdef QGRAIN_MISTAKE
qgrain::recipe_list<qgrain::mxfp4_ocp, qgrain::int8> bad;
#endif
