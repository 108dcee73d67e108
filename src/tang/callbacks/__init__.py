"""What happens beside training: samples, speed, a line an epoch."""
