"""What a model learns: networks, losses and metrics as LightningModules."""
