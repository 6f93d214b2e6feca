"""What every channel over Twilio shares: the account, the table of its answers, the pace."""
