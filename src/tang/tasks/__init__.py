"""Networks, losses and metrics as LightningModules, one for each task."""
