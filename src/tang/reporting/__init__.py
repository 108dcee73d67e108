"""Reports of sweeps: a table, pictures, and which differences are larger than the noise between seeds."""
