"""The one exception for what a user can put right."""


class InputError(ValueError):
    """A mistake in a config, corpus, checkpoint or prompt.

    Its message is one line that names the file, key or position and says what to do;
    the scripts print that line and end with exit code 1, without a traceback.
    """
