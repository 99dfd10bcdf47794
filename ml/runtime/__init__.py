"""Networks on a CPU without torch: OpenVINO compiles and runs them (ADR 0014)."""
