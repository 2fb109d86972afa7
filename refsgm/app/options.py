"""Options that a user may have meant: other packages' names for those of refsgm."""

MEANT = {"--lr": "--learning-rate", "--batch-size": "--batch", "--n-steps": "--steps",
         "--epochs": "--steps", "--iterations": "--steps", "--iters": "--steps",
         "--num-steps": "--steps", "--hidden": "--width", "--layers": "--depth",
         "--n-levels": "--levels", "--num-levels": "--levels", "--loss": "--objective",
         "--output": "--out", "-o": "--out", "--num-samples": "-n", "--n-samples": "-n",
         "--n": "-n", "--method": "--sampler", "--device": "--backend", "--force": "--overwrite",
         "-f": "--overwrite", "--continue": "--resume"}


def check_names(arguments, commands):
    """No argument is an option that another package has and its command has not.

    arguments  of the command line, its first the name of a command
    commands   command -> its options, each as a list of its spellings
    Raises ValueError that names the option that may be meant.

    >>> check_names(["train", "--lr", "1"], {"train": [["--learning-rate"]]})
    Traceback (most recent call last):
    ValueError: train has no option --lr: did you mean --learning-rate?
    """
    command, *rest = arguments or [""]
    known = {name for names in commands.get(command, ()) for name in names}
    for argument in rest:
        name = argument.split("=")[0]
        if name not in known and MEANT.get(name) in known:
            raise ValueError(f"{command} has no option {name}: did you mean {MEANT[name]}?")
