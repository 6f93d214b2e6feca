"""Japanese text as sound, made on this machine without a network: what loudspeakers say, and how long that takes."""
