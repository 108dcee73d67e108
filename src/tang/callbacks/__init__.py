"""What happens beside training: samples, confusion matrices, speed, a line an epoch."""
