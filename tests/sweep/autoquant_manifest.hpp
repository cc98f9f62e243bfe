// A hand-written manifest of a job with two formats: two blocks of four Linears and a head, all parts there.
#ifndef QGRAIN_TESTS_SWEEP_AUTOQUANT_MANIFEST_HPP
#define QGRAIN_TESTS_SWEEP_AUTOQUANT_MANIFEST_HPP

#include <common/json.hpp>

#include <boost/json.hpp>

namespace qgrain::test {

/// INT4 weights (I), FP8 with a static range (F), or nothing (N): block 0 has I for q/k, F for v, N for down; block 1 F
/// for q/k, I for v and down; lm_head is left as it is and has no candidates.
inline boost::json::object autoquant_manifest() {
  constexpr const char* text = R"json({
  "scheme": {"name": "mixed_autoquant_lm", "auto_quantize_bits": 7.0},
  "model": {"id": "models/tiny"},
  "autoquant_state": {
    "keys": ["method", "candidate_stats", "best"],
    "constraints": {"effective_bits": 6.9375}, "score": 0.0125, "is_satisfied": true,
    "recipe": {
      "l.0.attn.q.quant_recipe": "INT4(effective-bits: 4.0)",
  "l.0.attn.v.quant_recipe" : "FP8(effective-bits: 8.0)",
  "l.0.mlp.down.quant_recipe" : "NONE(effective-bits: 16.0)",
  "l.1.attn.q.quant_recipe" : "FP8(effective-bits: 8.0)",
  "l.1.attn.v.quant_recipe" : "INT4(effective-bits: 4.0)",
  "l.1.mlp.down.quant_recipe" : "INT4(effective-bits: 4.0)",
  "lm_head.quant_recipe" : "NONE(effective-bits: 16.0)"
},
    "method" : "gradient",
               "search" : {
                 "cost" : "stored",
                 "unit" : "effective_bits",
                 "budget" : 7.0,
                 "reached" : 6.9375,
                 "least" : 4.4375,
                 "lower_bound" : 0.0125,
                 "gap" : 0.0,
                 "solver" : "exact"
               },
                          "candidate_stats"
    : {
      "l.0.attn.q.quant_recipe" : {
        "formats" : [ "INT4(effective-bits: 4.0)", "FP8(effective-bits: 8.0)", "NONE(effective-bits: 16.0)" ],
        "scores" : [ 0.004, 0.001, 0 ],
        "costs" : [ 528, 1024, 2048 ],
        "module_names" : [ "l.0.attn.q", "l.0.attn.k" ]
      },
      "l.0.attn.v.quant_recipe" : {
        "formats" : [ "INT4(effective-bits: 4.0)", "FP8(effective-bits: 8.0)", "NONE(effective-bits: 16.0)" ],
        "scores" : [ 0.03, 0.002, 0 ],
        "costs" : [ 264, 512, 1024 ],
        "module_names" : ["l.0.attn.v"]
      },
      "l.0.mlp.down.quant_recipe" : {
        "formats" : [ "INT4(effective-bits: 4.0)", "FP8(effective-bits: 8.0)", "NONE(effective-bits: 16.0)" ],
        "scores" : [ 0.5, 0.125, 0 ],
        "costs" : [ 264, 512, 1024 ],
        "module_names" : ["l.0.mlp.down"]
      },
      "l.1.attn.q.quant_recipe" : {
        "formats" : [ "INT4(effective-bits: 4.0)", "FP8(effective-bits: 8.0)", "NONE(effective-bits: 16.0)" ],
        "scores" : [ 0.02, 0.0015, 0 ],
        "costs" : [ 528, 1024, 2048 ],
        "module_names" : [ "l.1.attn.q", "l.1.attn.k" ]
      },
      "l.1.attn.v.quant_recipe" : {
        "formats" : [ "INT4(effective-bits: 4.0)", "FP8(effective-bits: 8.0)", "NONE(effective-bits: 16.0)" ],
        "scores" : [ 0.002, 0.001, 0 ],
        "costs" : [ 264, 512, 1024 ],
        "module_names" : ["l.1.attn.v"]
      },
      "l.1.mlp.down.quant_recipe" : {
        "formats" : [ "INT4(effective-bits: 4.0)", "FP8(effective-bits: 8.0)", "NONE(effective-bits: 16.0)" ],
        "scores" : [ 0.003, 0.001, 0 ],
        "costs" : [ 264, 512, 1024 ],
        "module_names" : ["l.1.mlp.down"]
      },
      "lm_head.quant_recipe" :
          {"formats" : ["NONE(effective-bits: 16.0)"], "scores" : [0], "costs" : [4096], "module_names" : ["lm_head"]}
    },
      "pareto" : [
        {"effective_bits" : 4.4375, "score" : 0.559}, {"effective_bits" : 5.5, "score" : 0.05},
        {"effective_bits" : 6.9375, "score" : 0.0125}, {"effective_bits" : 16.0, "score" : 0.0}
      ]
}
,
  "layer_sensitivity": {},
  "input_amax": {"l.0.attn.q": 2.5, "l.0.attn.k": 2.5, "l.0.attn.v": 2.5, "l.0.mlp.down": 9.0, "l.1.attn.q": 3.5,
                 "l.1.attn.k": 3.5, "l.1.attn.v": 3.5, "l.1.mlp.down": 8.0, "lm_head": 5.0},
  "formats": [
    {"name": "INT4", "label": "INT4(effective-bits: 4.0)", "pair": "wint4_afp16", "granularity": "default", "weight": "int4/group128",
     "activation": "fp16", "calibration": "max",
     "quant_cfg": {"*weight_quantizer": {"num_bits": 4, "block_sizes": {"-1": 128, "type": "static"}, "enable": true},
                   "*input_quantizer": {"enable": false}, "*lm_head*": {"enable": false}, "default": {"enable": false}},
     "algorithm": "max"},
    {"name": "FP8", "label": "FP8(effective-bits: 8.0)", "pair": "wfp8_afp8", "granularity": "w_per_out_channel",
     "weight": "fp8/per_out_channel", "activation": "fp8/per_tensor_static", "calibration": "max",
     "quant_cfg": {"*weight_quantizer": {"num_bits": [4, 3], "axis": 0},
                   "*input_quantizer": {"num_bits": [4, 3], "axis": null, "type": "static"}, "default": {"enable": false}},
     "algorithm": {"method": "max"}}
  ],
  "method_agreement": [{"method": "gradient", "spearman": 0.96875}, {"method": "weight_mse", "spearman": -0.25}],
  "verification": {
    "base_loss": 2.5, "base_perplexity": 12.1825, "loss": 2.515625, "perplexity": 12.3743, "mean_divergence": 0.0138,
    "top1_agreement": 0.96875, "positions": 256, "targets": 240,
    "uniform": [{"format": "INT4(effective-bits: 4.0)", "effective_bits": 4.125, "mean_divergence": 0.25, "loss": 2.75},
                {"format": "FP8(effective-bits: 8.0)", "effective_bits": 8.0, "mean_divergence": 0.03125, "loss": 2.53}],
    "predicted": {"score": 0.0125, "mean_divergence": null, "loss_increase": 0.0125}},
  "study": [{"method": "gradient", "effective_bits_asked": 5.0, "effective_bits": 4.99, "score": 0.1, "mean_divergence": 0.09, "loss": 2.61},
            {"method": "gradient", "effective_bits_asked": 7.0, "effective_bits": 6.9375, "score": 0.0125, "mean_divergence": 0.0138,
             "loss": 2.515625},
            {"method": "weight_mse", "effective_bits_asked": 5.0, "effective_bits": 4.98, "score": 3.5, "mean_divergence": 0.125, "loss": 2.64}],
  "program": {
  "name" : "qgrain-sweep", "version" : "qgrain test"
}
})json";
  return qgrain::common::parse_json(text, "the hand-written manifest").as_object();
}

}  // namespace qgrain::test

#endif
