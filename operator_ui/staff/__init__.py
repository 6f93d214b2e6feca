"""The staff console: compose, approve, watch, correct; shelters; history. `app.create_app(console)`."""
