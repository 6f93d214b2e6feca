"""How good the estimate, the forecast and the routing are, against people whose number is known."""
