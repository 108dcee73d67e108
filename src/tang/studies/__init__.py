"""What LSTMs do, shown in tables and figures; each module is a study, its function ``study`` conducts it."""
