"""The converter to Core ML: published weights in, `.mlpackage` folders out.

Needing nothing but Python itself: `recipe`, `source`, `memory`, `findings`, `scratch`, `wire`, `spec`,
`neural_engine`, `check`, `manifest`. Needing torch: `weights`, `pooling`, `bert`, `qwen3`, `graph`, `golden`, `execute`;
needing numpy: `palette`. Only `package` knows coremltools. The commands are `convert`, `verify` and `check`.
"""
