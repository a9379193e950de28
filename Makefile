# Everything here is a thin line over scripts/ and cargo: on Windows, type the same lines by hand.
# One feature set everywhere: another one would compile the whole of Tauri again.
PYTHON ?= python3
FEATURES = --features custom-protocol

.PHONY: run test check bench bench-embed bench-peers bundle test-long audit check-mac fake-papr clean

# The app, or the same search in the terminal where there is no display.
run:
	@$(PYTHON) scripts/setup.py run
	@$(PYTHON) scripts/start.py

# Every test; the last line is `N passed, N failed`.
test:
	@$(PYTHON) scripts/setup.py test
	@$(PYTHON) scripts/run_tests.py

# Formatting, lints, types, and the rules of ARCHITECTURE.md that a machine can check.
check:
	@$(PYTHON) scripts/setup.py check
	cargo fmt --all --check
	cargo clippy --workspace --all-targets $(FEATURES) -- -D warnings
	npm run check
	cargo test --workspace $(FEATURES) --test bindings --test graph

bench:
	@$(PYTHON) scripts/setup.py run
	cargo bench --workspace $(FEATURES) --benches

# Our index beside other libraries, on the same vectors in one run: table and plot in docs/. See benchmarks/README.md.
bench-peers:
	@$(PYTHON) scripts/setup.py run
	cargo bench -p papr-engine --bench search -- meaning
	cargo bench -p papr-engine --bench vectors
	$(PYTHON) benchmarks/peers.py
	$(PYTHON) benchmarks/plot.py

# Our embedder beside Python's, on the same texts in one run; the peers come into a virtual environment.
bench-embed:
	@$(PYTHON) scripts/setup.py run
	$(PYTHON) src-tauri/crates/embed/benches/peers/peers.py

# An installer for this system: deb, app and dmg, or nsis, with the model, ONNX Runtime and `papr` inside.
bundle:
	@$(PYTHON) scripts/setup.py run
	$(PYTHON) scripts/bundle.py

# The long forms: hundreds of kill rounds, large indexes.
test-long:
	@$(PYTHON) scripts/setup.py test
	PAPR_LONG=1 cargo test --release --workspace $(FEATURES)

# Licences, doubled crates, sources. Needs cargo-deny; security advisories are not asked: they need the network.
audit:
	cargo deny check licenses bans sources

# Types of the code for macOS, checked on another system.
check-mac:
	@$(PYTHON) scripts/check_mac.py

# A Papr server of one's own to try against, on 127.0.0.1: see tests/fake-papr/README.md.
fake-papr:
	@$(PYTHON) scripts/setup.py check
	cargo run -p papr-fake -- --key my-key --memories 200 --port 8799 --control --log

# What was compiled. Downloads stay; to begin from nothing, delete vendor, node_modules and .venv too.
clean:
	cargo clean
	rm -rf ui/dist
