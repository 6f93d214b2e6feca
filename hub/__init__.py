"""The domain and the engine. Imports nothing of `channels`, `shelters`, `operator_ui` or `yobikake`."""
